"""What monitoring asks of the log: how each ticker's ingest goes, how many runs ended how, the last backup.

Tables:
- `measures`: (ticker, provider) -> measures. Fixed in size: the last 30 final entries, not all of them.
- `pending`: (seq) -> what is wanted of evidence until its decision comes, and no longer.
- `probes`: (provider) -> when a probe last went well, microseconds UTC.
- `backups`: "last" -> the newest backup.
"""

from collections.abc import Iterator
from datetime import date

import msgspec

from ledger.codec import Envelope
from ledger.events import BackupCreated, ConnectionTested, ValidationCompleted
from projections.entry import ENTRY_TAGS, FAILURES, US_A_MS, Entry, Status, attempted, rejected_rows
from projections.facts import Evidence, Fact
from projections.keys import seq_key, text_key, two_texts
from projections.tables import Tables

NAME = "metrics"
VERSION = 1
RECENT_ENTRIES = 30
LAST_BACKUP = text_key("last")
RUN_STATUSES: tuple[Status, ...] = ("success", "warning", "rejected", "error", "locked")
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
    last_answer: int | None = None  # finished_at of the last evidence that was judged
    consecutive_failures: int = 0
    runs: tuple[int, ...] = (0,) * len(RUN_STATUSES)  # final entries, in the order of RUN_STATUSES
    durations_ms: tuple[int, ...] = ()  # of the last 30, oldest first
    failures: tuple[bool, ...] = ()  # of the same


class Measured(msgspec.Struct, frozen=True):
    """A ticker's measures and the provider that they are of."""

    ticker: str
    provider: str
    measures: Measures


class _Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    finished_at: int
    duration_ms: int
    rows: int


class _Run(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A final entry, as far as measures go."""

    seq: int
    status: Status
    duration_ms: int
    rejected: int = 0


class RunCount(msgspec.Struct, frozen=True):
    """How many final entries of a ticker ended in a status."""

    ticker: str
    provider: str
    status: Status
    runs: int


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """The newest backup: when it was recorded, its file's name and size, and how many events it holds."""

    recorded_at: int
    name: str
    archive_bytes: int
    size: int


_encode = msgspec.msgpack.Encoder().encode
_decode_measures = msgspec.msgpack.Decoder(Measures).decode
_decode_waiting = msgspec.msgpack.Decoder(_Waiting).decode
_decode_time = msgspec.msgpack.Decoder(int).decode
_decode_backup = msgspec.msgpack.Decoder(Backup).decode


class Metrics:
    """The fold of attempts, decisions, probes and backups into measures."""

    name = NAME
    version = VERSION
    tables = ("measures", "pending", "probes", "backups")
    reads = ENTRY_TAGS | {ValidationCompleted.TAG, ConnectionTested.TAG, BackupCreated.TAG}

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Count what the event ended, or keep evidence until its decision comes."""
        if isinstance(fact, Evidence):
            waiting = _Waiting(fact.finished_at, (fact.finished_at - fact.started_at) // US_A_MS, fact.rows)
            tables["pending"].put(seq_key(envelope.seq), _encode(waiting))
        elif isinstance(fact, ValidationCompleted):
            if envelope.cause is not None:
                _judge(tables, envelope.cause, fact)
        elif isinstance(fact, BackupCreated):
            backup = Backup(envelope.recorded_at, fact.name, fact.archive_bytes, fact.size)
            tables["backups"].put(LAST_BACKUP, _encode(backup))
        elif isinstance(fact, ConnectionTested):
            _answered(tables, fact)
        elif entry := attempted(envelope, fact):
            _count_failure(tables, entry)


def _judge(tables: Tables, cause: int, decision: ValidationCompleted) -> None:
    evidence = seq_key(cause)
    stored = tables["pending"].get(evidence)
    if stored is None:
        return
    tables["pending"].delete(evidence)
    if decision.verdict == "superseded":
        return
    waiting, key = _decode_waiting(stored), text_key(decision.ticker, decision.provider)
    run = _Run(seq=cause, status=decision.verdict, duration_ms=waiting.duration_ms, rejected=rejected_rows(decision))
    after = _after_run(_measures(tables, key), run)
    if decision.verdict in ACCEPTED:
        after = _after_ingest(after, waiting, decision)
    tables["measures"].put(key, _encode(msgspec.structs.replace(after, last_answer=waiting.finished_at)))


def _count_failure(tables: Tables, entry: Entry) -> None:
    if entry.final:
        key = text_key(entry.ticker, entry.provider)
        run = _Run(seq=entry.seq, status=entry.status, duration_ms=entry.duration_ms)
        tables["measures"].put(key, _encode(_after_run(_measures(tables, key), run)))


def _answered(tables: Tables, probe: ConnectionTested) -> None:
    if probe.status in {"ok", "slow"}:
        tables["probes"].put(text_key(probe.provider), _encode(probe.finished_at))


def _measures(tables: Tables, key: bytes) -> Measures | None:
    stored = tables["measures"].get(key)
    return None if stored is None else _decode_measures(stored)


def _after_run(measures: Measures | None, run: _Run) -> Measures:
    """Return the measures after one more final entry, whatever it brought."""
    before = measures or Measures(run.status, run.seq, run.rejected)
    failed = run.status in FAILURES
    counted = RUN_STATUSES.index(run.status)
    return Measures(
        run.status,
        run.seq,
        run.rejected,
        before.last_ingest,
        before.rows_fetched,
        before.rows_total,
        before.last_date,
        before.last_answer,
        before.consecutive_failures + 1 if failed else 0,
        (*before.runs[:counted], before.runs[counted] + 1, *before.runs[counted + 1 :]),
        (*before.durations_ms, run.duration_ms)[-RECENT_ENTRIES:],
        (*before.failures, failed)[-RECENT_ENTRIES:],
    )


def _after_ingest(measures: Measures, waiting: _Waiting, decision: ValidationCompleted) -> Measures:
    """Return the measures after evidence that was accepted, in part at least."""
    days = [bar.date for bar in decision.bars]
    if measures.last_date is not None:
        days.append(measures.last_date)
    return msgspec.structs.replace(
        measures,
        last_ingest=waiting.finished_at,
        rows_fetched=waiting.rows,
        rows_total=measures.rows_total + decision.added,
        last_date=max(days, default=None),
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
    """Yield how many final entries ended how, by ticker and provider; zeroes too, so that no series begins late."""
    for key, value in tables["measures"].scan():
        ticker, provider = two_texts(key)
        for status, count in zip(RUN_STATUSES, _decode_measures(value).runs, strict=True):
            yield RunCount(ticker, provider, status, count)


def last_backup(tables: Tables) -> Backup | None:
    """Return the newest backup, None before the first."""
    stored = tables["backups"].get(LAST_BACKUP)
    return None if stored is None else _decode_backup(stored)


def last_answer(tables: Tables, provider: str) -> int | None:
    """Return when `provider` last answered a fetch that was judged, or a probe, microseconds UTC; None: never."""
    times = [
        answered
        for key, value in tables["measures"].scan()
        if two_texts(key)[1] == provider and (answered := _decode_measures(value).last_answer) is not None
    ]
    if probed := tables["probes"].get(text_key(provider)):
        times.append(_decode_time(probed))
    return max(times, default=None)
