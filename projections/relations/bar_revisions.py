"""What each decision changed, bar by bar: rows that are only ever added, from which every position can be read."""

from collections.abc import Iterator
from datetime import date
from typing import Literal

import msgspec
import numpy as np

from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Basis
from projections.api.columns import Columns
from projections.api.faces import to_columns, to_python
from projections.fold.tables import Tables
from projections.models import decisions, metrics, prices, retirements
from projections.models.bar_columns import EPOCH_ORDINAL, PRICES, BarColumns, Ints
from projections.models.units import Instant, Reais
from projections.queries import revisions
from projections.queries.position import recorded_at
from projections.relations.block import Block, Cells, reais
from projections.relations.sessions import BASES
from projections.store.bulk import Batch
from projections.store.store import View

RevisionCause = Literal["first", "correction", "rescale", "withdrawn", "retired", "retirement_undone"]
FIRST, CORRECTION, RESCALE, WITHDRAWN = CAUSES = ("first", "correction", "rescale", "withdrawn")  # of a bar


class BarRevision(msgspec.Struct, frozen=True, kw_only=True):
    """One bar as the event `seq` made it, and as it was until then; prices in reais.

    A withdrawn bar has no new values, and the old ones stay in force. Of a ticker that a person retired, or whose
    retirement was undone, there is the day and nothing else.
    """

    ticker: str
    provider: str | None
    basis: Basis | None
    date: date
    seq: int
    recorded_at: Instant
    cause: RevisionCause
    open: Reais | None
    high: Reais | None
    low: Reais | None
    close: Reais | None
    volume: int | None
    provider_adj_close: Reais | None
    old_open: Reais | None
    old_high: Reais | None
    old_low: Reais | None
    old_close: Reais | None
    old_volume: int | None
    old_provider_adj_close: Reais | None
    old_seq: int | None


def bar_revisions(view: View, start: int, position: int) -> Iterator[Block]:
    """Yield what events [start, position) changed of bars, by ticker, provider, day and seq; every provider's.

    Costs the whole of each series that they changed.
    """
    tables = view.state[prices.NAME]

    def is_changed(series: Series) -> bool:
        return any(one.rows for one in decisions.decisions(tables, series, position, start=start))

    for batch in view.versions(series for series in prices.all_series(tables) if is_changed(series)):
        rows = np.flatnonzero((batch.columns.seqs >= start) & (batch.columns.seqs < position))
        yield _block(tables, batch, rows)


def retirement_revisions(log: LogSource, view: View, start: int, position: int) -> Columns[BarRevision]:
    """Return what events [start, position) recorded of tickers that ended, by ticker and seq."""
    nothing = dict.fromkeys(BarRevision.__struct_fields__)
    found = retirements.recorded(view.state[metrics.NAME], start, position)
    rows = (
        to_python(
            BarRevision,
            **nothing
            | {
                "ticker": one.ticker,
                "date": one.on,
                "seq": seq,
                "recorded_at": recorded_at(log, seq),
                "cause": "retirement_undone" if one.undone else "retired",
            },
        )
        for seq, one in found
    )
    return to_columns(BarRevision, rows)


def _block(tables: Tables, batch: Batch, rows: Ints) -> Block:
    """Return these rows of the batch, each with what was in force of its day until then."""
    found, numbers = batch.columns, batch.numbers
    old = _before(found, numbers)[rows]
    new = found.present[rows]
    series = [part.series for part in batch.parts]
    providers = sorted({one.provider for one in series})
    basis = np.array([BASES.index(part.judged[-1].basis) for part in batch.parts])
    provider = np.array([providers.index(one.provider) for one in series])
    columns = {
        "ticker": Cells(numbers[rows], words=[one.ticker for one in series]),
        "provider": Cells(provider[numbers[rows]], words=providers),
        "basis": Cells(basis[numbers[rows]], words=BASES),
        "date": Cells(found.days[rows]),
        "seq": Cells(found.seqs[rows]),
        "recorded_at": Cells(found.recorded[rows]),
        "cause": Cells(_causes(tables, batch, rows, old), words=CAUSES),
        "old_seq": Cells(found.seqs[old], old < 0),
    }
    for prefix, at, there in (("", rows, new), ("old_", old, old >= 0)):
        for name in PRICES:
            columns[f"{prefix}{name}"] = Cells(reais(found.values[name][at]), ~there)
        columns[f"{prefix}volume"] = Cells(found.values["volume"][at], ~there)
        adjusted = Cells(reais(found.values["adj_close"][at]), ~(there & found.adjusted[at]))
        columns[f"{prefix}provider_adj_close"] = adjusted
    return Block(BarRevision, columns)


def _before(found: BarColumns, numbers: Ints) -> Ints:
    """Return for each row the one that was in force of its series and day until then, -1 where none was."""
    places = np.arange(len(numbers))
    newest = np.maximum.accumulate(np.where(found.present, places, -1))
    before = np.concatenate(([-1], newest[:-1])) if len(numbers) else newest
    same = (before >= 0) & (numbers[before] == numbers) & (found.days[before] == found.days)
    return np.where(same, before, -1)


def _causes(tables: Tables, batch: Batch, rows: Ints, old: Ints) -> Ints:
    """Return the cause of each row, of `CAUSES`; a bar is rescaled where every change of its values is explained so."""
    present = batch.columns.present[rows]
    codes = np.where(present, np.where(old < 0, CAUSES.index(FIRST), CAUSES.index(CORRECTION)), CAUSES.index(WITHDRAWN))
    changed = rows[codes == CAUSES.index(CORRECTION)]
    rescaled = set()
    for number in np.unique(batch.numbers[changed]).tolist():
        causes: dict[tuple[int, int, int], set[str]] = {}
        for one in revisions.revisions(tables, batch.parts[number].series):
            causes.setdefault((number, one.date.toordinal() - EPOCH_ORDINAL, one.seq), set()).add(one.cause)
        rescaled |= {key for key, found in causes.items() if found == {RESCALE}}
    if rescaled:
        keys = zip(*(of[rows].tolist() for of in (batch.numbers, batch.columns.days, batch.columns.seqs)), strict=True)
        codes[[key in rescaled for key in keys]] = CAUSES.index(RESCALE)
    return codes
