"""What was measured, as tables that say the machine, the date and the spread."""

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from tests.benchmarks.measure import Ratio, Timing

PACKAGES = ("msgspec", "lmdb", "blake3", "click", "eventsourcing")

# What a profile (cProfile, by own time) says of each promise that was missed at least once.
REASONS = {
    ("b3-ledger", "eventsourcing"): (
        "Encoding and LMDB are shared work: on the same bytes bare LMDB, BLAKE3 and msgspec themselves come to about "
        "3 times that library on a quiet machine. Ours is within a fifth to a quarter of those calls; the rest is the "
        "record, the index entry and the head of each append."
    ),
    ("b3-ledger", "bare LMDB, BLAKE3 and msgspec"): (
        "What is over the bare calls: one record object an event, the check of each key that was put, the index entry."
    ),
    ("b3-ledger", "bare LMDB commit"): (
        "A commit that also puts an index entry and the head, in bare calls, reaches 0.82 of one that does not: it "
        "writes three pages more. Python between lock and sync takes another 40 to 60 µs: stat of CURRENT, flock, "
        "anchor read and write, encoding, one write transaction."
    ),
    ("verify, one process", "bare loop"): "The loop is the bare one, in transactions of 10,000 events.",
    ("verify, two processes", "bare loop"): (
        "Two forks, an opened environment each and a glance at the head cost about 10 ms; the rest scales with the "
        "cores that are free: on a busy machine the second is not."
    ),
    ("replay", "eventsourcing"): (
        "Of about 5.4 µs an event on small events 2.3 are reading, chain check and envelope, 3 the fold itself, which "
        "both sides pay: with it, three times the library would leave nothing for reading."
    ),
    ("rebuild", "decode alone"): (
        "The profile is flat Python: of 12 µs an event the chain check takes 1.8, decoding 2, putting rows 2.7 (three "
        "to four an event), the four folds the rest. Putting rows in key order at the end of each batch gained 8 % "
        "and was left out; so was one process a half of the projections, which would double the decoding."
    ),
}


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is to stay at or under `limit`, where there is one."""

    what: str
    value: float
    unit: str
    limit: float | None = None


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
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, Linux {platform.release()},"
    yield f"Python {platform.python_version()}, {packages}."
    for section in sections:
        yield from _section(section)
    yield from _missed(sections)


def _missed(sections: Sequence[Section]) -> Iterator[str]:
    ratios = [(ratio.name, ratio.peer) for section in sections for ratio in section.ratios if ratio.met is False]
    found = list(dict.fromkeys(ratios))
    if not found:
        return
    yield ""
    yield "## Missed, and why"
    yield ""
    for name, peer in found:
        yield f"- **{name} / {peer}.** {REASONS.get((name, peer), 'Not looked into.')}"


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"## {section.title}"
    yield ""
    if section.timings:
        yield "| | rate | median round | spread |"
        yield "|---|---|---|---|"
        yield from map(_timing, section.timings)
        yield ""
    if section.ratios:
        yield "| ratio | median | fewest | most | promised | |"
        yield "|---|---|---|---|---|---|"
        yield from map(_ratio, section.ratios)
    if section.limits:
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
    met = None if limit.limit is None else limit.value <= limit.limit
    at_most = "" if limit.limit is None else f"{limit.limit:g} {limit.unit}"
    return f"| {limit.what} | {limit.value:.3g} {limit.unit} | {at_most} | {_met(met)} |"


def _met(met: bool | None) -> str:
    return {True: "met", False: "**missed**", None: ""}[met]


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
