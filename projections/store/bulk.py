"""Many series at once, as columns: read without a check of each row, and held against the log a series at a time.

What a decision commits to covers every bar in force, so that their rows need no check of their own; those that were
replaced or withdrawn since, and those of a series whose newest decision commits to nothing, are checked row by row.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from blake3 import blake3

from ledger.codec import UNDECODABLE
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.market.series_state import array_of
from projections.fold.keys import seq_key, text_key
from projections.fold.tables import Row, State, Tables
from projections.models import bar_columns, decisions, prices
from projections.models.bar_columns import KEY_BYTES, BarColumns, Flags, Ints
from projections.models.decisions import Decision
from projections.store.commitments import apart
from projections.store.lmdb_tables import CHECK_BYTES, LmdbTable
from projections.store.mending import UNSOUND, Mending

BATCH_SERIES = 64  # of a year each, their columns stay in a processor's cache

Leaves = dict[int, bytes]
Made = dict[tuple[bytes, int], int]

_key, _value = itemgetter(0), itemgetter(1)


class SeriesVersions(NamedTuple):
    """One series of a batch: the decisions on it, and the rows `[start, stop)` that are its versions."""

    series: Series
    judged: list[Decision]
    start: int
    stop: int


class Batch(NamedTuple):
    """Every version of some series, by series, day and seq; `numbers` gives the part that each row is of."""

    parts: list[SeriesVersions]
    columns: BarColumns
    numbers: Ints


class Bulk:
    """Reads whole series from one view of a store."""

    def __init__(self, log: LogSource, stored: Tables, mending: Mending) -> None:
        """Read rows as they are `stored`; what does not hold is `mending`'s."""
        self._log, self._stored, self._mending = log, stored, mending

    def batches(self, wanted: Iterable[Series]) -> Iterator[Batch]:
        """Yield the versions of the series `wanted`, in their order."""
        for names in _together(wanted):
            sound = None if self._mending.sound else self._sound(names)
            yield sound or _batch(names, *_scanned(self._mending.state[prices.NAME], names))

    def _sound(self, names: Sequence[Series]) -> Batch | None:
        """Return the versions of these series, None where something stored does not hold."""
        try:
            batch = self._held(names)
        except (*UNSOUND, *UNDECODABLE, ValueError) as error:
            self._mending.folded(str(error))
            return None
        self._mending.found_sound(names)
        return batch

    def _held(self, names: Sequence[Series]) -> Batch:
        """Return the versions of these series.

        Raises: ValueError, and what reading a damaged row or a damaged log raises, where one is not what was decided.
        """
        bars, judged, rows = self._stored["bars"], list[list[Decision]](), list[list[Row]]()
        assert isinstance(bars, LmdbTable)  # noqa: S101 - what a store gives
        for series in names:
            judged.append(list(decisions.decisions(self._stored, series)))
            # One row more than were made is one too many, and a tree that runs in a circle ends there.
            limit = sum(one.rows for one in judged[-1]) + 1
            rows.append(bars.sealed_rows(text_key(series.provider, series.ticker), limit))
        batch = _batch(names, judged, rows, sealed=True)
        held = bar_columns.in_force(batch.columns, batch.numbers)
        leaves, versions = _leaves(batch, held), _versions(batch)
        covered = np.zeros(len(batch.numbers), np.bool_)
        covered[held] = True
        for number, part in enumerate(batch.parts):
            reason = self._apart(part, leaves[number], versions[number])
            if reason is not None:
                raise ValueError(reason)
            _check(part, rows[number], covered[part.start : part.stop], bars)
        return batch

    def _apart(self, part: SeriesVersions, leaves: Leaves, versions: Made) -> str | None:
        if not part.judged:
            return f"{part.series.ticker} without a decision" if versions else None
        return apart(self._log, part.series, part.judged, leaves, versions)


def _check(part: SeriesVersions, rows: Sequence[Row], covered: Flags, bars: LmdbTable) -> None:
    """Check the rows that no commitment covers.

    Raises: DamagedRowError; ValueError for rows out of order.
    """
    if part.judged and part.judged[-1].after is None:
        keys = [key for key, _ in rows]
        if keys != sorted(set(keys)):
            message = f"{part.series.ticker} with rows out of order"
            raise ValueError(message)
        covered = np.zeros_like(covered)
    for number in np.flatnonzero(~covered).tolist():
        bars.check(rows[number])


def _leaves(batch: Batch, held: Ints) -> list[Leaves]:
    """Return the leaf of each year of each series, of the rows `held`."""
    columns, numbers = batch.columns, batch.numbers[held]
    starts, stops = columns.starts[held], columns.stops[held]
    edges = np.zeros(len(columns.blob) + 1, np.int8)
    edges[starts] += 1
    edges[stops] -= 1
    bars = np.frombuffer(columns.blob, np.uint8)[np.cumsum(edges[:-1], dtype=np.int8).view(np.bool_)].tobytes()
    offsets = np.concatenate(([0], np.cumsum(stops - starts)))
    of = bar_columns.years(columns.days[held])
    found: list[Leaves] = [{} for _ in batch.parts]
    for first, last in _runs(numbers, of):
        items = bars[offsets[first] : offsets[last]]
        found[numbers[first]][int(of[first])] = blake3(array_of(last - first, items)).digest()
    return found


def _versions(batch: Batch) -> list[Made]:
    """Return how many versions there are of each series by (seq as in a key, recorded_at)."""
    seqs, recorded, numbers = batch.columns.seqs, batch.columns.recorded, batch.numbers
    order = np.lexsort((recorded, seqs, numbers))
    seqs, recorded, numbers = seqs[order], recorded[order], numbers[order]
    found: list[Made] = [{} for _ in batch.parts]
    for first, last in _runs(numbers, seqs, recorded):
        found[numbers[first]][seq_key(int(seqs[first])), int(recorded[first])] = last - first
    return found


def _runs(*columns: Ints) -> Iterator[tuple[int, int]]:
    """Yield the ranges `[first, last)` of rows that are alike in all columns."""
    if len(columns[0]):
        changed = np.any([column[1:] != column[:-1] for column in columns], axis=0)
        yield from pairwise([0, *(np.flatnonzero(changed) + 1).tolist(), len(columns[0])])


def batches(state: State, wanted: Iterable[Series]) -> Iterator[Batch]:
    """Yield the versions of the series `wanted`, in their order, as the rows of `state` have them."""
    for names in _together(wanted):
        yield _batch(names, *_scanned(state[prices.NAME], names))


def _together(wanted: Iterable[Series]) -> Iterator[list[Series]]:
    remaining = iter(wanted)
    while names := list(islice(remaining, BATCH_SERIES)):
        yield names


def _scanned(tables: Tables, names: Sequence[Series]) -> tuple[list[list[Decision]], list[list[Row]]]:
    """Return the decisions on each series and its rows, checked as every scan is."""
    return (
        [list(decisions.decisions(tables, series)) for series in names],
        [list(tables["bars"].scan(text_key(series.provider, series.ticker))) for series in names],
    )


def _batch(
    names: Sequence[Series], judged: Sequence[list[Decision]], rows: Sequence[list[Row]], *, sealed: bool = False
) -> Batch:
    """Return the rows as columns; where they are `sealed`, a check stands behind each.

    Raises: ValueError for a row that is none.
    """
    counts = [len(of_series) for of_series in rows]
    starts = [0, *accumulate(counts)]
    # The keys of one series are of one length.
    keys = [
        np.frombuffer(b"".join(map(_key, one)), np.uint8).reshape(len(one), -1)[:, -KEY_BYTES:] for one in rows if one
    ]
    columns = bar_columns.columns(
        np.concatenate(keys).tobytes() if keys else b"",
        list(map(_value, chain.from_iterable(rows))),
        trailing=CHECK_BYTES if sealed else 0,
    )
    parts = [SeriesVersions(*one) for one in zip(names, judged, starts[:-1], starts[1:], strict=True)]
    return Batch(parts, columns, np.repeat(np.arange(len(names)), counts))
