"""Derives a log again, event by event, in constant memory: what was answered is read, judged and written once more.

The readers are the providers' own, as the registry has them; nobody is asked. What came before an event is folded from
the decisions as they are recorded, so that one event which differs is the first, and the only one that is named.

What is derived is encoded and held against the recorded bytes: equal bytes are equal events, and are not decoded.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from operator import attrgetter

from msgspec.structs import replace

from ledger.audit.series_fold import commits, series_decision
from ledger.chain import EMPTY_HEAD
from ledger.codec import Envelope, decode_as, decode_envelope, decode_event, encode_data, envelopes
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import FetchFailed, FetchSucceeded, IngestFailed, SnapshotWritten, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.job import CLOCK_LIMIT_S, MICROSECONDS
from ledger.ingest.providers import evidence, registry
from ledger.ingest.providers.evidence import OtherBodyError
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import ACCEPTED, Answer, Bar
from projections.audit import rejudging
from projections.audit.departures import (
    DepartureError,
    NotDerivedError,
    check_actions,
    check_bars,
    check_decision,
    check_identity,
)
from projections.audit.ended_evidence import PASSED_OVER, EndedEvidence
from projections.audit.open_years import TEXT_BYTES_KEPT, OpenYears, SnapshotFacts
from projections.audit.reading_again import read_again
from projections.audit.rejudging import MadeOn, ReadEvidence
from projections.audit.report import AuditReport, Derived, Difference, NotDerived
from projections.fold.folding import checked
from projections.queries.snapshot_csv import FORMAT_VERSION, render

ANSWERS_KEPT_BYTES = 8 * 1024 * 1024  # of evidence that a decision may follow; older evidence is read again

A_DAY_US = CLOCK_LIMIT_S * MICROSECONDS

_body = attrgetter("body")


class Rederivation:
    """One pass over a log, of the streams that are `mine`."""

    def __init__(
        self, log: LogSource, scratch: ScratchMap, *, since: int = 0, mine: Callable[[str], bool] | None = None
    ) -> None:
        self._log = log
        self._texts = ScratchMap(memory_bytes=TEXT_BYTES_KEPT)
        self._years = OpenYears(scratch, self._texts)
        self._ended = EndedEvidence(scratch)
        self._since = since
        self._mine = mine
        self._recorded_at = 0  # of the event before
        self._series: Series | None = None  # of the event that is derived, once it was read
        self._foreseen = foreseen("audit")
        self._answers: OrderedDict[int, ReadEvidence] = OrderedDict()
        self._answers_bytes = 0
        self._derived: dict[Derived, int] = {"answers": 0, "bars": 0, "decisions": 0, "failures": 0, "snapshots": 0}
        self._not_derived: dict[str, NotDerived] = {}
        self._steps: dict[str, Callable[[Envelope], object]] = {
            FetchSucceeded.TAG: self._fetch,
            FetchFailed.TAG: self._failed_fetch,
            IngestFailed.TAG: self._failure,
            SnapshotWritten.TAG: self._snapshot,
        }

    def run(self, stop: int, advance: Callable[[int], object] | None = None) -> AuditReport:
        """Derive events [since, stop) and return what came of it, up to the first that differs.

        Raises: ShortageError, DiskFullError and their like.
        """
        difference: Difference | None = None
        unknown: tuple[int, str] | None = None
        try:
            difference = self._first_difference(stop, advance)
        except DamagedError as error:
            difference = Difference(error.seq, error.kind, error.found, error.expected)
        except UnknownEventError as error:
            unknown = (error.seq, error.tag)
        finally:
            self._texts.close()
        for seq in self._ended.passed_over:
            if seq >= self._since:
                self._left_out(seq, PASSED_OVER)
        return AuditReport(
            events=stop,
            since=self._since,
            derived=self._derived,
            first_difference=difference,
            not_derived=tuple(self._not_derived.values()),
            unknown=unknown,
        )

    def _first_difference(self, stop: int, advance: Callable[[int], object] | None) -> Difference | None:
        for records in checked(self._log.read(0, stop), EMPTY_HEAD):
            # What comes before a damaged one may differ.
            for envelope in envelopes(list(map(_body, records)), start=records[0].seq):
                difference = self._took(envelope) if self._mine is None or self._mine(envelope.stream) else None
                if difference is not None:
                    return difference
                self._recorded_at = envelope.recorded_at
            if advance is not None:
                advance(len(records))
        return None

    def _took(self, envelope: Envelope) -> Difference | None:
        """Derive one event, and go past it; return where it differs."""
        decides, is_past = envelope.type.startswith(DECISION), False
        # An event that is derived of nothing holds, once it decodes.
        step = self._decision if decides else self._steps.get(envelope.type, decode_event)
        self._series = None
        try:
            if envelope.seq >= self._since:
                with self._foreseen:
                    is_past = step(envelope) is True
        except DepartureError as error:
            return Difference(envelope.seq, error.what, error.recorded, error.derived)
        except NotDerivedError as error:
            self._left_out(envelope.seq, error.reason)
        except UnforeseenError as error:
            self._left_out(envelope.seq, str(error))
        try:
            self._ended.go_past(envelope, self._series)
        except DepartureError as error:
            if envelope.seq >= self._since:
                return Difference(envelope.seq, error.what, error.recorded, error.derived)
        if decides and not is_past:
            decision = series_decision(envelope)
            if decision is not None:
                self._years.apply(envelope.seq, decision, committing=commits(envelope))
        return None

    def _left_out(self, seq: int, reason: str) -> None:
        known = self._not_derived.get(reason, NotDerived(reason, 0, seq))
        self._not_derived[reason] = NotDerived(reason, known.events + 1, known.first_seq)

    # --- a step per type of event ------------------------------------------------------------

    def _fetch(self, envelope: Envelope) -> None:
        found = self._read(envelope)
        fetch = found.fetch
        self._series = Series(fetch.ticker, fetch.provider)
        self._answers[envelope.seq] = found
        self._answers_bytes += fetch.answer.body_bytes
        while self._answers_bytes > ANSWERS_KEPT_BYTES:
            _, oldest = self._answers.popitem(last=False)
            self._answers_bytes -= oldest.fetch.answer.body_bytes
        self._derived["answers"] += 1
        if fetch.ticker != envelope.stream:
            raise DepartureError("stream", envelope.stream, fetch.ticker)
        if found.reading is None:
            if fetch.bars or fetch.actions:
                raise NotDerivedError(found.unread)
            return
        check_identity(fetch, found.reading)
        check_bars(fetch, found.reading)
        if fetch.actions and registry.described(fetch.provider).reading is not None:
            check_actions(fetch, found.reading)
        self._derived["bars"] += len(fetch.bars)
        self._check_times(envelope, fetch)

    def _check_times(self, envelope: Envelope, fetch: FetchSucceeded) -> None:
        """Return quietly when the answer came when it says: by its provider's clock, and by that of the log.

        Raises: DepartureError for a time at which no version appended it; NotDerivedError for one that only a clock
        that was set, or a machine that slept, explains.
        """
        http_date = fetch.source.http_date
        if http_date is not None and abs(fetch.finished_at - http_date) > A_DAY_US:
            raise DepartureError("http_date", http_date, f"within a day of {fetch.finished_at}, when it came")
        # Where the clock was behind the log, an event takes the time of the one before it.
        held_back = envelope.recorded_at == self._recorded_at and envelope.recorded_at > fetch.finished_at
        if abs(envelope.recorded_at - fetch.finished_at) > A_DAY_US and not held_back:
            raise NotDerivedError("an answer recorded more than a day from when it came")

    def _failed_fetch(self, envelope: Envelope) -> None:
        event = decode_as(envelope, FetchFailed)
        if event.answer is not None:
            _check_answer(event.answer)
            self._derived["answers"] += 1

    def _decision(self, envelope: Envelope) -> bool:
        """Derive a decision; return whether its series is past it already."""
        made = rejudging.made_on(envelope)
        series = self._series = made.series
        held = self._years.held(series)
        if series.ticker != envelope.stream:
            raise DepartureError("stream", envelope.stream, series.ticker)
        if made.rules_version < held.rules_version:
            raise DepartureError("rules_version", made.rules_version, f"at least {held.rules_version}")
        found = self._evidence(envelope, series)
        rejudging.readable(found)
        is_past = rejudging.are_current(envelope, made)
        if is_past:
            self._decided(envelope, made, found)
        else:
            check_decision(*rejudging.by_older_rules(envelope, found, self._years.whole(series)))
        self._derived["decisions"] += 1
        return is_past

    def _decided(self, envelope: Envelope, made: MadeOn, found: ReadEvidence) -> None:
        """Derive a decision by the rules of today, and let its series go past it.

        Raises: DepartureError, after which nothing more of this log is derived.
        """
        percent, series = float(made.threshold_percent or 0), made.series
        derived = rejudging.judged(found, self._years.near(series, rejudging.reach(found)), percent)
        before, after = self._years.apply(envelope.seq, derived, committing=True)
        derived = replace(derived, before=before, after=after, threshold_percent=percent)
        if encode_data(derived) != bytes(envelope.data):
            check_decision(decode_as(envelope, ValidationCompleted), derived)

    def _failure(self, envelope: Envelope) -> None:
        """Evidence whose failure is on record is unreadable still; of any other failure there is nothing to derive."""
        event = decode_as(envelope, IngestFailed)
        if envelope.cause is None:
            return
        series = Series(event.ticker, event.provider)
        found = self._evidence(envelope, series)
        if found.reading is not None:
            rejudging.check_failure(event, found, self._years.near(series, rejudging.reach(found)))
        self._derived["failures"] += 1

    def _snapshot(self, envelope: Envelope) -> None:
        event = decode_as(envelope, SnapshotWritten)
        if event.format_version != FORMAT_VERSION:
            raise NotDerivedError(f"a snapshot in format {event.format_version}")
        if event.position > envelope.seq:
            raise DepartureError("position", event.position, f"at most {envelope.seq}")
        csv = self._written(Series(event.ticker, event.provider), event.position)
        if csv is None:
            raise DepartureError("rows", event.rows, "none")
        for what, recorded, derived in (
            ("name", event.name, csv.name),
            ("rows", event.rows, csv.rows),
            ("sha256", event.sha256, csv.sha256),
        ):
            if recorded != derived:
                raise DepartureError(what, recorded, derived)
        self._derived["snapshots"] += 1

    # --- evidence ----------------------------------------------------------------------------

    def _read(self, envelope: Envelope) -> ReadEvidence:
        try:
            return read_again(envelope)
        except OtherBodyError as error:
            raise DepartureError("answer", error.expected, error.found) from error

    def _evidence(self, envelope: Envelope, series: Series) -> ReadEvidence:
        """Return what the event in `envelope` was judged by, of the same series; it is kept no longer.

        Raises: DepartureError where its cause is nothing of the kind, or does not hold.
        """
        cause = -1 if envelope.cause is None else envelope.cause
        found = self._answers.pop(cause, None)
        if found is None and 0 <= cause < envelope.seq:
            # Older than what is kept, or from before the first event that is derived.
            (record,) = self._log.read(cause, cause + 1)
            answered = decode_envelope(cause, record.body)
            found = self._read(answered) if answered.type == FetchSucceeded.TAG else None
        elif found is not None:
            self._answers_bytes -= found.fetch.answer.body_bytes
        if found is None or Series(found.fetch.ticker, found.fetch.provider) != series:
            raise DepartureError("cause", cause, f"evidence of {series.ticker} from {series.provider}")
        return found

    # --- series ------------------------------------------------------------------------------

    def _written(self, series: Series, position: int) -> SnapshotFacts | None:
        """Return the snapshot of what was held of the series once `position` events were read, None where nothing was.

        Raises: what rendering raises.
        """
        if self._years.held(series).seq < position:
            return self._years.snapshot(series)
        # A decision came in between: rare, and only a walk over the log tells what was held before it.
        bars: dict[date, Bar] = {}
        for record in self._log.read(0, position):
            found = series_decision(decode_envelope(record.seq, record.body))
            if found is not None and Series(found.ticker, found.provider) == series and found.verdict in ACCEPTED:
                bars |= {bar.date: bar for bar in found.bars}
        csv = render(series.ticker, bars) if bars else None
        return None if csv is None else SnapshotFacts(csv.name, csv.rows, csv.sha256)


DECISION = f"{ValidationCompleted.TAG.partition('/')[0]}/"


def _check_answer(answer: Answer) -> None:
    try:
        evidence.body(answer)
    except OtherBodyError as error:
        raise DepartureError("answer", error.expected, error.found) from error
