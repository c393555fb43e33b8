"""The decisions on one series, kept beside its prices: what each judged, and what explains its changes. Pure.

Tables:
- `decided`: (ticker, provider, seq) -> decision.
- `newest`: (ticker, provider) -> the seq of the newest of them, by which it shows where some of them are lost.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import takewhile

import msgspec

from ledger.codec import Envelope
from ledger.events import ValidationCompleted
from ledger.market.series import Series
from ledger.market.series_state import array_of
from ledger.values import ACCEPTED, Action, Basis, Count, Finding, Hash, Id, Rank, Time, Verdict, Window
from projections.fold.keys import SEQ_BYTES, last_seq, past_prefix, seq_key, text_key, two_texts
from projections.fold.tables import Row, Tables

IDLE_ROWS = 8  # decisions that are passed one by one before the next series is searched for


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What `validation.completed` records about its answer as a whole.

    `cause` is the seq of the evidence. `rescale` is new/old, the ratio common to the closes held and answered.
    `partial` and `rejected` are days that were answered and not accepted. `rows` counts the days that it accepted or
    found withdrawn, each a version beside the decision. `after` is the state of the series that it
    leads to, None for a decision of the version that commits to nothing. `rank` is its file's, None where it has none.
    """

    seq: int
    recorded_at: int
    cause: int | None
    verdict: Verdict
    basis: Basis
    window: Window
    received: int
    rescale: float | None
    actions: tuple[Action, ...]
    partial: tuple[date, ...]
    rejected: tuple[date, ...]
    rows: int
    after: bytes | None
    rank: Rank | None = None
    withdrawn: tuple[date, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether its answer was accepted, if only in part."""
        return self.verdict in ACCEPTED


class Commitment(msgspec.Struct, frozen=True, gc=False):
    """The decision in an event: the series that it is on, and the states before and after it, None of version 1.

    For whoever reads it from the log; bars and actions stay encoded.
    """

    ticker: str
    provider: str
    basis: Basis
    verdict: Verdict
    window: Window
    received: int
    bars: msgspec.Raw
    actions: msgspec.Raw
    withdrawn: tuple[date, ...]
    partial: tuple[date, ...]
    rejected: tuple[Finding, ...]
    rescale: float | None
    before: Hash | None = None
    after: Hash | None = None
    rank: Rank | None = None


class LoggedDecision(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """The envelope of a decision, read with what it carries in one pass: each one more goes through all of its bars."""

    seq: Count
    recorded_at: Time
    append_id: Id
    job_id: Id
    cause: Count | None
    stream: str
    type: str
    data: Commitment


_decode = msgspec.msgpack.Decoder(Decision).decode
_decode_all = msgspec.msgpack.Decoder(list[Decision]).decode


def decision(
    envelope: Envelope | LoggedDecision,
    said: ValidationCompleted | Commitment,
    *,
    rows: int,
    actions: tuple[Action, ...],
) -> Decision:
    """Return what is kept of the decision that `envelope` carries."""
    return Decision(
        envelope.seq,
        envelope.recorded_at,
        envelope.cause,
        said.verdict,
        said.basis,
        said.window,
        said.received,
        said.rescale,
        actions,
        said.partial,
        tuple(finding.date for finding in said.rejected if finding.date is not None) if said.rejected else (),
        rows,
        said.after,
        said.rank,
        said.withdrawn,
    )


def put(tables: Tables, envelope: Envelope, fact: ValidationCompleted) -> None:
    """Keep the decision that `envelope` carries."""
    rows = len({*fact.withdrawn, *(bar.date for bar in fact.bars)}) if fact.withdrawn else len(fact.bars)
    key, seq = text_key(fact.ticker, fact.provider), seq_key(envelope.seq)
    tables["decided"].store(key + seq, decision(envelope, fact, rows=rows, actions=fact.actions))
    tables["newest"].put(key, seq)


def decisions(tables: Tables, series: Series, position: int | None = None, *, start: int = 0) -> Iterator[Decision]:
    """Yield the decisions over the series once `position` events are read (None: all), oldest first; one scan.

    None whose seq is below `start`.
    """
    prefix = text_key(series.ticker, series.provider)
    _hold_past(tables, prefix, position)
    found: Iterator[Decision]
    if start:
        found = (_decode(value) for _, value in tables["decided"].scan(prefix, start=prefix + seq_key(start)))
    else:
        found = iter(tables["decided"].whole(prefix, _decoded))
    return found if position is None else takewhile(lambda one: one.seq < position, found)


def decisions_on(tables: Tables, series: Sequence[Series]) -> list[list[Decision]]:
    """Return all decisions over each of the series, oldest first; in the order of the table a search serves many."""
    prefixes = [text_key(one.ticker, one.provider) for one in series]
    return [_decoded(rows) for rows in tables["decided"].together(prefixes)]


def _hold_past(tables: Tables, prefix: bytes, position: int | None) -> None:
    """Hold what was decided once `position` events were read, where anything was since."""
    if position is not None:
        newest = next(tables["decided"].scan(prefix, reverse=True), None)
        if newest is not None and last_seq(newest[0]) >= position:
            tables["decided"].hold_past(prefix, position)


def _decoded(rows: Sequence[Row]) -> list[Decision]:
    # One call for them all: one each costs as much as the rest.
    return _decode_all(array_of(len(rows), b"".join([value for _, value in rows])))


def made_at(tables: Tables, series: Series, seq: int) -> Decision | None:
    """Return the decision over the series that the event at `seq` is, None where it is none; one look-up."""
    return tables["decided"].load(text_key(series.ticker, series.provider) + seq_key(seq), _decode)


def newest(tables: Tables, series: Series, position: int | None = None) -> Decision | None:
    """Return the newest decision over the series once `position` events are read (None: all), None where there is none.

    O(log n), and the keys of the decisions since.
    """
    prefix = text_key(series.ticker, series.provider)
    _hold_past(tables, prefix, position)
    rows = tables["decided"].scan(prefix, reverse=True)
    return next((_decode(value) for key, value in rows if position is None or last_seq(key) < position), None)


def lost(tables: Tables, series: Series, seq: int | None) -> str | None:
    """Return what is lost of the decisions over the series where the newest one found is that at `seq`; None: nothing.

    `seq` is None where none is found. One look-up.
    """
    stored = tables["newest"].get(text_key(series.ticker, series.provider))
    newest = None if stored is None else last_seq(stored)
    if newest == seq:
        return None
    return f"{series.ticker} with its newest decision at seq {seq}, and at {newest} by another count"


def tickers(tables: Tables) -> list[str]:
    """Return the tickers of which anything was decided, in order; one scan of all decisions."""
    return sorted({two_texts(key)[0] for name in ("newest", "decided") for key, _ in tables[name].scan()})


def judged(tables: Tables, ticker: str) -> tuple[str, ...]:
    """Return the providers whose answers for the ticker were decided on, accepted or not; O(log n) for each of them.

    One whose decisions are lost is among them, so that whoever reads these finds that out.
    """
    prefix = text_key(ticker)
    found = {two_texts(key)[1] for key, _ in tables["newest"].scan(prefix)}
    start: bytes | None = prefix
    while start and (row := next(tables["decided"].scan(prefix, start=start), None)):
        provider = two_texts(row[0])[1]
        found.add(provider)
        start = past_prefix(text_key(ticker, provider))
    return tuple(sorted(found))


def judged_of(tables: Tables, tickers: Sequence[str]) -> dict[str, set[str]]:
    """Return the providers that `judged` does for each of `tickers`, which come in order, one at least.

    Costs the newest decisions from the first ticker to the last, and a few others for each series.
    """
    found: dict[str, set[str]] = {ticker: set() for ticker in tickers}
    first, last = text_key(tickers[0]), text_key(tickers[-1])
    end = past_prefix(last) or last  # never the latter: a text ends in a zero byte
    for key, _ in tables["newest"].between(b"", first, end):
        ticker, provider = two_texts(key)
        if ticker in found:
            found[ticker].add(provider)
    start: bytes | None = first
    while start is not None:
        start = _pass(tables["decided"].scan(start=start), found, tickers, end)
    return found


def _pass(rows: Iterator[Row], found: dict[str, set[str]], tickers: Sequence[str], end: bytes) -> bytes | None:
    """Add to `found` the provider of each of the decisions `rows` that is on one of `tickers`.

    Return where the next of them are when many are passed that add nothing; None once all are. To pass some costs less
    than to search.
    """
    known, idle = b"", 0
    for key, _ in rows:
        if key >= end:
            # One more is read, and checked: what was searched for and is not there may lie beside that place by a
            # damaged key.
            next(rows, None)
            return None
        if not key.startswith(known) or not known:
            ticker, provider = two_texts(key)
            known, wanted = key[:-SEQ_BYTES], found.get(ticker)
            if wanted is not None:
                wanted.add(provider)
                idle = 0
                continue
        idle += 1
        if idle == IDLE_ROWS:
            if ticker in found:
                return past_prefix(known)
            return text_key(tickers[bisect(tickers, ticker)])
    return None
