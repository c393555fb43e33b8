"""Derives a log again, event by event, in constant memory: what was answered is read, judged and written once more.

The readers are the providers' own, as the registry has them; nobody is asked. What came before an event is folded from
the decisions as they are recorded, so that one event which differs is the first, and the only one that is named.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import chain

from ledger.audit.series_fold import SeriesDecision, SeriesFold, commits, series_decision
from ledger.chain import EMPTY_HEAD
from ledger.codec import Envelope, decode_as, decode_envelope, decode_event
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import FetchFailed, FetchSucceeded, IngestFailed, SnapshotWritten
from ledger.files.scratch import ScratchMap
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.providers import evidence, registry
from ledger.ingest.providers.evidence import OtherBodyError
from ledger.ingest.providers.port import BodyError
from ledger.ingest.providers.registry import UnknownProviderError
from ledger.ingest.rules.catalogue import RULES_VERSION
from ledger.ingest.rules.held import Held
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Answer, Bar
from projections.audit import rejudging
from projections.audit.departures import (
    DepartureError,
    NotDerivedError,
    check_actions,
    check_bars,
    check_decision,
    check_identity,
)
from projections.audit.rejudging import ReadEvidence
from projections.audit.report import AuditReport, Derived, Difference, NotDerived
from projections.fold.folding import checked
from projections.queries.snapshot_csv import FORMAT_VERSION, Csv, assembled, line, render

BARS_KEPT = 150_000  # of the series that were decided on last; the others are read back when their turn comes
ANSWERS_KEPT_BYTES = 32 * 1024 * 1024  # of evidence that a decision may follow; older evidence is read again


class Rederivation:
    """One pass over a log, of the streams that are `mine`."""

    def __init__(
        self, log: LogSource, scratch: ScratchMap, *, since: int = 0, mine: Callable[[str], bool] | None = None
    ) -> None:
        self._log = log
        self._fold = SeriesFold(scratch)
        self._since = since
        self._mine = mine
        self._bars: OrderedDict[Series, dict[date, Bar]] = OrderedDict()
        self._lines: dict[Series, dict[date, str]] = {}  # of their snapshots: a row that stays is written once
        self._bars_kept = 0
        self._answers: OrderedDict[int, ReadEvidence] = OrderedDict()
        self._answers_bytes = 0
        self._derived: dict[Derived, int] = {"answers": 0, "bars": 0, "decisions": 0, "failures": 0, "snapshots": 0}
        self._not_derived: dict[str, NotDerived] = {}
        self._steps: dict[str, Callable[[Envelope], None]] = {
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
            for record in chain.from_iterable(checked(self._log.read(0, stop), EMPTY_HEAD)):
                envelope = decode_envelope(record.seq, record.body)
                if self._mine is None or self._mine(envelope.stream):
                    difference = self._took(envelope)
                    if difference is not None:
                        break
                if advance is not None:
                    advance(1)
        except DamagedError as error:
            difference = Difference(error.seq, error.kind, error.found, error.expected)
        except UnknownEventError as error:
            unknown = (error.seq, error.tag)
        return AuditReport(
            events=stop,
            since=self._since,
            derived=self._derived,
            first_difference=difference,
            not_derived=tuple(self._not_derived.values()),
            unknown=unknown,
        )

    def _took(self, envelope: Envelope) -> Difference | None:
        """Derive one event, and go past it; return where it differs."""
        decision = series_decision(envelope)
        # An event that is derived of nothing holds, once it decodes.
        step: Callable[[Envelope], object] = self._steps.get(envelope.type, decode_event)
        if decision is not None:
            step = partial(self._decision, decision=decision)
        try:
            if envelope.seq >= self._since:
                with foreseen("audit"):
                    step(envelope)
        except DepartureError as error:
            return Difference(envelope.seq, error.what, error.recorded, error.derived)
        except NotDerivedError as error:
            self._left_out(envelope.seq, error.reason)
        except UnforeseenError as error:
            self._left_out(envelope.seq, str(error))
        if decision is not None:
            self._go_past(envelope, decision)
        return None

    def _left_out(self, seq: int, reason: str) -> None:
        known = self._not_derived.get(reason, NotDerived(reason, 0, seq))
        self._not_derived[reason] = NotDerived(reason, known.events + 1, known.first_seq)

    # --- a step per type of event ------------------------------------------------------------

    def _fetch(self, envelope: Envelope) -> None:
        found = self._read(envelope)
        fetch = found.fetch
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
        if registry.described(fetch.provider).reading is not None:
            check_actions(fetch, found.reading)
        self._derived["bars"] += len(fetch.bars)

    def _failed_fetch(self, envelope: Envelope) -> None:
        event = decode_as(envelope, FetchFailed)
        if event.answer is not None:
            _check_answer(event.answer)
            self._derived["answers"] += 1

    def _decision(self, envelope: Envelope, decision: SeriesDecision) -> None:
        held, series = self._fold.held(decision.series), decision.series
        if series.ticker != envelope.stream:
            raise DepartureError("stream", envelope.stream, series.ticker)
        if decision.rules_version < held.rules_version:
            raise DepartureError("rules_version", decision.rules_version, f"at least {held.rules_version}")
        found = self._evidence(envelope, series)
        check_decision(*rejudging.both(envelope, found, self._held(series, found, decision.rules_version)))
        self._derived["decisions"] += 1

    def _failure(self, envelope: Envelope) -> None:
        """Evidence whose failure is on record is unreadable still; of any other failure there is nothing to derive."""
        event = decode_as(envelope, IngestFailed)
        if envelope.cause is None:
            return
        series = Series(event.ticker, event.provider)
        found = self._evidence(envelope, series)
        rejudging.check_failure(event, found, self._held(series, found, RULES_VERSION))
        self._derived["failures"] += 1

    def _snapshot(self, envelope: Envelope) -> None:
        event = decode_as(envelope, SnapshotWritten)
        if event.format_version != FORMAT_VERSION:
            raise NotDerivedError(f"a snapshot in format {event.format_version}")
        if event.position > envelope.seq:
            raise DepartureError("position", event.position, f"at most {envelope.seq}")
        csv = self._csv(Series(event.ticker, event.provider), event.position)
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
        """Return the evidence in `envelope`, read by its provider's reader.

        Raises: DepartureError where the answer does not have its length or its SHA-256.
        """
        fetch = decode_as(envelope, FetchSucceeded)
        try:
            return ReadEvidence(fetch, registry.reading(fetch))
        except OtherBodyError as error:
            raise DepartureError("answer", error.expected, error.found) from error
        except BodyError:
            return ReadEvidence(fetch, None, f"an answer that the reader of {fetch.provider} cannot read")
        except UnknownProviderError as error:
            _check_answer(fetch.answer)
            return ReadEvidence(fetch, None, f"provider {error.name}, which this version does not have")

    def _evidence(self, envelope: Envelope, series: Series) -> ReadEvidence:
        """Return what the event in `envelope` was judged by, of the same series.

        Raises: DepartureError where its cause is nothing of the kind, or does not hold.
        """
        cause = -1 if envelope.cause is None else envelope.cause
        found = self._answers.get(cause)
        if found is None and 0 <= cause < envelope.seq:
            # Older than what is kept, or from before the first event that is derived.
            (record,) = self._log.read(cause, cause + 1)
            answered = decode_envelope(cause, record.body)
            found = self._read(answered) if answered.type == FetchSucceeded.TAG else None
        if found is None or Series(found.fetch.ticker, found.fetch.provider) != series:
            raise DepartureError("cause", cause, f"evidence of {series.ticker} from {series.provider}")
        return found

    # --- series ------------------------------------------------------------------------------

    def _go_past(self, envelope: Envelope, decision: SeriesDecision) -> None:
        self._fold.apply(envelope.seq, decision, committing=commits(envelope))
        bars = self._bars.get(decision.series)
        if bars is None or not decision.accepted:
            return
        last = max(bars, default=date.min)
        new = [bar.date for bar in decision.bars if bar.date not in bars]
        bars.update((bar.date, bar) for bar in decision.bars)
        if (lines := self._lines.get(decision.series)) is not None:
            lines.update((bar.date, line(bar)) for bar in decision.bars)
        self._bars_kept += len(new)
        if new != sorted(new) or any(day < last for day in new):
            self._bars[decision.series] = dict(sorted(bars.items()))

    def _held(self, series: Series, found: ReadEvidence, rules_version: int) -> Held:
        """Return the series as it is held now, as far as rules of that version look to judge what was `found`."""
        reach = rejudging.reach(found, rules_version)
        if reach is not None:
            return self._fold.part(series, reach)
        held = self._fold.held(series)
        return Held(bars=self._bars_of(series), actions=held.actions, basis=held.basis)

    def _bars_of(self, series: Series) -> dict[date, Bar]:
        """Return what is held of the series now, by day; not to be changed."""
        bars = self._bars.get(series)
        if bars is None:
            bars = self._bars[series] = self._fold.bars(series)
            self._bars_kept += len(bars)
            while self._bars_kept > BARS_KEPT and len(self._bars) > 1:
                other, forgotten = self._bars.popitem(last=False)
                self._bars_kept -= len(forgotten)
                self._lines.pop(other, None)
        self._bars.move_to_end(series)
        return bars

    def _csv(self, series: Series, position: int) -> Csv | None:
        """Return the snapshot of what was held of the series once `position` events were read, None where nothing was.

        Raises: what rendering raises.
        """
        bars: dict[date, Bar] = {}
        if self._fold.held(series).seq < position:
            bars = self._bars_of(series)
            lines = self._lines.get(series)
            if lines is None:
                lines = self._lines[series] = {day: line(bar) for day, bar in bars.items()}
            return assembled(series.ticker, max(bars), [lines[day] for day in bars]) if bars else None
        # A decision came in between: rare, and only a walk over the log tells what was held before it.
        for record in self._log.read(0, position):
            found = series_decision(decode_envelope(record.seq, record.body))
            if found is not None and found.series == series and found.accepted:
                bars |= {bar.date: bar for bar in found.bars}
        return render(series.ticker, bars) if bars else None


def _check_answer(answer: Answer) -> None:
    try:
        evidence.body(answer)
    except OtherBodyError as error:
        raise DepartureError("answer", error.expected, error.found) from error
