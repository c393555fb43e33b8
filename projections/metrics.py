"""What monitoring asks of the log: how each ticker's ingest goes, how many runs ended how, the last backup.

Tables:
- `measures`: (ticker, provider) -> measures. Fixed in size: the last 30 final entries, not all of them.
- `pending`: (seq) -> entry. Evidence kept until its decision, and no longer.
- `runs`: (ticker, status) -> count of final entries.
- `answers`: (provider) -> when it last answered well, microseconds UTC.
- `backups`: "last" -> the newest backup.
"""

from collections.abc import Iterator
from datetime import date

import msgspec

from ledger.codec import Envelope
from ledger.events import BackupCreated, ConnectionTested, ValidationCompleted
from projections.entry import ENTRY_TAGS, Entry, Status, attempted, judged
from projections.facts import Evidence, Fact
from projections.keys import seq_key, text_key, two_texts
from projections.tables import Tables

NAME = "metrics"
VERSION = 1
RECENT_ENTRIES = 30
LAST_BACKUP = text_key("last")
ACCEPTED: frozenset[Status] = frozenset({"success", "warning"})


class Measures(msgspec.Struct, frozen=True, array_like=True):
    """How one ticker's ingest from one provider goes, from its final entries; times are microseconds UTC."""

    status: Status
    seq: int  # of the last final entry's event
    rejected: int  # rows, by the last final entry
    last_ingest: int | None = None  # finished_at of the last success or warning
    rows_fetched: int = 0  # by that one
    rows_total: int = 0  # sessions added since the first event
    last_date: date | None = None
    consecutive_failures: int = 0
    durations_ms: tuple[int, ...] = ()  # of the last 30, oldest first
    failures: tuple[bool, ...] = ()  # of the same


class Measured(msgspec.Struct, frozen=True):
    """A ticker's measures and the provider that they are of."""

    ticker: str
    provider: str
    measures: Measures


class RunCount(msgspec.Struct, frozen=True):
    """How many final entries of a ticker ended in a status."""

    ticker: str
    status: str
    runs: int


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """The newest backup: when it was recorded, its file's name and size, and how many events it holds."""

    recorded_at: int
    name: str
    archive_bytes: int
    size: int


_encode = msgspec.msgpack.Encoder().encode
_decode_measures = msgspec.msgpack.Decoder(Measures).decode
_decode_entry = msgspec.msgpack.Decoder(Entry).decode
_decode_count = msgspec.msgpack.Decoder(int).decode
_decode_backup = msgspec.msgpack.Decoder(Backup).decode


class Metrics:
    """The fold of attempts, decisions, probes and backups into measures."""

    name = NAME
    version = VERSION
    tables = ("measures", "pending", "runs", "answers", "backups")
    reads = ENTRY_TAGS | {ValidationCompleted.TAG, ConnectionTested.TAG, BackupCreated.TAG}

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Count what the event ended, or keep evidence until its decision comes."""
        if isinstance(fact, ValidationCompleted):
            _judge(tables, envelope, fact)
        elif isinstance(fact, BackupCreated):
            backup = Backup(envelope.recorded_at, fact.name, fact.archive_bytes, fact.size)
            tables["backups"].put(LAST_BACKUP, _encode(backup))
        elif isinstance(fact, ConnectionTested):
            _answered(tables, fact)
        elif entry := attempted(envelope, fact):
            _attempt(tables, fact, entry)


def _attempt(tables: Tables, fact: Fact, entry: Entry) -> None:
    if isinstance(fact, Evidence):
        tables["pending"].put(seq_key(entry.seq), _encode(entry))
        tables["answers"].put(text_key(entry.provider), _encode(entry.finished_at))
    elif entry.final:
        _count(tables, entry, _next(_measures(tables, entry), entry))


def _judge(tables: Tables, envelope: Envelope, decision: ValidationCompleted) -> None:
    if envelope.cause is None:
        return
    cause = seq_key(envelope.cause)
    if stored := tables["pending"].get(cause):
        tables["pending"].delete(cause)
        entry = judged(_decode_entry(stored), decision)
        if entry.final:
            _count(tables, entry, _grown(_next(_measures(tables, entry), entry), decision))


def _answered(tables: Tables, probe: ConnectionTested) -> None:
    if probe.status in {"ok", "slow"}:
        tables["answers"].put(text_key(probe.provider), _encode(probe.finished_at))


def _measures(tables: Tables, entry: Entry) -> Measures | None:
    stored = tables["measures"].get(text_key(entry.ticker, entry.provider))
    return None if stored is None else _decode_measures(stored)


def _count(tables: Tables, entry: Entry, measures: Measures) -> None:
    tables["measures"].put(text_key(entry.ticker, entry.provider), _encode(measures))
    key = text_key(entry.ticker, entry.status)
    stored = tables["runs"].get(key)
    tables["runs"].put(key, _encode(1 if stored is None else _decode_count(stored) + 1))


def _next(measures: Measures | None, entry: Entry) -> Measures:
    """Return the measures after one more final entry."""
    before = measures or Measures(entry.status, entry.seq, entry.rejected)
    accepted = entry.status in ACCEPTED
    return Measures(
        status=entry.status,
        seq=entry.seq,
        rejected=entry.rejected,
        last_ingest=entry.finished_at if accepted else before.last_ingest,
        rows_fetched=entry.rows_fetched if accepted else before.rows_fetched,
        rows_total=before.rows_total,
        last_date=before.last_date,
        consecutive_failures=before.consecutive_failures + 1 if entry.failed else 0,
        durations_ms=(*before.durations_ms, entry.duration_ms)[-RECENT_ENTRIES:],
        failures=(*before.failures, entry.failed)[-RECENT_ENTRIES:],
    )


def _grown(measures: Measures, decision: ValidationCompleted) -> Measures:
    """Return the measures after what the decision added to the series."""
    days = [bar.date for bar in decision.bars]
    if measures.last_date is not None:
        days.append(measures.last_date)
    return msgspec.structs.replace(
        measures, rows_total=measures.rows_total + decision.added, last_date=max(days, default=None)
    )


def measured(tables: Tables, ticker: str | None = None) -> Iterator[Measured]:
    """Yield each ticker's measures (or the one's), those of the provider used last, by ticker."""
    newest: dict[str, Measured] = {}
    for key, value in tables["measures"].scan(b"" if ticker is None else text_key(ticker)):
        one = Measured(*two_texts(key), _decode_measures(value))
        known = newest.get(one.ticker)
        if known is None or known.measures.seq < one.measures.seq:
            newest[one.ticker] = one
    yield from newest.values()


def runs(tables: Tables) -> Iterator[RunCount]:
    """Yield how many final entries ended how, by ticker and status."""
    for key, value in tables["runs"].scan():
        yield RunCount(*two_texts(key), _decode_count(value))


def last_backup(tables: Tables) -> Backup | None:
    """Return the newest backup, None before the first."""
    stored = tables["backups"].get(LAST_BACKUP)
    return None if stored is None else _decode_backup(stored)


def last_answer(tables: Tables, provider: str) -> int | None:
    """Return when `provider` last answered a fetch or a probe, microseconds UTC; None when it never did."""
    stored = tables["answers"].get(text_key(provider))
    return None if stored is None else _decode_count(stored)
