"""What instruments there are: how the exchange described each, session by session, and from when to when it traded.

A session is described by the evidence that its bar is from, so that files may be imported in any order, and again.

Tables:
- `years`: (ticker, provider, year) -> runs, oldest first: a listing, and the sessions in a row that it holds for, as
  days of the year of two bytes each. Neighbouring runs differ, so there is a row of what people see at changes only.
- `listed`: (ticker, provider) -> first and last session, how many there are, the listing of the last one.
- `waiting`: (provider) -> the newest evidence, until the next: its decisions follow it in the same append.
- `former`: (ticker, provider, day, seq) -> how the day was described until the event `seq` described it otherwise.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from struct import Struct, pack

import msgspec

from ledger.codec import Envelope
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import BodyError
from ledger.market.quotation import Listing
from ledger.market.series import Series
from ledger.values import ACCEPTED, Answer
from projections.fold.event_readers import Evidence, Fact, decode_answer
from projections.fold.keys import DAY_BYTES, day_key, last_seq, seq_key, text_key, two_texts
from projections.fold.tables import Tables

NAME = "instruments"
VERSION = 2
YEAR = Struct(">H")
YEAR_DAY = Struct(">H")
DAY_OF_YEAR_BYTES = YEAR_DAY.size


class ListingRun(msgspec.Struct, frozen=True):
    """Sessions in a row under one listing: the first and the last of them, and how many there are."""

    listing: Listing
    first: date
    last: date
    sessions: int


class InstrumentSpan(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An instrument from its first session to its last: how many it traded in, and how it was listed at the end."""

    first: date
    last: date
    sessions: int
    listing: Listing


class _StoredRun(msgspec.Struct, frozen=True, array_like=True, gc=False):
    listing: Listing
    days: bytes


class _Year(msgspec.Struct, frozen=True, array_like=True, gc=False):
    runs: tuple[_StoredRun, ...]


class _LatestAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    seq: int
    answer: Answer


_decode_year = msgspec.msgpack.Decoder(_Year).decode
_decode_listed = msgspec.msgpack.Decoder(InstrumentSpan).decode
_decode_waiting = msgspec.msgpack.Decoder(_LatestAnswer).decode
_decode_listing = msgspec.msgpack.Decoder(Listing).decode


class Instruments:
    """The fold of accepted decisions, and the evidence of each, into listings."""

    name = NAME
    version = VERSION
    tables = ("years", "listed", "waiting", "former")
    rewritten = frozenset({"years", "listed", "waiting"})
    reads = frozenset({FetchSucceeded.TAG, ValidationCompleted.TAG})

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Keep evidence, and describe every session that its decisions accept; costs the years that they are of."""
        if isinstance(fact, Evidence):
            if fact.provider in registry.quoting():
                kept = _LatestAnswer(envelope.seq, decode_answer(fact.answer))
                tables["waiting"].store(text_key(fact.provider), kept)
            return
        assert isinstance(fact, ValidationCompleted)  # noqa: S101 - the only other tag in `reads`
        if not fact.bars or fact.verdict not in ACCEPTED or fact.provider not in registry.quoting():
            return
        waiting = tables["waiting"].load(text_key(fact.provider), _decode_waiting)
        if waiting is None or waiting.seq != envelope.cause:
            return
        bars, series = {bar.date: bar for bar in fact.bars}, Series(fact.ticker, fact.provider)
        years = sorted({day.year for day in bars})
        for year in years:
            of_year = bars if len(years) == 1 else {day: bar for day, bar in bars.items() if day.year == year}
            try:
                found = registry.listings(series.provider, waiting.answer, of_year)
            except BodyError:
                return  # prices stand as they were accepted; what nobody can read describes nothing
            if found:
                _describe(tables, series, year, found, envelope.seq)


def _describe(tables: Tables, series: Series, year: int, found: Mapping[date, Listing], seq: int) -> None:
    """Describe sessions of one year, at least one, as the event `seq` `found` them.

    Costs those sessions where they come after all that are known of the year, else all of the year.
    """
    key = text_key(series.ticker, series.provider)
    begin = date(year, 1, 1).toordinal() - 1
    stored = tables["years"].load(key + YEAR.pack(year), _decode_year)
    runs = [] if stored is None else [*stored.runs]
    after, sessions = sorted(found), len(found)
    if runs and int.from_bytes(runs[-1].days[-DAY_OF_YEAR_BYTES:], "big") >= after[0].toordinal() - begin:
        before = {day: run.listing for run in runs for day in _days(year, run.days)}
        for day, listing in found.items():
            if (old := before.get(day)) is not None and old != listing:
                tables["former"].store(key + day_key(day) + seq_key(seq), old)
        found = {**before, **found}
        after = sorted(found)
        runs, sessions = [], len(after) - len(before)
    for listing, run in groupby(after, key=found.__getitem__):
        ordinals = [day.toordinal() - begin for day in run]
        days = pack(f">{len(ordinals)}H", *ordinals)
        if runs and runs[-1].listing == listing:
            days = runs.pop().days + days
        runs.append(_StoredRun(listing, days))
    tables["years"].store(key + YEAR.pack(year), _Year(tuple(runs)))
    known = tables["listed"].load(key, _decode_listed)
    first, last, listing = after[0], after[-1], found[after[-1]]
    if known is not None:
        first, sessions = min(first, known.first), sessions + known.sessions
        if known.last > last:
            last, listing = known.last, known.listing
    tables["listed"].store(key, InstrumentSpan(first, last, sessions, listing))


def _days(year: int, packed: bytes) -> list[date]:
    begin = date(year, 1, 1).toordinal() - 1
    return [date.fromordinal(begin + number) for (number,) in YEAR_DAY.iter_unpack(packed)]


def listed(tables: Tables) -> Iterator[tuple[Series, InstrumentSpan]]:
    """Yield every instrument with what is known of it, by ticker and provider; one scan."""
    for key, value in tables["listed"].scan():
        yield Series(*two_texts(key)), _decode_listed(value)


def of(tables: Tables, series: Series) -> InstrumentSpan | None:
    """Return what is known of one instrument, None where nothing is; one look-up."""
    return tables["listed"].load(text_key(series.ticker, series.provider), _decode_listed)


def runs(tables: Tables, series: Series) -> Iterator[ListingRun]:
    """Yield how the instrument was listed, oldest first, a run for each change; one scan of its years."""
    found: list[ListingRun] = []
    prefix = text_key(series.ticker, series.provider)
    for key, value in tables["years"].scan(prefix):
        for stored in _decode_year(value).runs:
            ends = stored.days[:DAY_OF_YEAR_BYTES] + stored.days[-DAY_OF_YEAR_BYTES:]
            first, last = _days(YEAR.unpack(key[len(prefix) :])[0], ends)
            run = ListingRun(stored.listing, first, last, len(stored.days) // DAY_OF_YEAR_BYTES)
            if found and found[-1].listing == run.listing:
                before = found.pop()
                run = ListingRun(run.listing, before.first, run.last, before.sessions + run.sessions)
            found.append(run)
    return iter(found)


def described(tables: Tables, series: Series, position: int | None = None) -> dict[date, Listing]:
    """Return each session as it was described once `position` events were read (None: all), by day.

    So far as it held a bar then: what was never described by then is as it is now. Costs the instrument's years.
    """
    prefix = text_key(series.ticker, series.provider)
    found = {
        day: run.listing
        for key, value in tables["years"].scan(prefix)
        for run in _decode_year(value).runs
        for day in _days(YEAR.unpack(key[len(prefix) :])[0], run.days)
    }
    if position is not None:
        for key, value in tables["former"].scan(prefix, reverse=True):
            if last_seq(key) >= position:
                # Of several the oldest is the last to come, and the one that held until then.
                day = date.fromordinal(int.from_bytes(key[len(prefix) : len(prefix) + DAY_BYTES], "big"))
                found[day] = _decode_listing(value)
    return dict(sorted(found.items()))
