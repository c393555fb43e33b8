"""Prices of many series as blocks: the rows of `Ledger.prices`, without making each of them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import NamedTuple

import numpy as np

from ledger.market.series import Series
from ledger.values import Bar, Basis
from projections.actions.witnessed import ToldActions
from projections.api.rows import AdjustedPrice, Price
from projections.fold.tables import State, Tables
from projections.models import bar_columns, decisions, prices
from projections.models.bar_columns import EPOCH_ORDINAL, PRICES, Ints
from projections.models.decisions import Decision
from projections.queries.adjusted import ONE, AdjustmentRule, AdjustmentScope, known_by, told
from projections.relations.block import MICROS, Block, Cells, reais
from projections.store.bulk import Batch
from projections.store.store import View

BASES: tuple[Basis, ...] = ("as_traded", "split_adjusted")


class SeriesRows(NamedTuple):
    """The rows `[start, stop)` of a block that are of one series; the decisions on it until then, one at least.

    Where prices are adjusted, `witnesses` tell of its ticker's actions.
    """

    series: Series
    judged: list[Decision]
    start: int
    stop: int
    witnesses: Sequence[ToldActions] = ()


class Sessions(NamedTuple):
    """Sessions of some series, by ticker and day: a block of prices, and the part of each series that has any."""

    block: Block
    parts: list[SeriesRows]


class _RowsInForce(NamedTuple):
    """The rows of a batch in force as of a position, which of them are of each series, and their columns."""

    batch: Batch
    rows: Ints
    parts: list[SeriesRows]
    columns: dict[str, Cells]

    def bars(self, part: SeriesRows) -> dict[date, Bar]:
        """Return the bars of a series by day, without what their provider adjusted them to."""
        rows, values = self.rows[part.start : part.stop], self.batch.columns.values
        days = [date.fromordinal(day) for day in (self.batch.columns.days[rows] + EPOCH_ORDINAL).tolist()]
        quoted = (values[name][rows].tolist() for name in PRICES)
        volumes = values["volume"][rows].tolist()
        return {one[0]: Bar(*one) for one in zip(days, *quoted, repeat(None), volumes)}


def sessions(
    view: View, wanted: Iterable[Series], position: int, *, adjusted: AdjustmentRule | None
) -> Iterator[Sessions]:
    """Yield the sessions of the series `wanted` held once `position` events are read; see `Ledger.prices`."""
    for batch in view.versions(wanted, position):
        rows = bar_columns.in_force(batch.columns, batch.numbers, position)
        places = np.searchsorted(batch.numbers[rows], np.arange(len(batch.parts) + 1)).tolist()
        parts = [
            SeriesRows(part.series, [one for one in part.judged if one.seq < position], places[n], places[n + 1])
            for n, part in enumerate(batch.parts)
        ]
        columns = _columns(batch, rows, parts)
        if adjusted:
            parts = _witnessed(view.state[prices.NAME], parts, position, adjusted)
            columns |= _adjusted(view.state, _RowsInForce(batch, rows, parts, columns), position, adjusted.scope)
        held = [part for part in parts if part.start < part.stop]
        yield Sessions(Block(AdjustedPrice if adjusted else Price, columns), held)


def _witnessed(tables: Tables, parts: list[SeriesRows], position: int, rule: AdjustmentRule) -> list[SeriesRows]:
    """Return the parts with who tells of their tickers' actions."""
    judged = decisions.judged_of(tables, sorted({part.series.ticker for part in parts}))
    return [
        part._replace(witnesses=told(tables, ticker, position, rule.order, providers=judged[ticker]))
        for part in parts
        for ticker in [part.series.ticker]
    ]


def _columns(batch: Batch, held: Ints, parts: list[SeriesRows]) -> dict[str, Cells]:
    found, rows = batch.columns, bar_columns.taken(held, len(batch.numbers))
    numbers = batch.numbers[rows]
    providers = sorted({part.series.provider for part in parts})
    provider_of = np.array([providers.index(part.series.provider) for part in parts])
    # A series without a decision by then has no row either.
    basis_of = np.array([BASES.index(part.judged[-1].basis) if part.judged else 0 for part in parts])
    return {
        "ticker": Cells(numbers, words=[part.series.ticker for part in parts]),
        "date": Cells(found.days[rows]),
        **{name: Cells(reais(found.values[name][rows])) for name in PRICES},
        "volume": Cells(found.values["volume"][rows]),
        "provider_adj_close": Cells(reais(found.values["adj_close"][rows]), ~found.adjusted[rows]),
        "provider": Cells(provider_of[numbers], words=providers),
        "basis": Cells(basis_of[numbers], words=BASES),
        "seq": Cells(found.seqs[rows]),
        "learned_at": Cells(found.recorded[rows]),
    }


def _adjusted(state: State, held: _RowsInForce, position: int, scope: AdjustmentScope) -> dict[str, Cells]:
    """Return the factor of each row and its prices times that; most series have no action, and nothing to compute."""
    size = len(held.rows)
    factor, missing = np.ones(size), np.zeros(size, np.bool_)
    made = {name: held.columns[name].values.copy() for name in PRICES}
    days = held.columns["date"].values
    for whole, part in zip(held.batch.parts, held.parts, strict=True):
        if part.start == part.stop:
            continue
        span = slice(part.start, part.stop)
        known = known_by(state, part.series, whole.judged[-1].basis, part.witnesses, position)
        if not known.actions:
            missing[span] = True if known.since is None else days[span] + EPOCH_ORDINAL < known.since.toordinal()
            continue
        bars = held.bars(part)
        factors = known.factors(bars, scope)
        for row, (day, bar) in enumerate(bars.items(), part.start):
            one = factors.get(day)
            if one is None:
                missing[row] = True
            elif one != ONE:
                factor[row] = float(one)
                for name, values in made.items():
                    # The quotient of two ints is the double nearest to it, as that of the fraction is.
                    values[row] = getattr(bar, name) * one.numerator / (one.denominator * MICROS)
    return {
        "factor": Cells(factor, missing),
        **{f"adj_{name}": Cells(values, missing) for name, values in made.items()},
    }
