"""What changed in a series, when it was learned, and why. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal

import msgspec

from ledger.events import Bar
from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from ledger.market.series import Series
from projections.fold.tables import Tables
from projections.models.decisions import Decision
from projections.models.prices import Version
from projections.queries import bar_fields, history
from projections.queries.bar_fields import FieldChange
from projections.queries.history import Standing

VOLUME_TOLERANCE = 5e-3  # providers round rescaled volumes, and some count late trades in
ADJUSTED = "adj_close"

_ROUNDING = 0.5  # how far off an exact price may be for having been made one

Cause = Literal["first", "correction", "rescale", "withdrawn"]


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session, as `old` until the event at `seq` made it `new`; prices in millionths of a real.

    `first` has no old value and `withdrawn` no new one: their field is the close, which stands for the bar.
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


class _Move(msgspec.Struct, frozen=True):
    """How one day's adj_close/close moved, new/old, and how far off rounding may have put that."""

    date: date
    ratio: float
    rounding: float
    followed: bool  # the close moved as far as the adjusted close did


def revisions(tables: Tables, series: Series, position: int | None = None) -> Iterator[Revision]:
    """Yield every revision of the series once `position` events are read (None: all), in the order it was learned.

    Costs the series' versions. A session that is withdrawn again before it came back changed is told of once.
    """
    withdrawn: set[date] = set()
    for standing, decision, made in history.steps(tables, series, position):
        scales = _scales(decision, made, standing)
        for version in made:
            if version.bar is None and version.date in withdrawn:
                continue
            yield from _revised(version, standing, scales)
        withdrawn = (withdrawn | _days(made, gone=True)) - _days(made, gone=False)


def _days(made: Sequence[Version], *, gone: bool) -> set[date]:
    return {version.date for version in made if (version.bar is None) is gone}


def _revised(version: Version, standing: Standing, scales: _Scales) -> Iterator[Revision]:
    before = standing.held.get(version.date)
    for change in bar_fields.moved(None if before is None else before.bar, version.bar):
        yield Revision(
            date=change.date,
            field=change.field,
            old=change.old,
            new=change.new,
            cause=_cause(change, before, version, scales),
            late=before is None and version.date in standing.missed,
            seq=version.seq,
            recorded_at=version.recorded_at,
            old_seq=None if before is None else before.seq,
            old_recorded_at=None if before is None else before.recorded_at,
        )


def _cause(change: FieldChange, before: Version | None, version: Version, scales: _Scales) -> Cause:
    if before is None:
        return "first"
    if version.bar is None:
        return "withdrawn"
    return "rescale" if _is_rescaled(change, scales) else "correction"


def _is_rescaled(change: FieldChange, scales: _Scales) -> bool:
    if change.field == ADJUSTED and change.date in scales.adjusted:
        return True
    if not scales.closes or not change.old or not change.new:
        return False
    if change.field == bar_fields.VOLUME:
        # Shares go up as prices come down.
        return abs(change.new * scales.closes / change.old - 1) <= VOLUME_TOLERANCE
    rounding = _ROUNDING / abs(change.old) + _ROUNDING / abs(change.new)
    return _alike(change.new / change.old, scales.closes, rounding)


def _scales(decision: Decision, made: Sequence[Version], standing: Standing) -> _Scales:
    return _Scales(decision.rescale, frozenset(_moved_together(list(_moves(made, standing)))))


def _moves(made: Sequence[Version], standing: Standing) -> Iterator[_Move]:
    for version in made:
        before = standing.held.get(version.date)
        if before is not None and before.bar is not None and version.bar is not None:
            yield from _move(before.bar, version.bar)


def _move(old: Bar, new: Bar) -> Iterator[_Move]:
    if not old.adj_close or not new.adj_close or old.adj_close == new.adj_close:
        return
    ratio = (new.adj_close / new.close) / (old.adj_close / old.close)
    rounding = _ROUNDING / abs(old.adj_close) + _ROUNDING / abs(new.adj_close)
    followed = old.close != new.close and _alike(ratio, 1.0, rounding)
    yield _Move(new.date, ratio, rounding, followed)


def _moved_together(moves: Sequence[_Move]) -> Iterator[date]:
    """Yield the days whose adjustment moved by the ratio of the next or the last one that moved.

    Two dividends between two answers leave two ratios, so no one ratio tells them from a correction.
    """
    for one, other in pairwise(move for move in moves if not move.followed):
        if _alike(one.ratio, other.ratio, one.rounding + other.rounding):
            yield one.date
            yield other.date


def _alike(ratio: float, other: float, rounding: float) -> bool:
    return abs(ratio / other - 1) <= SCALE_TOLERANCE + rounding
