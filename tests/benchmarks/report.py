"""What was measured, as tables that say the machine, the date and the spread."""

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import msgspec

from tests.benchmarks.measure import Ratio, Timing

PACKAGES = ("msgspec", "lmdb", "blake3", "click", "eventsourcing")

STARTING = (
    "Of processor time it is 17 ms more than the bare imports (health: 24), 4 to 6 of them for the child that looks at "
    "an untrusted file first (health asks two); the rest is our own modules and the work. Where the host is busy, "
    "waiting for that child comes on top: in a quiet minute the same machine shows 17, 16 and 24 ms of wall time."
)

NIGHTLY = (
    "",
    "`--part P` measures one part, `--events 10000000` with a ledger of ten million events.",
    "`--keep FOLDER` makes the ledgers once for several runs.",
    "`--gate F` repeats the run whose ratios `--record F` wrote, and prints each beside its record.",
    "It ends with exit code 1 where one is a third worse, or gone: for a nightly job, and not for the test suite.",
    "",
    "```",
    "python -m tests.benchmarks --gate tests/benchmarks/recorded.json --keep /var/tmp/b3-ledger-bench",
    "```",
    "",
    "Where a loss is meant, `--record` writes the file again, and the commit says why.",
    "Sections that say so count processor time, children included, and no waiting.",
    "What two processes do at once shows there as what both took; `--waited` counts what is waited for them instead.",
)

# What a profile (cProfile, by own time) says of each promise that was missed at least once.
REASONS = {
    "b3-ledger / eventsourcing": (
        "Encoding and LMDB are shared work: on the same bytes bare LMDB, BLAKE3 and msgspec themselves come to three "
        "to four times that library. Ours is within a tenth of those calls; the rest is the record, the index entry "
        "and the head of each append."
    ),
    "b3-ledger / bare LMDB, BLAKE3 and msgspec": (
        "What is over the bare calls: one record object an event, the check of each key that was put, the index entry."
    ),
    "b3-ledger / bare LMDB commit": (
        "A commit that also puts an index entry and the head, in bare calls, reaches 0.82 of one that does not: it "
        "writes three pages more, and on a ledger of a million events the index is a tree of its own. Python between "
        "lock and sync takes some 40 µs: stat of CURRENT, the gate and the lock, anchor read and write, encoding, one "
        "write transaction of five puts and gets."
    ),
    "verify, one process / bare loop": (
        "The loop is the bare one, in transactions of 10,000 events: over runs 0.87 to 0.94, which is the host's noise."
    ),
    "verify, two processes / bare loop": (
        "Two processes take a tenth more than half of what one takes: three forks, an opened environment each, a "
        "glance at the head, and a cache that both share. What is left is 1.5 to 1.8, and less on a short log."
    ),
    "replay / eventsourcing": (
        "Of about 4 µs a small event reading takes 0.7, the chain check 0.5, the envelope 0.4, its data 0.6 and the "
        "fold 1.4. Data and fold are that library's work too; at three times its rate nothing would be left for "
        "reading and checking. Realistic events are three times as long, and it hashes none of their bytes."
    ),
    "rebuild / decode alone": (
        "The profile is flat Python: of 8 µs a small event decoding alone pays 1.5 (reading 0.7, envelope and data), "
        "the chain check 0.5, the metrics 1.4, the log's entry with its two rows 3; the rest is commits. A realistic "
        "event is decoded without its bars and answer, which is why it comes nearer. Putting rows in key order gained "
        "8 %, multiple puts a call 3 %; one process a half of the projections would decode everything twice."
    ),
    "main backup --create --full / cp, fsync and SHA-256": (
        "The chain check and the counting are Python, event by event. Two children do them beside the writing where "
        "two cores are free, which processor time does not show."
    ),
    "main backup --create, 1,000 new events / cp, fsync and SHA-256": (
        "A file is read, written, dropped from the page cache and hashed as the disk gives it back, where the peer "
        "hashes what is still in memory; to start the program takes 0.1 s more."
    ),
    "both states of a decision": (
        "Followed alone it is 19 µs: BLAKE3 over a year's bars 6, the state 3, decision and cause in bounded memory "
        "the rest; in between the other checks caches are colder."
    ),
    "audit, two processes / audit, one process": (
        "Each process reads and re-hashes the whole log; the rest is shared by ticker. Where both cores are not free "
        "it says nothing."
    ),
    "main metrics, over the bare imports": STARTING,
    "main logs --ticker T --limit 20, over the bare imports": STARTING,
    "main health, over the bare imports": STARTING,
}


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is to stay at or under `limit`, where there is one."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the promise holds; None where there is none."""
        return None if self.limit is None else self.value <= self.limit


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One table of timings, the ratios drawn from it, and figures with limits."""

    title: str
    timings: tuple[Timing, ...]
    ratios: tuple[Ratio, ...]
    limits: tuple[Limit, ...]
    note: str = ""


def markdown(sections: Sequence[Section]) -> str:
    """Return the page."""
    return "\n".join(_lines(sections)) + "\n"


def _lines(sections: Sequence[Section]) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield "Made by `python -m tests.benchmarks --markdown docs/benchmarks.md`; contestants take turns, round by round."
    yield "Quote the ratios: they hold when the machine's speed drifts. Spread is (slowest - fastest) / median."
    yield ""
    yield f"{made_on()}, {machine()}, Linux {platform.release()},"
    yield f"Python {platform.python_version()}, {', '.join(_packages())}."
    yield from NIGHTLY
    for section in sections:
        yield from _section(section)
    yield from _missed(sections)


def _packages() -> Iterator[str]:
    """Yield what is installed of the packages measured: a part that meets no peer needs no extra."""
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"


def _missed(sections: Sequence[Section]) -> Iterator[str]:
    ratios = [f"{one.name} / {one.peer}" for section in sections for one in section.ratios if one.met is False]
    limits = [one.what for section in sections for one in section.limits if one.met is False]
    if not ratios and not limits:
        return
    yield ""
    yield "## Missed, and why"
    yield ""
    for what in dict.fromkeys((*ratios, *limits)):
        yield f"- **{what}.** {REASONS.get(what, 'Not looked into.')}"


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"## {section.title}"
    if section.timings:
        yield ""
        yield "| | rate | median round | spread |"
        yield "|---|---|---|---|"
        yield from map(_timing, section.timings)
    if section.ratios:
        yield ""
        yield "| ratio | median | fewest | most | promised | |"
        yield "|---|---|---|---|---|---|"
        yield from map(_ratio, section.ratios)
    if section.limits:
        yield ""
        yield "| figure | measured | at most | |"
        yield "|---|---|---|---|"
        yield from map(_limit, section.limits)
    if section.note:
        yield ""
        yield section.note


def _timing(timing: Timing) -> str:
    rate, median = f"{timing.rate:,.4g} {timing.unit}/s", f"{timing.median_s * 1000:,.4g} ms"
    return f"| {timing.name} | {rate} | {median} | {timing.spread:.0%} |"


def _ratio(ratio: Ratio) -> str:
    want = "" if ratio.want is None else f"{ratio.want:g}"
    fewest, most = min(ratio.rounds), max(ratio.rounds)
    return (
        f"| {ratio.name} / {ratio.peer} | {ratio.median:.2f} | {fewest:.2f} | {most:.2f} | {want} | {_met(ratio.met)} |"
    )


def _limit(limit: Limit) -> str:
    at_most = "" if limit.limit is None else f"{limit.limit:g} {limit.unit}"
    return f"| {limit.what} | {limit.value:.3g} {limit.unit} | {at_most} | {_met(limit.met)} |"


def _met(met: bool | None) -> str:
    return {True: "met", False: "**missed**", None: ""}[met]


def made_on() -> str:
    """Return today, UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def machine() -> str:
    """Return what the processor is called, and how many cores there are."""
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
