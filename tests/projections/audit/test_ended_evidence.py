"""An answer ends once and in its turn: what a forger leaves out or does again, all else derivable, is different."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import projections.audit.ended_evidence
from ledger.audit.succession import Succession
from ledger.backup.archive_log import archive_log
from ledger.codec import Draft, Envelope, decode_envelope, encode_data
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.ingest.judging import judged
from ledger.ingest.rules.held import Held
from ledger.market.series import Series
from ledger.market.sessions import sessions
from ledger.values import Window
from projections.audit.audit import audit_log
from projections.audit.departures import DepartureError
from projections.audit.ended_evidence import PASSED_OVER, EndedEvidence
from projections.audit.open_years import OpenYears
from projections.audit.report import AuditReport, Difference, NotDerived
from tests.support import evenings
from tests.support.archives import created
from tests.support.rechained import archived, body

EVENINGS = sessions(Window(evenings.FIRST_EVENING, datetime(2025, 1, 31, tzinfo=UTC).date()))[:6]
SERIES = Series("AAAA3.SA", evenings.PROVIDER)
LEFT_OUT = 2  # the evening whose decision a forger leaves out
Recorded = list[tuple[Draft, int]]  # with the time


def recorded(*, leaving_out: int | None = None) -> Recorded:
    """Return the events of the evenings of one ticker; of one of them the evidence alone."""
    told = evenings.Told(0, EVENINGS)
    found: Recorded = [(created(), 0)]
    for number, today in enumerate(EVENINGS):
        at_us = round(datetime.combine(today, evenings.EVENING, UTC).timestamp()) * 1_000_000
        before, lines = told.state, dict(told.lines)
        steps = evenings.run(told, today, at_us, len(found), failing=False)
        if number == leaving_out:
            told.state, told.lines, steps = before, lines, steps[:1]
        found += [
            (Draft(job_id=bytes(16), stream=SERIES.ticker, event=event, cause=cause), at_us) for event, cause in steps
        ]
    return found


def bodies(events: Recorded) -> list[bytes]:
    """Return the events as a log stores them."""
    return [
        body([seq, at_us, seq.to_bytes(16, "big"), one.job_id, one.cause, one.stream, one.event.TAG, raw(one)])
        for seq, (one, at_us) in enumerate(events)
    ]


def raw(draft: Draft) -> msgspec.Raw:
    """Return the data of an event as it is stored."""
    return msgspec.Raw(encode_data(draft.event))


def judged_again(events: Recorded, seq: int) -> tuple[Draft, int]:
    """Return a decision over the answer at `seq` as the series stands after all of `events`, states and all."""
    fetch = events[seq][0].event
    assert isinstance(fetch, FetchSucceeded)
    with ScratchMap() as scratch, ScratchMap() as texts:
        years = OpenYears(scratch, texts)
        for at, (one, _) in enumerate(events):
            if isinstance(one.event, ValidationCompleted):
                years.apply(at, one.event, committing=True)
        held = years.whole(SERIES)
    again = judged(fetch, Held(held.bars, held.actions, held.basis), threshold_percent=10)
    assert isinstance(again, ValidationCompleted)
    return Draft(job_id=bytes(16), stream=SERIES.ticker, event=again, cause=seq), events[-1][1]


def audited(stored: Sequence[bytes], folder: Path, *, since: int = 0) -> AuditReport:
    """Return what the audit finds of a log that verification calls intact."""
    with Succession() as succession:
        assert succession.read(stored, 0) is None
    return audit_log(archive_log(archived(folder / "a.db", stored)), since=since)


def found(stored: Sequence[bytes], folder: Path, *, since: int = 0) -> tuple[str, tuple[NotDerived, ...]]:
    """Return the verdict, and what could not be derived."""
    report = audited(stored, folder, since=since)
    return report.verdict, report.not_derived


def test_evenings_as_they_were_are_derived(tmp_path: Path) -> None:
    """Nothing is left out, and nothing comes twice."""
    assert ("same", ()) == found(bodies(recorded()), tmp_path)


def test_a_decision_that_was_left_out_is_missed(tmp_path: Path) -> None:
    """Though every later one is what its answer leads to without it: a job ends what is pending first."""
    events = recorded(leaving_out=LEFT_OUT)
    stored = bodies(events)
    fetched = [seq for seq, (one, _) in enumerate(events) if isinstance(one.event, FetchSucceeded)]
    decided = next(seq for seq, (one, _) in enumerate(events) if one.cause == fetched[LEFT_OUT + 1])
    missed = NotDerived(PASSED_OVER, 1, fetched[LEFT_OUT])
    assert ("incomplete", (missed,)) == found(stored, tmp_path)
    assert ("same", ()) == found(stored, tmp_path, since=fetched[LEFT_OUT] + 1)
    # What is pending at the end of a log is the next run's to judge.
    assert ("same", ()) == found(stored[:decided], tmp_path)
    # A job that crashed twice ends what it passed over later.
    late = judged_again(events, fetched[LEFT_OUT])
    assert ("same", ()) == found(bodies([*events, late]), tmp_path)


def test_an_answer_is_decided_on_once(tmp_path: Path) -> None:
    """A second decision would bring back what was corrected since, each state in order and each price derived."""
    events = recorded()
    old = next(seq for seq, (one, _) in enumerate(events) if isinstance(one.event, FetchSucceeded))
    report = audited(bodies([*events, judged_again(events, old)]), tmp_path)
    assert Difference(len(events), "cause", f"{old}", "an answer that no event before ended") == report.first_difference


@pytest.mark.parametrize("memory_bytes", [0, 1_000_000])
def test_a_failure_is_an_end_too(memory_bytes: int) -> None:
    """And what fails without an answer ends none; of another series nothing is said."""
    events = recorded()
    stored = bodies(events)
    failed = IngestFailed(
        ticker=SERIES.ticker,
        provider=SERIES.provider,
        attempt=1,
        started_at=0,
        finished_at=0,
        stage="judge",
        error_kind="internal",
        message="",
    )
    seq = next(seq for seq, (one, _) in enumerate(events) if isinstance(one.event, FetchSucceeded))
    data = msgspec.Raw(encode_data(failed))

    def failure(cause: int | None) -> Envelope:
        fields = [seq + 1, 0, bytes(16), bytes(16), cause, SERIES.ticker, failed.TAG, data]
        return decode_envelope(seq + 1, body(fields))

    with ScratchMap(memory_bytes=memory_bytes) as scratch:
        ended = EndedEvidence(scratch)
        ended.go_past(decode_envelope(seq, stored[seq]))
        for cause in (None, None, seq, None):
            ended.go_past(failure(cause))
        with pytest.raises(DepartureError, match="want an answer that no event before ended"):
            ended.go_past(failure(seq))


def test_more_than_any_run_leaves_are_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither memory nor time grows with answers that nothing ends; of those forgotten nothing is said to end twice."""
    monkeypatch.setattr(projections.audit.ended_evidence, "WAITING_KEPT", 3)
    monkeypatch.setattr(projections.audit.ended_evidence, "PASSED_KEPT", 4)
    fetched = next(one for one, _ in recorded() if isinstance(one.event, FetchSucceeded))
    data = msgspec.Raw(encode_data(fetched.event))
    with ScratchMap() as scratch:
        ended = EndedEvidence(scratch)
        for seq in range(9):
            ended.go_past(decode_envelope(seq, body([seq, 0, bytes(16), bytes(16), None, "", fetched.event.TAG, data])))
        assert [0, 1, 2, 3] == [*ended.passed_over]
        for seq, cause in ((9, 2), (10, 2), (11, 8)):
            fields = [seq, 0, bytes(16), bytes(16), cause, "", IngestFailed.TAG, data]
            ended.go_past(decode_envelope(seq, body(fields)))
        assert 2 not in ended.passed_over
