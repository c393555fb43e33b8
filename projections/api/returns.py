"""What a holder of a share gained from one close to another: by its price alone, and with all that it paid. Pure.

Both are quotients of adjusted closes. By price alone splits and their like are taken out; in total all actions are, by
the exchange's own formula: what is paid buys more of the share at the ex-price, on the last day with the right.

Source: docs/validation.md, "Returns".
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import msgspec

from ledger.market.series import Series
from ledger.values import Bar
from projections.actions.witnessed import WitnessedAction
from projections.fold.tables import State
from projections.models import decisions, prices
from projections.queries.adjusted import AdjustmentRule, known_actions


class Gained(msgspec.Struct, frozen=True, kw_only=True):
    """From the close of `start` to that of `end`, over `sessions` after the first; None where not all is known."""

    start: date
    end: date
    sessions: int
    price: Fraction | None
    total: Fraction | None


class AdjustedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A series with both factors of its sessions; before `unsized`, where there is one, no session has any."""

    bars: Mapping[date, Bar]
    splits: Mapping[date, Fraction]
    total: Mapping[date, Fraction]
    unsized: WitnessedAction | None = None

    def gained(self, start: date | None = None, end: date | None = None) -> Gained | None:
        """Return what was gained from the first session on or after `start` to the last on or before `end`.

        Without a `start` from the first session of which all is known. None where there are fewer than two sessions.
        """
        days = [day for day in self.bars if end is None or day <= end]
        known = [day for day in days if start is None and day in self.total] or days
        days = [day for day in days if day >= (known[0] if start is None else start)]
        if len(days) < 2:  # noqa: PLR2004 - a return is between two closes
            return None
        first, last = days[0], days[-1]
        closes = Fraction(self.bars[last].close, self.bars[first].close)
        price, total = (
            closes * factors[last] / factors[first] - 1 if first in factors and last in factors else None
            for factors in (self.splits, self.total)
        )
        return Gained(start=first, end=last, sessions=len(days) - 1, price=price, total=total)


def adjusted_series(
    state: State, series: Series, position: int | None = None, order: tuple[str, ...] = ()
) -> AdjustedSeries:
    """Return the series as it is held once `position` events are read (None: all), with both factors."""
    tables = state[prices.NAME]
    bars, newest = dict(sorted(prices.bars(tables, series, position).items())), decisions.newest(tables, series)
    if newest is None:
        return AdjustedSeries(bars=bars, splits={}, total={})
    known = known_actions(state, series, newest.basis, position, AdjustmentRule(order=order))
    return AdjustedSeries(
        bars=bars,
        splits=known.factors(bars, "splits"),
        total=known.factors(bars, "all"),
        unsized=known.unsized,
    )
