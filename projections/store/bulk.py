"""Many series at once, as columns: read without a check of each row, and held against the log a series at a time.

What a decision commits to covers every bar in force, so that their rows need no check of their own; those that were
replaced or withdrawn since, and those of a series whose newest decision commits to nothing, are checked row by row.
Series of few decisions with many bars each, as files of the exchange make them, are read from these decisions: their
bars lie behind each other in the log, and a row of the store each costs more than all the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, islice, pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from blake3 import blake3

from ledger.codec import UNDECODABLE
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.market.series_state import array_of
from projections.fold.event_readers import raw_length
from projections.fold.keys import seq_key, text_key
from projections.fold.tables import Past, Row, State, Tables
from projections.models import bar_columns, decisions, prices
from projections.models.bar_columns import EPOCH_ORDINAL, KEY_BYTES, BarColumns, DecidedBars, Flags, Ints
from projections.models.decisions import Decision, LoggedDecision
from projections.store.commitments import (
    apart,
    apart_then,
    departure,
    ever_decided,
    looked_at,
    miscounted,
)
from projections.store.lmdb_tables import CHECK_BYTES, LmdbTable
from projections.store.logged_decisions import commitments
from projections.store.mending import UNSOUND, Mending

FROM_LOG_ROWS = 8  # a decision: fewer cost more to read from it than from the store
BATCH_SERIES, MOST_SERIES = 64, 256  # read at a time: the least, and the most where they have few rows
BATCH_ROWS = 32_768  # with fewer at a time numpy's calls cost more than what they do; with more, memory

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

    def __init__(self, log: LogSource, stored: State, mending: Mending, position: int | None = None) -> None:
        """Read rows as they are `stored`; what does not hold is `mending`'s.

        What was in force once `position` events were read is held as well; None: all that there ever was.
        """
        self._log, self._mending = log, mending
        self._position = position
        self._stored = stored[prices.NAME]

    def batches(self, wanted: Iterable[Series]) -> Iterator[Batch]:
        """Yield the versions of the series `wanted`, in their order."""
        return _together(wanted, self._read)

    def _read(self, names: Sequence[Series]) -> Batch:
        sound = None if self._mending.sound else self._sound(names)
        return sound or _batch(names, *_scanned(self._mending.state[prices.NAME], names))

    def _sound(self, names: Sequence[Series]) -> Batch | None:
        """Return the versions of these series, None where something stored does not hold."""
        try:
            return self._held(names)
        except (*UNSOUND, *UNDECODABLE, ValueError) as error:
            self._mending.folded(str(error))
            return None

    def _held(self, names: Sequence[Series]) -> Batch:
        """Return the versions of these series.

        Raises: ValueError, and what reading a damaged row or a damaged log raises, where one is not what was decided.
        """
        judged = decisions.decisions_on(self._stored, names)
        for series, of_series in zip(names, judged, strict=True):
            if reason := decisions.lost(self._stored, series, of_series[-1].seq if of_series else None):
                raise ValueError(reason)
        made = [one for of_series in judged for one in of_series if one.rows]
        few = sum(one.rows for one in made) >= FROM_LOG_ROWS * len(made)
        batch = self._decided(names, judged, [one.seq for one in made]) if few else None
        if batch is not None:
            self._hold_past(batch, (prices.DECIDED,))
            return batch
        batch = self._checked(names, judged)
        self._hold_past(batch, prices.OF_SERIES)
        return batch

    def _decided(self, names: Sequence[Series], judged: Sequence[list[Decision]], seqs: Sequence[int]) -> Batch | None:
        """Return the versions as the decisions in the log have them, None where one is not as decisions are.

        Raises: as `_held` does.
        """
        # Their bars are held to be bars, and no others, where columns are made of them.
        found = commitments(self._log, [*seqs, *_looked_at(judged)], unread=set(seqs))
        made = [_made(number, one, found.get(one.seq)) for number, of in enumerate(judged) for one in of if one.rows]
        try:
            columns, numbers = bar_columns.of_decisions(made)
        except ValueError:
            return None
        places = np.searchsorted(numbers, np.arange(len(names) + 1)).tolist()
        parts = [SeriesVersions(*one) for one in zip(names, judged, places[:-1], places[1:], strict=True)]
        batch = Batch(parts, columns, numbers)
        _hold(batch, bar_columns.in_force(columns, numbers), found)
        self._mending.found_sound(names, (prices.DECIDED,))
        return batch

    def _hold_past(self, batch: Batch, tables: Sequence[str]) -> None:
        """Hold what was in force as of the position: decisions, and versions that `tables` were read for.

        Raises: as `_held` does.
        """
        position, names = self._position, [part.series for part in batch.parts]
        if position is None and prices.BARS in tables:
            reasons = [departure(self._log, self._stored, series, Past(None)) for series in names]
        elif position is None:
            reasons = [ever_decided(self._log, part.series, part.judged) for part in batch.parts]
        elif any(part.judged and part.judged[-1].seq >= position for part in batch.parts):
            leaves = _leaves(batch, bar_columns.in_force(batch.columns, batch.numbers, position))
            reasons = [
                apart_then(self._log, part.series, part.judged, position, of_part)
                for part, of_part in zip(batch.parts, leaves, strict=True)
            ]
        else:
            return
        for reason in filter(None, reasons):
            raise ValueError(reason)
        self._mending.found_sound(names, tables, Past(position))

    def _checked(self, names: Sequence[Series], judged: Sequence[list[Decision]]) -> Batch:
        """Return the versions as the store has them.

        Raises: as `_held` does.
        """
        bars = self._stored[prices.BARS]
        assert isinstance(bars, LmdbTable)  # noqa: S101 - what a store gives
        rows = [
            # One row more than were made is one too many, and a tree that runs in a circle ends there.
            bars.sealed_rows(text_key(series.provider, series.ticker), sum(one.rows for one in of) + 1)
            for series, of in zip(names, judged, strict=True)
        ]
        batch = _batch(names, judged, rows, sealed=True)
        held = bar_columns.in_force(batch.columns, batch.numbers)
        covered = np.zeros(len(batch.numbers), np.bool_)
        covered[held] = True
        _hold(batch, held, commitments(self._log, _looked_at(judged)))
        for part, of_series in zip(batch.parts, rows, strict=True):
            _check(part, of_series, covered[part.start : part.stop], bars)
        self._mending.found_sound(names)
        return batch


def _looked_at(judged: Iterable[Sequence[Decision]]) -> Iterator[int]:
    """Yield the seqs of those decisions that each series is held against."""
    return chain.from_iterable(map(looked_at, judged))


def _made(number: int, decision: Decision, event: LoggedDecision | None) -> DecidedBars:
    """Return what the decision made of the series `number`, as the event has it.

    Raises: ValueError where the event is none, or no decision with bars.
    """
    if event is None:
        message = f"an event at seq {decision.seq} that is no decision"
        raise ValueError(message)
    count = raw_length(event.data.bars)
    withdrawn = [day.toordinal() - EPOCH_ORDINAL for day in event.data.withdrawn]
    bars = memoryview(event.data.bars)[len(array_of(count, b"")) :]  # copied once, when all are put together
    return DecidedBars(number, decision.seq, decision.recorded_at, count, bars, withdrawn)


def _hold(batch: Batch, held: Ints, found: Mapping[int, LoggedDecision]) -> None:
    """Hold the rows that are in force, `held`, against what the newest decision on each series commits to.

    Raises: ValueError where they depart from it.
    """
    for part, leaves, versions in zip(batch.parts, _leaves(batch, held), _versions(batch), strict=True):
        if part.judged:
            reason = apart(found, part.series, part.judged, leaves)
            reason = reason or miscounted(part.series, part.judged, versions)
        else:
            reason = f"{part.series.ticker} without a decision" if versions else None
        if reason is not None:
            raise ValueError(reason)


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
    columns, rows = batch.columns, bar_columns.taken(held, len(batch.numbers))
    numbers, starts, stops = (one[rows] for one in (batch.numbers, columns.starts, columns.stops))
    of = bar_columns.years(columns.days[rows])
    found: list[Leaves] = [{} for _ in batch.parts]
    runs, blob = list(_runs(numbers, of)), memoryview(columns.blob)
    firsts = np.array([first for first, _ in runs], np.int64)
    # Bars that were decided on together lie behind each other, and are taken as they lie.
    cuts = np.union1d(firsts, np.flatnonzero(starts[1:] != stops[:-1]) + 1)
    begin, end = starts[cuts].tolist(), stops[np.append(cuts, len(stops))[1:] - 1].tolist()
    places = [*np.searchsorted(cuts, firsts).tolist(), len(cuts)]
    of_runs = zip(numbers[firsts].tolist(), of[firsts].tolist(), runs, pairwise(places), strict=True)
    for number, year, (first, last), (place, past) in of_runs:
        bars = [blob[start:stop] for start, stop in zip(begin[place:past], end[place:past], strict=True)]
        array = b"".join([array_of(last - first, b""), *bars])
        found[number][year] = blake3(array).digest()
    return found


def _versions(batch: Batch) -> list[Made]:
    """Return how many versions there are of each series by (seq as in a key, recorded_at)."""
    seqs, recorded, numbers = batch.columns.seqs, batch.columns.recorded, batch.numbers
    found: list[Made] = [{} for _ in batch.parts]
    runs = list(_runs(numbers, seqs, recorded))
    firsts = np.array([first for first, _ in runs], np.int64)
    of_runs = (column[firsts].tolist() for column in (numbers, seqs, recorded))
    for number, seq, at, (first, last) in zip(*of_runs, runs, strict=True):
        of_series, key = found[number], (seq_key(seq), at)
        of_series[key] = of_series.get(key, 0) + last - first
    return found


def _runs(*columns: Ints) -> Iterator[tuple[int, int]]:
    """Yield the ranges `[first, last)` of rows that are alike in all columns."""
    if len(columns[0]):
        changed = np.flatnonzero(np.any([column[1:] != column[:-1] for column in columns], axis=0))
        yield from pairwise([0, *(changed + 1).tolist(), len(columns[0])])


def batches(state: State, wanted: Iterable[Series]) -> Iterator[Batch]:
    """Yield the versions of the series `wanted`, in their order, as the rows of `state` have them."""
    return _together(wanted, lambda names: _batch(names, *_scanned(state[prices.NAME], names)))


def _together(wanted: Iterable[Series], read: Callable[[list[Series]], Batch]) -> Iterator[Batch]:
    """Yield what `read` gives of some of the series at a time: of as many as the rows of those before them suggest."""
    remaining, series = iter(wanted), BATCH_SERIES
    while names := list(islice(remaining, series)):
        batch = read(names)
        yield batch
        fitting = len(names) * BATCH_ROWS // max(len(batch.numbers), 1)
        series = min(max(fitting, BATCH_SERIES), MOST_SERIES)


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
