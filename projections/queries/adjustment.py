"""What a series was to be adjusted by, as it was known at a position. Pure."""

from datetime import date
from fractions import Fraction

from ledger.events import Basis
from projections.fold.tables import Tables
from projections.models import corporate_actions, decisions, prices
from projections.models.prices import Series
from projections.queries.adjusted import factors


def basis(tables: Tables, series: Series, position: int | None = None) -> Basis:
    """Return the basis on which the provider tells the series, by its newest decision of [0, position).

    Split-adjusted where there is none: then there is no bar either.
    """
    found: Basis = "split_adjusted"
    for decision in decisions.decisions(tables, series.provider, series.ticker, position):
        found = decision.basis
    return found


def held_factors(tables: Tables, series: Series, position: int | None = None) -> dict[date, Fraction]:
    """Return the factor of each session held once `position` events are read (None: all), in order of days.

    Costs the series' versions and decisions.
    """
    judged = list(decisions.decisions(tables, series.provider, series.ticker, position))
    bars = prices.series(tables, series.provider, series.ticker, position)
    return factors(bars, corporate_actions.known(judged), judged[-1].basis) if bars else {}
