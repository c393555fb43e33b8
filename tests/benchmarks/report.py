"""What was measured, as tables that say the machine, the date and the spread."""

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from tests.benchmarks.measure import Ratio, Timing

PACKAGES = ("msgspec", "lmdb", "blake3", "click", "eventsourcing")


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
    yield f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, Linux {platform.release()}, "
    yield f"Python {platform.python_version()}, {packages}."
    for section in sections:
        yield from _section(section)


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
