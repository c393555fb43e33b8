"""The ingest log: one entry per attempt, as operators read it.

Tables:
- `entries`: (seq) -> entry, as the event at `seq` opened it.
- `judgements`: (seq of the evidence) -> what its decision or failure adds to its entry. Joined when read: the fold
  only puts, which is cheaper than to read, decode and rewrite the entry.
- `by_ticker`: (ticker, seq) -> empty. One ticker's entries without a look at the others'.
- `pending`: (ticker, provider, seq) -> empty. Evidence that no decision and no failure names as its cause yet.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from ledger.chain import Seq
from ledger.codec import Envelope
from ledger.events import IngestFailed, ValidationCompleted
from ledger.market.series import Series
from projections.fold.event_readers import Fact
from projections.fold.keys import last_seq, seq_key, text_key, two_texts
from projections.fold.tables import Row, Tables, encode
from projections.models.log_entry import ENTRY_TAGS, Entry, Judgement, Status, attempted, judged, judgement

NAME = "ingest_logs"
VERSION = 3

_decode = msgspec.msgpack.Decoder(Entry).decode
_decode_judgement = msgspec.msgpack.Decoder(Judgement).decode


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; None wants them all. `since` and `until` bound recorded_at, both inclusive."""

    ticker: str | None = None
    since: int | None = None
    until: int | None = None
    status: Status | None = None
    job_id: bytes | None = None
    failed: bool = False

    def takes(self, entry: Entry) -> bool:
        """Whether `entry` is wanted; the ticker is left to the index."""
        return (
            (self.until is None or entry.recorded_at <= self.until)
            and (self.status is None or entry.status == self.status)
            and (self.job_id is None or entry.job_id == self.job_id)
            and (not self.failed or entry.failed)
        )


class IngestLogs:
    """The fold of attempts and the decisions on them into entries."""

    name = NAME
    version = VERSION
    tables = ("entries", "judgements", "by_ticker", "pending")
    rewritten = frozenset(tables)
    reads = ENTRY_TAGS | {ValidationCompleted.TAG}

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Open an entry for an attempt, or close the one that a decision or a failure names as its cause."""
        if envelope.cause is not None and isinstance(fact, (ValidationCompleted, IngestFailed)):
            evidence = seq_key(envelope.cause)
            tables["judgements"].put(evidence, encode(judgement(fact)))
            tables["pending"].delete(text_key(fact.ticker, fact.provider) + evidence)
        elif entry := attempted(envelope, fact):
            seq = seq_key(entry.seq)
            tables["entries"].put(seq, encode(entry))
            tables["by_ticker"].put(text_key(entry.ticker) + seq, b"")
            if entry.status == "pending":
                tables["pending"].put(text_key(entry.ticker, entry.provider) + seq, b"")


def entries(tables: Tables, wanted: Filter | None = None, *, limit: int | None = None, offset: int = 0) -> list[Entry]:
    """Return the newest `limit` entries that are `wanted` (None: all), past the newest `offset` of them; newest last.

    Reads from the newest back, one ticker's by its index: costs the entries returned and skipped, not the log.
    """
    wanted = wanted or Filter()
    found = (entry for entry in _newest_first(tables, wanted) if wanted.takes(entry))
    stop = None if limit is None else offset + limit
    return list(islice(found, offset, stop))[::-1]


def pending(tables: Tables, ticker: str) -> dict[Series, tuple[Seq, ...]]:
    """Return the seqs of the ticker's pending evidence by series, oldest first."""
    found: dict[Series, tuple[Seq, ...]] = {}
    for key, _ in tables["pending"].scan(text_key(ticker)):
        series = Series(*two_texts(key))
        found[series] = (*found.get(series, ()), Seq(last_seq(key)))
    return found


def _newest_first(tables: Tables, wanted: Filter) -> Iterator[Entry]:
    """Yield the ticker's entries (all tickers' where none is wanted) back to `wanted.since`, with their decisions."""
    stored: Iterable[Row] = tables["entries"].scan(reverse=True)
    if wanted.ticker is not None:
        index = tables["by_ticker"].scan(text_key(wanted.ticker), reverse=True)
        seqs = (seq_key(last_seq(key)) for key, _ in index)
        stored = ((seq, tables["entries"].named(seq)) for seq in seqs)
    for seq, value in stored:
        entry, found = _decode(value), tables["judgements"].get(seq)
        # recorded_at never decreases along the log, so everything further back is older still.
        if wanted.since is not None and entry.recorded_at < wanted.since:
            return
        yield entry if found is None else judged(entry, _decode_judgement(found))
