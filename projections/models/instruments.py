"""What instruments there are: how the exchange described each, session by session, and from when to when it traded.

A session is described by the evidence that its bar is from, so that files may be imported in any order, and again.

Tables:
- `years`: (ticker, provider, year) -> runs, oldest first: a listing, and the sessions in a row that it holds for, as
  days of the year of two bytes each. Neighbouring runs differ, so there is a row of what people see at changes only.
- `listed`: (ticker, provider) -> first and last session, how many there are, the listing of the last one.
- `waiting`: (provider) -> the newest evidence, until the next: its decisions follow it in the same append.
- `former`: (ticker, provider, day, seq) -> how the day was described until the event `seq` described it otherwise.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, groupby, repeat
from struct import Struct, pack
from typing import NamedTuple

import msgspec

from ledger.codec import Envelope
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import BodyError
from ledger.market.quotation import DescribedSessions, Listing
from ledger.market.series import Series
from ledger.values import ACCEPTED, Answer
from projections.fold.event_readers import Evidence, Fact, decode_answer
from projections.fold.keys import DAY_BYTES, day_key, last_seq, seq_key, text_key, two_texts
from projections.fold.projection import Told
from projections.fold.tables import Tables

NAME = "instruments"
VERSION = 2
YEAR = Struct(">H")
YEAR_DAY = Struct(">H")
DAY_OF_YEAR_BYTES = YEAR_DAY.size
TOGETHER_BYTES = 256 * 1024  # of answers read together
FEW_BYTES = 64 * 1024  # read one by one in less than it takes to import numpy


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
        self.apply_all(tables, [(envelope, fact)])

    def apply_all(self, tables: Tables, events: Sequence[Told]) -> None:
        """Do what `apply` does with each of `events`; many long answers are read together."""
        newest: dict[str, _LatestAnswer] = {}
        described: list[_AcceptedAnswer] = []
        quoting = registry.quoting()
        for envelope, fact in events:
            if isinstance(fact, Evidence) and fact.provider in quoting:
                newest[fact.provider] = _LatestAnswer(envelope.seq, decode_answer(fact.answer))
            elif isinstance(fact, ValidationCompleted) and fact.provider in quoting and _describes(fact):
                key = text_key(fact.provider)
                waiting = newest.get(fact.provider) or tables["waiting"].load(key, _decode_waiting)
                if waiting is not None and waiting.seq == envelope.cause:
                    described.append(_AcceptedAnswer(envelope.seq, fact, waiting.answer))
        for one, found in zip(described, _read_together(described), strict=True):
            if found is None or found.days != [bar.date for bar in one.decision.bars]:
                _describe_accepted(tables, one)
            else:
                _describe_all(tables, one, found)
        for provider, answered in newest.items():
            tables["waiting"].store(text_key(provider), answered)


def _describes(decision: ValidationCompleted) -> bool:
    return bool(decision.bars) and decision.verdict in ACCEPTED


class _AcceptedAnswer(NamedTuple):
    """The event `seq`, a decision that accepts sessions, and the answer that it is over."""

    seq: int
    decision: ValidationCompleted
    answer: Answer

    @property
    def series(self) -> Series:
        """What is described."""
        return Series(self.decision.ticker, self.decision.provider)


def _read_together(described: Sequence[_AcceptedAnswer]) -> Iterator[DescribedSessions | None]:
    """Yield what the answer of each of `described` says of all its sessions, None where it is read by itself.

    At most some megabytes of them at once.
    """
    start = 0
    while start < len(described):
        provider, stop, held_bytes = described[start].decision.provider, start, 0
        while stop < len(described) and held_bytes < TOGETHER_BYTES and described[stop].decision.provider == provider:
            held_bytes += described[stop].answer.body_bytes
            stop += 1
        answers = [one.answer for one in described[start:stop]]
        many = len(answers) > 1 and held_bytes >= FEW_BYTES
        yield from registry.listings_together(provider, answers) if many else [None] * len(answers)
        start = stop


def _describe_accepted(tables: Tables, one: _AcceptedAnswer) -> None:
    """Describe what the decision accepts, year by year."""
    bars = {bar.date: bar for bar in one.decision.bars}
    years = sorted({day.year for day in bars})
    for year in years:
        of_year = bars if len(years) == 1 else {day: bar for day, bar in bars.items() if day.year == year}
        try:
            found = registry.listings(one.series.provider, one.answer, of_year)
        except BodyError:
            return  # prices stand as they were accepted; what nobody can read describes nothing
        if found:
            _describe(tables, one.series, year, found, one.seq)


def _describe_all(tables: Tables, one: _AcceptedAnswer, found: DescribedSessions) -> None:
    """Describe the sessions of an answer, all of which the decision accepts."""
    key = text_key(one.series.ticker, one.series.provider)
    stored = tables["years"].load(key + YEAR.pack(found.year), _decode_year)
    if stored is not None and stored.runs[-1].days[-DAY_OF_YEAR_BYTES:] >= found.numbers[:DAY_OF_YEAR_BYTES]:
        listings = chain.from_iterable(repeat(listing, sessions) for listing, sessions in found.runs)
        _describe(tables, one.series, found.year, dict(zip(found.days, listings, strict=True)), one.seq)
        return
    runs, start = [], 0
    for listing, sessions in found.runs:
        stop = start + sessions * DAY_OF_YEAR_BYTES
        runs.append(_StoredRun(listing, found.numbers[start:stop]))
        start = stop
    span = InstrumentSpan(found.days[0], found.days[-1], len(found.days), runs[-1].listing)
    _put(tables, key, found.year, [*(stored.runs if stored is not None else ()), *runs], span)


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
        runs.append(_StoredRun(listing, pack(f">{len(ordinals)}H", *ordinals)))
    _put(tables, key, year, runs, InstrumentSpan(after[0], after[-1], sessions, found[after[-1]]))


def _put(tables: Tables, key: bytes, year: int, runs: Sequence[_StoredRun], span: InstrumentSpan) -> None:
    """Put the `runs` of a year, and what these make of the instrument: `span`, of which only new sessions count."""
    apart: list[_StoredRun] = []
    for run in runs:
        if apart and apart[-1].listing == run.listing:
            apart[-1] = _StoredRun(run.listing, apart[-1].days + run.days)
        else:
            apart.append(run)
    tables["years"].store(key + YEAR.pack(year), _Year(tuple(apart)))
    known = tables["listed"].load(key, _decode_listed)
    if known is not None:
        newest = known if known.last > span.last else span
        first, sessions = min(span.first, known.first), span.sessions + known.sessions
        span = InstrumentSpan(first, newest.last, sessions, newest.listing)
    tables["listed"].store(key, span)


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
