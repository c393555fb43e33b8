"""Every field of the sessions of many series as blocks: the rows of `Ledger.quotations`, without making each of them.

The evidence of some series is decoded together, by columns; where an answer is unusual, row by row as everywhere else.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

from ledger.ingest.providers import registry
from ledger.log_source import LogSource
from ledger.market.quotation_columns import Numbers, QuotationColumns
from ledger.market.series import Series
from ledger.values import Window
from projections.api import market_rows
from projections.api.rows import MarketPrice
from projections.market.quotations import bodies
from projections.models import prices
from projections.models.bar_columns import EPOCH_ORDINAL, Ints
from projections.models.decisions import Decision
from projections.models.units import fields
from projections.relations.block import MICROS, Block, Cells, reais
from projections.relations.sessions import BASES, SeriesRows, Sessions, sessions
from projections.store.store import View


def quoted_sessions(log: LogSource, view: View, wanted: Iterable[Series], position: int) -> Iterator[Sessions]:
    """Yield every field of the sessions of the series `wanted` held once `position` events are read.

    By series and day; each provider is one of `registry.quoting`. Reads an event for each answer that they are from.

    Raises: DamagedError where an event is not what its decision says, or its answer not what it was.
    """
    for provider, of_provider in groupby(wanted, key=attrgetter("provider")):
        for found in sessions(view, of_provider, position, adjusted=None):
            if found.parts:
                block = _block(log, provider, found)
                yield _by_rows(log, view, found, position) if block is None else Sessions(block, found.parts)


def _by_rows(log: LogSource, view: View, found: Sessions, position: int) -> Sessions:
    """Return all fields of these sessions, less those of which their answer says nothing."""
    rows, parts = list[dict[str, Any]](), list[SeriesRows]()
    for part in found.parts:
        start = len(rows)
        rows += market_rows.held_fields(log, view.state[prices.NAME], part.series, position, Window(date.min, date.max))
        parts.append(SeriesRows(part.series, part.judged, start, len(rows)))
    cells = {
        field.name: _repeated(field.kind, [row[field.name] for row in rows], np.arange(len(rows)))
        for field in fields(MarketPrice)
    }
    return Sessions(Block(MarketPrice, cells), [part for part in parts if part.start < part.stop])


def _block(log: LogSource, provider: str, found: Sessions) -> Block | None:
    """Return all fields of these sessions, None where only a look at each answer can tell them."""
    columns = found.block.columns
    seqs, of = np.unique(columns["seq"].values, return_inverse=True)
    known = {one.seq: one for part in found.parts for one in part.judged}
    judged = [known[seq] for seq in seqs.tolist() if seq in known and known[seq].cause is not None]
    if len(judged) < len(seqs):
        return None
    said = registry.quotation_columns(provider, bodies(log, judged), of, columns["date"].values)
    if said is None:
        return None
    return Block(MarketPrice, columns | {"basis": _bases(judged, of)} | _traded(said) | _listed(said))


def _bases(judged: Sequence[Decision], of: Ints) -> Cells:
    """Return the basis of each row: that of the decision which made it."""
    return Cells(np.array([BASES.index(one.basis) for one in judged])[of], words=BASES)


def _traded(said: QuotationColumns) -> dict[str, Cells]:
    found = {"average": said.average, "bid": _offered(said.bid), "ask": _offered(said.ask), "value": said.value}
    money = {name: Cells(reais(one.values), one.missing) for name, one in found.items()}
    return money | {"trades": Cells(said.trades.values, said.trades.missing)}


def _offered(price: Numbers) -> Numbers:
    """Return a bid or an ask, of nothing as none."""
    return Numbers(price.values, price.missing | (price.values == 0))


def _listed(said: QuotationColumns) -> dict[str, Cells]:
    rows = []
    for one in said.described:
        beside = {"strike_points": one.strike_points or None, "correction": one.correction}
        rows.append(market_rows.listed_fields(one.listing) | beside)
    kinds = {field.name: field.kind for field in fields(MarketPrice)}
    return {name: _repeated(kinds[name], [row[name] for row in rows], said.of) for name in rows[0]}


def _repeated(kind: type, values: list[Any], of: Ints) -> Cells:
    """Return the cells of which row n is `values[of[n]]`."""
    if kind is str:
        return Cells(of, words=values)
    missing = np.array([value is None for value in values], np.bool_)
    if kind is Decimal:
        # Of two ints the quotient is the double nearest to it, of any size.
        return Cells(np.array([(value or 0) / MICROS for value in values], np.float64)[of], missing[of])
    if kind is date:
        values = [value and value.toordinal() - EPOCH_ORDINAL for value in values]
    return Cells(np.array([value or 0 for value in values], np.int64)[of], missing[of])
