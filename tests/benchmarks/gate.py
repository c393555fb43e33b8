"""A run held against recorded ratios: what is a third worse is named. For people and nightly jobs, not for the suite.

Ratios and not rates: they hold on another machine, and on one that is busy.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.report import Section

THIRD = 1 / 3


class RecordedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The median ratios of one run, by name, and what it was of: ratios depend on how long a ledger is."""

    made_on: str
    machine: str
    parts: tuple[str, ...]
    quick: bool
    events: int
    ratios: dict[str, float]


class HeldRatio(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio as it was recorded and as it is now; `now` None where this run has it no more."""

    name: str
    recorded: float
    now: float | None

    @property
    def change(self) -> float | None:
        """How much of the recorded ratio is gained, or lost (below 0)."""
        return None if self.now is None else self.now / self.recorded - 1

    @property
    def worse(self) -> bool:
        """Whether a third is lost; a ratio that is gone may hide anything."""
        return self.change is None or self.change <= -THIRD + 1e-9


def ratios(sections: Sequence[Section]) -> dict[str, float]:
    """Return the median of each ratio by its name."""
    return {f"{one.what}: {one.name} / {one.peer}": one.median for section in sections for one in section.ratios}


def held(recorded: Mapping[str, float], now: Mapping[str, float]) -> list[HeldRatio]:
    """Return every recorded ratio beside what it is now, the worst first."""
    rows = [HeldRatio(name=name, recorded=ratio, now=now.get(name)) for name, ratio in recorded.items()]
    return sorted(rows, key=lambda row: (row.change is not None, row.change or 0, row.name))


def table(rows: Sequence[HeldRatio]) -> Iterator[str]:
    """Yield the lines of a table of them."""
    yield "| ratio | recorded | now | change | |"
    yield "|---|---|---|---|---|"
    for row in rows:
        now = "not measured" if row.now is None else f"{row.now:.3f}"
        change = "" if row.change is None else f"{row.change:+.0%}"
        yield f"| {row.name} | {row.recorded:.3f} | {now} | {change} | {'**worse**' if row.worse else ''} |"


def read(path: Path) -> RecordedRun:
    """Return what was recorded at `path`.

    Raises: ValueError for a file that holds anything else, or a ratio that is none.
    """
    found = msgspec.json.decode(path.read_bytes(), type=RecordedRun)
    if not found.ratios or any(not 0 < ratio < float("inf") for ratio in found.ratios.values()):
        message = f"got no ratio, or one that is none, in {path}, want ratios above 0"
        raise ValueError(message)
    return found
