"""How two providers agree on a ticker, as people and scripts get it. Pure."""

from datetime import date

import msgspec

from ledger.errors import NothingToShowError
from ledger.market.price import MICROS_PER_REAL
from ledger.market.series import Series
from projections.fold.tables import State
from projections.models import corporate_actions, decisions, prices
from projections.queries import compare as comparing
from projections.queries.adjusted import AdjustmentRule, held_factors
from projections.queries.compare import ADJUSTED, TOLERANCE_MICROS, VOLUME, Comparison, Field, Reported


class DifferenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price on which the providers differ, in reais on the split-adjusted basis where one of them has it.

    A volume is in shares on that basis. Of `adj_close` one is a provider's own, the other ours on its level.
    """

    date: date
    field: Field
    a: float
    b: float
    apart: float


class CompareRow(msgspec.Struct, frozen=True, kw_only=True):
    """How two providers agree on a ticker; counts are of sessions, `start` and `end` the first and last in both.

    `tolerance` is in reais of the prices as they were traded, from R$ 0.10 on.
    """

    ticker: str
    a: str
    b: str
    start: date
    end: date
    sessions: int
    agreeing: int
    differing: int
    only_in_a: int
    only_in_b: int
    tolerance: float
    worst: tuple[DifferenceRow, ...]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Who is compared on what, from when to when; None is no bound. `order` is whose word on actions counts."""

    ticker: str
    a: str
    b: str
    start: date | None = None
    end: date | None = None
    fields: tuple[Field, ...] = ("close",)
    order: tuple[str, ...] = ()


def compared(state: State, pair: Pair, position: int | None = None, *, limit: int | None = None) -> CompareRow:
    """Return how the two agree in the first `position` events (None: all), with the `limit` worst differences.

    Raises: NothingToShowError where one has no series of the ticker, or they hold no session both; of adjusted closes
    where neither provider has its own, or nothing is known to adjust the other one's closes by.
    """
    a, b = (_reported(state, pair, provider, position) for provider in (pair.a, pair.b))
    if ADJUSTED in pair.fields:
        own, other = (a, b) if a.has_adjusted else (b, a)
        if not own.has_adjusted:
            raise NothingToShowError(f"no adjusted close of {pair.ticker}'s providers", wanted="those of one of them")
        if not other.adjusted:
            raise NothingToShowError(f"no corporate actions to adjust {pair.ticker} by", wanted="some to compare")
    found = comparing.compare(a, b, start=pair.start, end=pair.end, fields=pair.fields)
    if not found.both:
        of = f"no session of {pair.ticker} that both {pair.a} and {pair.b} hold"
        raise NothingToShowError(of, wanted="at least one")
    return _row(pair, found, limit)


def _reported(state: State, pair: Pair, provider: str, position: int | None) -> Reported:
    tables, series = state[prices.NAME], Series(pair.ticker, provider)
    judged = list(decisions.decisions(tables, series, position))
    if not judged:
        message = f"no series of {series.ticker} from {series.provider}"
        raise NothingToShowError(message, wanted="one from each provider")
    rule = AdjustmentRule(order=pair.order)
    return Reported(
        bars=prices.bars(tables, series, position),
        actions=corporate_actions.known(judged),
        basis=judged[-1].basis,
        adjusted=held_factors(state, series, position, rule) if ADJUSTED in pair.fields else {},
    )


def _row(pair: Pair, found: Comparison, limit: int | None) -> CompareRow:
    return CompareRow(
        ticker=pair.ticker,
        a=pair.a,
        b=pair.b,
        start=found.both[0],
        end=found.both[-1],
        sessions=len(found.both),
        agreeing=found.agreeing,
        differing=len(found.differing),
        only_in_a=len(found.only_a),
        only_in_b=len(found.only_b),
        tolerance=TOLERANCE_MICROS / MICROS_PER_REAL,
        worst=tuple(
            DifferenceRow(
                date=one.date,
                field=one.field,
                **{
                    name: float(value) if one.field == VOLUME else value / MICROS_PER_REAL
                    for name, value in (("a", one.a), ("b", one.b), ("apart", one.apart))
                },
            )
            for one in found.differences[:limit]
        ),
    )
