"""What changed in a series, when it was learned, and why. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Self

import msgspec

from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from ledger.market.series import Series
from ledger.values import Bar
from projections.fold.tables import Tables
from projections.models.prices import Version
from projections.queries import bar_fields, history
from projections.queries.bar_fields import Cause, FieldChange
from projections.queries.history import Coverage

VOLUME_TOLERANCE = 5e-3  # providers round rescaled volumes, and some count late trades in
ADJUSTED = "adj_close"

_ROUNDING = 0.5  # how far an exact price may be from the one reported


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session, as `old` until the event at `seq` made it `new`; prices in millionths of a real.

    `first` has no old value and `withdrawn` no new one: their field is the close, which represents the bar.
    A withdrawn session stays held. `late` marks a first bar of a session that was asked for in vain before.
    """

    date: date
    field: str
    old: int | None
    new: int | None
    cause: Cause
    late: bool
    seq: int
    recorded_at: int
    old_seq: int | None
    old_recorded_at: int | None

    @property
    def change(self) -> float | None:
        """The relative change, None without two values."""
        return bar_fields.relative(self.old, self.new)


class _Scales(msgspec.Struct, frozen=True):
    """How one decision rescaled: its ratio of closes, and the days whose adjustment moved with a neighbour's."""

    closes: float | None
    adjusted: frozenset[date]

    def explain(self, change: FieldChange) -> bool:
        """Whether a rescale of the series, and no correction of this value, accounts for `change`."""
        if change.field == ADJUSTED and change.date in self.adjusted:
            return True
        if not self.closes or not change.old or not change.new:
            return False
        if change.field == bar_fields.VOLUME:
            # Shares go up as prices come down.
            return abs(change.new * self.closes / change.old - 1) <= VOLUME_TOLERANCE
        return _alike(change.new / change.old, self.closes, _rounding(change.old, change.new))


class _Move(msgspec.Struct, frozen=True):
    """How one day's adj_close/close moved, new/old, and how far off rounding may have put that."""

    date: date
    ratio: float
    rounding: float

    @classmethod
    def between(cls, old: Bar, new: Bar) -> Self | None:
        """Return how the adjustment of a day moved; None where it did not, or only because the close did."""
        if not old.adj_close or not new.adj_close or old.adj_close == new.adj_close:
            return None
        ratio = (new.adj_close / new.close) / (old.adj_close / old.close)
        rounding = _rounding(old.adj_close, new.adj_close)
        followed = old.close != new.close and _alike(ratio, 1.0, rounding)
        return None if followed else cls(new.date, ratio, rounding)


def revisions(tables: Tables, series: Series, position: int | None = None) -> Iterator[Revision]:
    """Yield every revision of the series once `position` events are read (None: all), in the order it was learned.

    Costs the series' versions. A session withdrawn again before it came back changed is reported once.
    """
    withdrawn: set[date] = set()
    for before, decision, made in history.steps(tables, series, position):
        scales = _Scales(decision.rescale, frozenset(_moved_together(before, made)))
        for version in made:
            if version.bar is None and version.date in withdrawn:
                continue
            yield from _revised(before, version, scales)
        withdrawn |= {version.date for version in made if version.bar is None}
        withdrawn -= {version.date for version in made if version.bar is not None}


def _revised(coverage: Coverage, version: Version, scales: _Scales) -> Iterator[Revision]:
    before = coverage.held.get(version.date)
    for change in bar_fields.moved(None if before is None else before.bar, version.bar):
        cause: Cause = "rescale" if scales.explain(change) else "correction"
        if before is None:
            cause = "first"
        elif version.bar is None:
            cause = "withdrawn"
        yield Revision(
            date=change.date,
            field=change.field,
            old=change.old,
            new=change.new,
            cause=cause,
            late=before is None and version.date in coverage.missed,
            seq=version.seq,
            recorded_at=version.recorded_at,
            old_seq=None if before is None else before.seq,
            old_recorded_at=None if before is None else before.recorded_at,
        )


def _moved_together(before: Coverage, made: Sequence[Version]) -> Iterator[date]:
    """Yield the days whose adjustment moved by the ratio of the next or the last one that moved.

    Two dividends between two answers leave two ratios, so no single ratio tells them from a correction.
    """
    bars = ((before.held[one.date].bar, one.bar) for one in made if one.date in before.held)
    moves = [move for old, new in bars if old and new and (move := _Move.between(old, new))]
    for one, other in pairwise(moves):
        if _alike(one.ratio, other.ratio, one.rounding + other.rounding):
            yield one.date
            yield other.date


def _rounding(old: int, new: int) -> float:
    """Return how far off rounding may have put the ratio of two prices."""
    return _ROUNDING / abs(old) + _ROUNDING / abs(new)


def _alike(ratio: float, other: float, rounding: float) -> bool:
    return abs(ratio / other - 1) <= SCALE_TOLERANCE + rounding
