"""The rows of one series, made of its read models: prices, changes, corporate actions and missing sessions. Pure.

Everywhere `position` is how many events are read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.market.series import Series
from ledger.values import Bar, Basis
from projections.api.faces import HeldRows, to_python
from projections.api.rows import AdjustedPrice, Change, CorporateAction, DiffRow, MissingSession, Price
from projections.fold.tables import State, Tables
from projections.models import corporate_actions, decisions
from projections.models import prices as held_prices
from projections.models.decisions import Decision
from projections.models.prices import Version
from projections.models.units import reais
from projections.queries.bar_fields import VOLUME, apart, relative

if TYPE_CHECKING:
    from projections.actions.witnessed import ToldActions
    from projections.queries.adjusted import AdjustmentRule
    from projections.queries.gaps import DueSessions

PriceT = TypeVar("PriceT", bound=Price)


def prices(tables: Tables, series: Series, position: int) -> HeldRows[Price]:
    """Return a row for each session held, in their order."""
    return HeldRows(Price, _held(tables, series, position)[1])


def adjusted_prices(
    state: State, series: Series, position: int, rule: "AdjustmentRule | None" = None
) -> HeldRows[AdjustedPrice]:
    """Return what `prices` does, beside each price the one adjusted for what was known then, of later sessions too."""
    # Imported here: exact fractions cost as much as everything else that prices need.
    from projections.queries.adjusted import AS_USUAL, adjusted_columns, held_factors

    factors = held_factors(state, series, position, rule or AS_USUAL)
    bars, columns = _held(state[held_prices.NAME], series, position)
    return HeldRows(AdjustedPrice, columns | adjusted_columns(bars, [factors.get(bar.date) for bar in bars]))


def _held(tables: Tables, series: Series, position: int) -> tuple[Sequence[Bar], dict[str, Sequence[Any]]]:
    """Return the bars held, by day, and the columns of their rows."""
    newest = decisions.newest(tables, series, position)
    found = held_prices.in_force(tables, series, position)
    # A bar is held by a decision.
    bars, basis = ([], None) if newest is None else (found.bars, newest.basis)
    return bars, {
        "ticker": [series.ticker] * len(bars),
        **{name: list(map(attrgetter(name), bars)) for name in ("date", "open", "high", "low", "close", "volume")},
        "provider_adj_close": [bar.adj_close for bar in bars],
        "provider": [series.provider] * len(bars),
        "basis": [basis] * len(bars),
        "seq": found.seqs[: len(bars)],
        "learned_at": found.recorded[: len(bars)],
    }


def of_bar(series: Series, version: Version, bar: Bar, basis: Basis) -> dict[str, Any]:
    """Return the fields of the row of `bar`, which `version` holds, as the ledger holds them."""
    return {
        "ticker": series.ticker,
        "date": bar.date,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "provider_adj_close": bar.adj_close,
        "provider": series.provider,
        "basis": basis,
        "seq": version.seq,
        "learned_at": version.recorded_at,
    }


def within(rows: Iterable[PriceT], start: date | None, end: date | None) -> Sequence[PriceT]:
    """Return the rows from `start` to `end`, both inclusive; None leaves a bound out."""
    if isinstance(rows, HeldRows):
        days = rows.held["date"]
        return rows[bisect_left(days, start or date.min) : bisect_right(days, end or date.max)]
    return [row for row in rows if (start is None or start <= row.date) and (end is None or row.date <= end)]


def changes(
    tables: Tables, series: Series, position: int | None = None, *, everything: bool, since_us: int = 0
) -> Iterator[Change]:
    """Yield a row for each value that changed, in the order in which it was learned: at `since_us` or later.

    First bars that came on time are left out, unless `everything` is wanted.
    """
    # Imported here, as in `missing_sessions`: prices need no history, and the calendar that it reads takes a while.
    from projections.queries import revisions

    for one in revisions.revisions(tables, series, position):
        if one.recorded_at >= since_us and (everything or one.late or one.cause != "first"):
            yield to_python(
                Change,
                ticker=series.ticker,
                date=one.date,
                field=one.field,
                old=quantity(one.field, one.old),
                new=quantity(one.field, one.new),
                change=one.change,
                cause=one.cause,
                late=one.late,
                seq=one.seq,
                learned_at=one.recorded_at,
                old_seq=one.old_seq,
                old_learned_at=one.old_recorded_at,
                provider=series.provider,
            )


def quantity(field: str, value: int | None) -> Decimal | None:
    """Return the value of a bar's field: reais, or whole shares."""
    if value is None:
        return None
    return Decimal(value) if field == VOLUME else reais(value)


def actions(tables: Tables, series: Series, position: int, *, every_change: bool = False) -> Iterator[CorporateAction]:
    """Yield a row for each dividend, split and capital gain that is known, by day and kind.

    With `every_change`, for each that ever was, in the order in which it was learned or withdrawn.
    """
    return decided_actions(series, decisions.decisions(tables, series, position), every_change=every_change)


def decided_actions(
    series: Series, judged: Iterable[Decision], *, every_change: bool = False
) -> Iterator[CorporateAction]:
    """Yield what `actions` does, as the decisions on the series have them."""
    for change in (corporate_actions.changes if every_change else corporate_actions.holding)(judged):
        for action in change.new or change.old:
            yield to_python(
                CorporateAction,
                ticker=series.ticker,
                date=action.ex_date,
                kind=action.kind,
                amount=action.amount,
                numerator=action.numerator,
                denominator=action.denominator,
                cause=change.cause,
                seq=change.seq,
                learned_at=change.recorded_at,
                provider=series.provider,
                com_date=action.com_date,
                pay_date=action.pay_date,
                isin=action.isin,
                label=action.label,
                strike=action.strike,
            )


def actions_of(
    tables: Tables, ticker: str, source: str | None, position: int, *, every_change: bool = False
) -> list[CorporateAction]:
    """Return what `actions` does of every provider that tells of the ticker's (of the `source`, where given).

    By day, kind and provider; with `every_change` in the order in which they were learned.
    """
    providers = [name for name in decisions.judged(tables, ticker) if source in {None, name}]
    rows = [
        row for name in providers for row in actions(tables, Series(ticker, name), position, every_change=every_change)
    ]
    return sorted(rows, key=lambda one: one.seq if every_change else (one.date, one.kind, one.provider))


def counting_actions(state: State, ticker: str, position: int, order: Sequence[str] = ()) -> list[CorporateAction]:
    """Return those of `actions_of` that count: of what several tell of one day, the first in `order` to be believed.

    They are what the prices of the ticker are adjusted by.
    """
    # Imported here: exact fractions cost as much as everything else that actions need.
    from projections.queries.adjusted import told

    tables = state[held_prices.NAME]
    return counting_among(tables, ticker, told(tables, ticker, position, order), position)


def counting_among(
    tables: Tables, ticker: str, witnesses: Sequence["ToldActions"], position: int
) -> list[CorporateAction]:
    """Return what `counting_actions` does of a ticker whose actions are as these `witnesses` told of them."""
    if not witnesses:
        return []
    # Imported here as above.
    from projections.actions.witnessed import witnessed

    counting = {(row.provider, one.ex_date, one.kind) for row in witnessed(witnesses) for one in row.actions}
    found = (row for one in witnesses for row in actions(tables, Series(ticker, one.provider), position))
    return sorted(
        (one for one in found if (one.provider, one.date, one.kind) in counting),
        key=lambda one: (one.date, one.kind, one.provider),
    )


def differences(series: Series, old: Mapping[date, Bar], new: Mapping[date, Bar]) -> Iterator[DiffRow]:
    """Yield where the bars held of a series differ, by day and then by field."""
    for one in apart(old, new):
        yield DiffRow(
            ticker=series.ticker,
            date=one.date,
            field=one.field,
            old=quantity(one.field, one.old),
            new=quantity(one.field, one.new),
            change=relative(one.old, one.new),
            provider=series.provider,
        )


def uncovered_session(provider: str, day: date) -> MissingSession:
    """Return the row of a session that no file of `provider` covers, of all tickers together."""
    return to_python(
        MissingSession,
        ticker=None,
        date=day,
        asked=0,
        since=None,
        last_asked_at=None,
        rejected=False,
        rejected_answers=0,
        last_rejected_at=None,
        behind=False,
        provider=provider,
    )


def missing_sessions(
    tables: Tables, series: Series, due: "DueSessions", position: int | None = None
) -> Iterator[MissingSession]:
    """Yield a row for each session that is `due` and missing, oldest first."""
    from projections.queries import gaps

    for gap in gaps.gaps(tables, series, due, position):
        yield to_python(
            MissingSession,
            ticker=series.ticker,
            date=gap.date,
            asked=gap.asked,
            since=gap.since,
            last_asked_at=gap.last_asked,
            rejected=gap.rejected,
            rejected_answers=gap.rejected_answers,
            last_rejected_at=gap.last_rejected,
            behind=gap.behind,
            provider=series.provider,
        )
