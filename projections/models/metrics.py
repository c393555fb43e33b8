"""What monitoring reads from the log: how each ticker's ingest goes, how many runs ended how, the newest proofs.

Tables:
- `tallies`: (ticker, provider) -> tally. Fixed in size, rewritten at every final entry.
- `recent`: (ticker, provider, slot) -> duration and failure of one of the last 30 final entries. The slot of a final
  entry is its number modulo 30: one small row is written, where a ring inside the tally would be rewritten whole.
- `files`: (provider, first day, last day) -> the seq of the first accepted decision over a file of these days.
- `pending`: (seq) -> what is wanted of evidence until its decision, or the failure over it, comes, and no longer.
- `missing`: (ticker, provider) -> the sessions that were due in accepted answers and are not held, each with the day on
  which that was first found. Rewritten where an answer changes it.
- `retired`: (ticker, seq) -> a person's record that the series ended; see `projections.models.retirements`.
- `probes`: (provider) -> when a probe last went well, microseconds UTC.
- `backups`, `checkpoints`, `verifications`: see `projections.models.newest_proofs`.
- `alerts`, `receivers`: see `projections.models.alert_episodes`.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from struct import Struct
from typing import Any

import msgspec

from ledger.codec import Envelope
from ledger.events import (
    ConnectionTested,
    FetchFailed,
    IngestFailed,
    IngestRefused,
    SeriesRetired,
    ValidationCompleted,
)
from ledger.ingest.providers import registry
from ledger.market.series import Series
from ledger.market.sessions import trading_day
from ledger.values import ACCEPTED, ErrorKind, Window
from projections.fold.event_readers import Evidence, Fact
from projections.fold.keys import DAY_BYTES, day_key, seq_key, text_key, two_texts
from projections.fold.tables import Tables, encode
from projections.models import alert_episodes, newest_proofs, retirements
from projections.models.log_entry import ENTRY_TAGS, FAILURES, US_A_MS, Status, failure_status, rejected_rows
from projections.models.retirements import Retirement

NAME = "metrics"
VERSION = 9
RECENT_ENTRIES = 30
GAP = "GAP"  # the rule that names a missing session, in every version of the rules
RECENT = Struct(">q?")  # milliseconds (below zero where a clock went back), failed
SLOT_KEYS = tuple(bytes((slot,)) for slot in range(RECENT_ENTRIES))
RUN_STATUSES: tuple[Status, ...] = ("success", "warning", "rejected", "error", "locked")


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
    flagged: int = 0  # findings, by the last final entry
    warned: int = 0  # the same
    missing: int = 0  # sessions due in accepted answers and not held


class Measured(msgspec.Struct, frozen=True):
    """A ticker's measures, the provider that they are of, and how the ticker ended, where it did."""

    ticker: str
    provider: str
    measures: Measures
    retired: Retirement | None = None


class _Missing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    sessions: tuple[tuple[date, date], ...]  # each with the day on which it was first found missing


class _Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    finished_at: int
    duration_ms: int


class _SeriesTally(msgspec.Struct, array_like=True, gc=False):
    """Measures as they are stored; mutable, since a fold decodes, counts and encodes it at every final entry."""

    status: Status
    seq: int
    finals: int = 0  # final entries so far, so the next one's slot is finals % 30
    rejected: int = 0
    last_ingest: int | None = None
    rows_fetched: int = 0
    rows_total: int = 0
    last_date: date | None = None
    last_answer: int | None = None
    consecutive_failures: int = 0
    runs: list[int] = msgspec.field(default_factory=lambda: [0] * len(RUN_STATUSES))
    flagged: int = 0
    warned: int = 0
    missing: int = 0
    first_date: date | None = None
    whole_at: int | None = None  # finished_at of the last accepted answer over everything held

    def measures(self, slots: Sequence[tuple[int, bool]]) -> Measures:
        """Return the measures, with the durations and failures of the ring's `slots` from the oldest on."""
        oldest = self.finals % RECENT_ENTRIES if self.finals > RECENT_ENTRIES else 0
        recent = (*slots[oldest:], *slots[:oldest])
        return Measures(
            status=self.status,
            seq=self.seq,
            rejected=self.rejected,
            last_ingest=self.last_ingest,
            rows_fetched=self.rows_fetched,
            rows_total=self.rows_total,
            last_date=self.last_date,
            last_answer=self.last_answer,
            consecutive_failures=self.consecutive_failures,
            runs=tuple(self.runs),
            durations_ms=tuple(duration_ms for duration_ms, _ in recent),
            failures=tuple(failed for _, failed in recent),
            flagged=self.flagged,
            warned=self.warned,
            missing=self.missing,
        )


class Asked(msgspec.Struct, frozen=True):
    """What a job remembers of the answers before it: sessions they lacked, and when the last whole one came.

    `missing` has the day on which each session was first found missing. `whole_at` is in microseconds UTC.
    """

    missing: dict[date, date] = {}
    whole_at: int | None = None


class RunCount(msgspec.Struct, frozen=True):
    """How many final entries of a ticker ended in a status."""

    ticker: str
    provider: str
    status: Status
    runs: int


_decode_tally = msgspec.msgpack.Decoder(_SeriesTally).decode
_decode_waiting = msgspec.msgpack.Decoder(_Waiting).decode
_decode_missing = msgspec.msgpack.Decoder(_Missing).decode
_decode_time = msgspec.msgpack.Decoder(int).decode


class Metrics:
    """The fold of attempts, decisions, retirements, probes, backups, verifications and checkpoints into measures."""

    name = NAME
    version = VERSION
    tables = (
        *("tallies", "recent", "files", "pending", "missing", retirements.TABLE, "probes"),
        *(*newest_proofs.TABLES, *alert_episodes.TABLES),
    )
    rewritten = frozenset(tables) - {retirements.TABLE}
    reads = ENTRY_TAGS | {
        *(ValidationCompleted.TAG, ConnectionTested.TAG, SeriesRetired.TAG, *newest_proofs.TAGS, *alert_episodes.TAGS),
    }

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Count what the event ended, or keep evidence until its decision comes."""
        _APPLY[type(fact)](tables, envelope, fact)


def _await(tables: Tables, envelope: Envelope, evidence: Evidence) -> None:
    duration_ms = (evidence.finished_at - evidence.started_at) // US_A_MS
    tables["pending"].store(seq_key(envelope.seq), _Waiting(evidence.finished_at, duration_ms))


def _judge(tables: Tables, envelope: Envelope, decision: ValidationCompleted) -> None:
    cause = envelope.cause
    if cause is None:
        return
    evidence = seq_key(cause)
    waiting = tables["pending"].load(evidence, _decode_waiting)
    if waiting is None:
        return
    tables["pending"].delete(evidence)
    if decision.verdict == "superseded":
        return
    key = text_key(decision.ticker, decision.provider)
    tally = _tally(tables, key, decision.verdict, cause)
    tally.rejected = rejected_rows(decision)
    tally.flagged, tally.warned = len(decision.flagged), len(decision.warned)
    tally.last_answer = waiting.finished_at
    if decision.verdict in ACCEPTED:
        _cover(tables, decision, envelope.seq)
        tally.last_ingest, tally.rows_fetched = waiting.finished_at, decision.received
        tally.rows_total += decision.added
        if days := [bar.date for bar in decision.bars]:
            first, last = min(days), max(days)
            tally.first_date = first if tally.first_date is None else min(first, tally.first_date)
            tally.last_date = last if tally.last_date is None else max(last, tally.last_date)
        if tally.missing or decision.warned:  # else none was missing and none is: nearly every decision
            tally.missing = _miss(tables, key, decision, waiting.finished_at)
        if tally.first_date is not None and decision.window.start <= tally.first_date:
            tally.whole_at = waiting.finished_at
    _put(tables, key, tally, waiting.duration_ms)


def _cover(tables: Tables, decision: ValidationCompleted, seq: int) -> None:
    """Note which days a file covers, once, of all the tickers in it."""
    if registry.brought_by_hand(decision.provider):
        key = text_key(decision.provider) + day_key(decision.window.start) + day_key(decision.window.end)
        if tables["files"].get(key) is None:
            tables["files"].put(key, encode(seq))


def _miss(tables: Tables, key: bytes, decision: ValidationCompleted, found_at: int) -> int:
    """Bring up to date which sessions are missing, and return how many: a decision says it of its whole window."""
    known = _missing(tables, key)
    found_on = trading_day(found_at)
    window, came = decision.window, {bar.date for bar in decision.bars}
    now = {day: since for day, since in known.items() if not window.start <= day <= window.end and day not in came}
    for finding in decision.warned:
        if finding.rule == GAP and finding.date is not None:
            now[finding.date] = known.get(finding.date, found_on)
    if now != known:
        tables["missing"].store(key, _Missing(tuple(sorted(now.items()))))
    return len(now)


def _fail(tables: Tables, envelope: Envelope, fact: FetchFailed | IngestFailed | IngestRefused) -> None:
    """Count the failure; one over evidence is counted as that evidence's, whose place it takes."""
    if isinstance(fact, FetchFailed) and not fact.final:
        return
    seq = envelope.seq
    if isinstance(fact, IngestFailed) and envelope.cause is not None:
        seq, evidence = envelope.cause, seq_key(envelope.cause)
        if tables["pending"].load(evidence, _decode_waiting) is None:
            return
        tables["pending"].delete(evidence)
    kind: ErrorKind = "locked" if isinstance(fact, IngestRefused) else fact.error_kind
    key = text_key(fact.ticker, fact.provider)
    tally = _tally(tables, key, failure_status(kind), seq)
    tally.rejected = tally.flagged = tally.warned = 0
    _put(tables, key, tally, (fact.finished_at - fact.started_at) // US_A_MS)


def _answer(tables: Tables, _: Envelope, probe: ConnectionTested) -> None:
    if probe.status in {"ok", "slow"}:
        tables["probes"].put(text_key(probe.provider), encode(probe.finished_at))


_APPLY: dict[type[Fact], Callable[[Tables, Envelope, Any], None]] = {
    Evidence: _await,
    ValidationCompleted: _judge,
    FetchFailed: _fail,
    IngestFailed: _fail,
    IngestRefused: _fail,
    **dict.fromkeys(newest_proofs.KINDS, newest_proofs.put),
    **dict.fromkeys(alert_episodes.KINDS, alert_episodes.apply),
    ConnectionTested: _answer,
    SeriesRetired: retirements.put,
}


def _tally(tables: Tables, key: bytes, status: Status, seq: int) -> _SeriesTally:
    """Return the series' tally with one more final entry of `status` to count."""
    tally = tables["tallies"].load(key, _decode_tally)
    if tally is None:
        return _SeriesTally(status, seq)
    tally.status, tally.seq = status, seq
    return tally


def _put(tables: Tables, key: bytes, tally: _SeriesTally, duration_ms: int) -> None:
    failed = tally.status in FAILURES
    tables["recent"].put(key + SLOT_KEYS[tally.finals % RECENT_ENTRIES], RECENT.pack(duration_ms, failed))
    tally.finals += 1
    tally.runs[RUN_STATUSES.index(tally.status)] += 1
    tally.consecutive_failures = tally.consecutive_failures + 1 if failed else 0
    tables["tallies"].store(key, tally)


def measured(tables: Tables, ticker: str | None = None) -> Iterator[Measured]:
    """Yield each ticker's measures (or the one's), those of the provider used last, by ticker.

    A file brought by hand counts only where nobody is asked, and corporate actions alone only where there are no
    prices: else either would hush the alarm of a provider that is late.
    """
    chosen: dict[str, tuple[tuple[bool, bool, int], bytes, _SeriesTally]] = {}
    for key, value in tables["tallies"].scan(b"" if ticker is None else text_key(ticker)):
        (name, provider), tally = two_texts(key), _decode_tally(value)
        rank = registry.has_sessions(provider), not registry.brought_by_hand(provider), tally.seq
        if name not in chosen or rank > chosen[name][0]:
            chosen[name] = rank, key, tally
    ended = retirements.in_force(tables)
    for _, key, tally in chosen.values():
        slots = [RECENT.unpack(value) for _, value in tables["recent"].scan(key)]
        ticker, provider = two_texts(key)
        retired = ended.get(ticker)
        if retired is not None:
            # What was due after its end is not missing.
            tally.missing = sum(day <= retired.on for day in _missing(tables, key))
        yield Measured(ticker, provider, tally.measures(slots), retired)


def files(tables: Tables, provider: str, position: int | None = None) -> Iterator[Window]:
    """Yield the days of each file of `provider` that was brought once `position` events are read (None: all)."""
    for key, value in tables["files"].scan(text_key(provider)):
        if position is None or _decode_time(value) < position:
            ends = (key[-2 * DAY_BYTES : -DAY_BYTES], key[-DAY_BYTES:])
            yield Window(*(date.fromordinal(int.from_bytes(day, "big")) for day in ends))


def spans(tables: Tables, provider: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Window]]:
    """Yield each `wanted` ticker of which anything is held of `provider`, with the first and the last day; in order."""
    for key, value in tables["tallies"].scan():
        ticker, of = two_texts(key)
        if of == provider and wanted(ticker):
            tally = _decode_tally(value)
            if tally.first_date is not None and tally.last_date is not None:
                yield ticker, Window(tally.first_date, tally.last_date)


def asked(tables: Tables, series: Series) -> Asked:
    """Return what the answers over a series lacked; two look-ups."""
    key = text_key(series.ticker, series.provider)
    tally = tables["tallies"].load(key, _decode_tally)
    return Asked(_missing(tables, key), None if tally is None else tally.whole_at)


def _missing(tables: Tables, key: bytes) -> dict[date, date]:
    stored = tables["missing"].load(key, _decode_missing)
    return {} if stored is None else dict(stored.sessions)


def runs(tables: Tables) -> Iterator[RunCount]:
    """Yield how many final entries ended how, by ticker and provider; zeroes too, so that no series begins late."""
    for key, value in tables["tallies"].scan():
        ticker, provider = two_texts(key)
        for status, count in zip(RUN_STATUSES, _decode_tally(value).runs, strict=True):
            yield RunCount(ticker, provider, status, count)


def last_answer(tables: Tables, provider: str) -> int | None:
    """Return when `provider` last answered a fetch that was judged, or a probe, microseconds UTC; None: never."""
    times = [
        answered
        for key, value in tables["tallies"].scan()
        if two_texts(key)[1] == provider and (answered := _decode_tally(value).last_answer) is not None
    ]
    if probed := tables["probes"].get(text_key(provider)):
        times.append(_decode_time(probed))
    return max(times, default=None)
