"""What an audit makes of logs that runs do not write: damage, newer versions, evidence that nobody can read."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ledger.audit.series_fold
import projections.audit.audit
import projections.audit.open_years
import projections.audit.rederivation
from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.scan import scan
from ledger.chain import Head, Link, Record
from ledger.codec import decode_envelope, decode_event
from ledger.errors import UnknownEventError
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.ingest.providers.evidence import answer
from projections.audit.audit import audit_log, audit_shared, dealt
from projections.audit.rederivation import Rederivation
from projections.audit.report import AuditReport, Difference, NotDerived
from tests.support import sample_ledger
from tests.support.cli import REPOSITORY, run_main
from tests.support.following import restated
from tests.support.rechained import archived, body, changed, fields_of

OLD = REPOSITORY / "tests" / "vectors" / "ledger-0.1.0" / "ledger.db"
FETCH, DECISION, SNAPSHOT = 1, 2, 3  # of the first ticker
DAY_US = 86_400 * 1_000_000


class Listed:
    """A log of records that nobody checked."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def head(self) -> Head:
        """Return the size and the last link."""
        return Head(len(self._records), self._records[-1].link)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop)."""
        yield from self._records[start:stop]


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return the seven events of a ledger with two tickers of the sample."""
    folder = tmp_path_factory.mktemp("sample")
    sample_ledger.make(folder)
    assert 0 == run_main("backup", "--create", "--out", "b.db", cwd=folder, env=sample_ledger.NOW).code
    return [record.body for record in archive_log(folder / "b.db").read()][: sample_ledger.EVENTS]


@pytest.fixture
def audited(tmp_path: Path) -> Callable[..., AuditReport]:
    """Return a function that audits a log of these bodies."""

    def audit(bodies: list[bytes], **given: Any) -> AuditReport:
        return audit_log(archive_log(archived(tmp_path / "a.db", bodies)), **given)

    return audit


def judged(bodies: list[bytes], seq: int = DECISION) -> ValidationCompleted:
    """Return the decision at `seq`."""
    event = decode_event(decode_envelope(seq, bodies[seq]))
    assert isinstance(event, ValidationCompleted)
    return event


def with_answer(bodies: list[bytes], plain: bytes) -> list[bytes]:
    """Return `bodies` with other bytes as the first answer."""
    kept = msgspec.to_builtins(answer(plain), builtin_types=(bytes,))
    return changed(bodies, FETCH, data={"answer": kept})


def test_the_old_ledger_is_derived_whole() -> None:
    """By the frozen judge of its rules."""
    report = audit_log(archive_log(OLD))
    assert ("same", 12, 14) == (report.verdict, report.derived["decisions"], report.derived["answers"])


def test_a_series_is_in_the_currency_of_its_rows(audited: Callable[..., AuditReport]) -> None:
    """Of an exchange's file too, as each version recorded it: in another one all of it would have been rejected."""
    old = [record.body for record in archive_log(OLD).read()]
    events = [decode_event(decode_envelope(seq, body)) for seq, body in enumerate(old)]
    seq = next(n for n, one in enumerate(events) if isinstance(one, FetchSucceeded) and one.provider == "cotahist")
    fetch = events[seq]
    assert isinstance(fetch, FetchSucceeded)
    dollars = {**msgspec.to_builtins(fetch.identity), "currency": "USD"}
    found = audited(changed(old, seq, data={"identity": dollars})).first_difference
    assert Difference(seq, "identity currency", "USD", "BRL") == found


def test_every_number_of_processes_comes_to_one_report(
    bodies: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opens the log for itself, and their shares are joined; progress ends at the last event."""
    bars = [list(msgspec.to_builtins(bar)) for bar in judged(bodies, 5).bars]
    bars[3][4] += 10_000
    for number, events in enumerate((bodies, restated(changed(bodies, 5, data={"bars": bars})))):
        log = archive_log(archived(tmp_path / f"{number}.db", events))
        alone = audit_log(log)

        monkeypatch.setattr("projections.audit.audit.WORTH_A_SECOND_PROCESS", 1)
        for workers in (1, 2, 3):
            done: list[int] = []
            report = audit_shared(partial(nullcontext, log), len(events), workers=workers, advance=done.append)
            assert alone.verdict == report.verdict
            assert alone.first_difference == report.first_difference
            if number == 0:
                assert alone == report
            assert sum(done) <= len(events)


def test_every_stream_falls_to_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of them ask, in the order of the log; as many to each, as far as they are counted."""
    monkeypatch.setattr(projections.audit.audit, "STREAMS_COUNTED", 9)
    asked = [f"{number % 13} \ud800" for number in range(30)]
    for workers in (2, 3):
        each = [dealt(worker, workers) for worker in range(workers)]
        found = [[is_mine(stream) for is_mine in each] for stream in asked]
        assert {1} == {sum(one) for one in found}
        assert found[:13] == found[13:26]
        assert [place % workers for place in range(9)] == [one.index(True) for one in found[:9]]


@pytest.mark.parametrize("since", [0, 2, 4, 7])
def test_what_came_before_is_not_derived(bodies: list[bytes], audited: Callable[..., AuditReport], since: int) -> None:
    """But held: a decision is judged against all that was decided before it."""
    forged = changed(bodies, SNAPSHOT, data={"rows": 1})
    found = audited(forged, since=since).first_difference
    assert (None if since > SNAPSHOT else SNAPSHOT) == (found and found.seq)


def test_nothing_has_to_be_in_memory(bodies: list[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither bars nor answers nor series: they are read back when they are needed."""
    for module, kept in (
        (projections.audit.open_years, "BARS_KEPT"),
        (projections.audit.open_years, "HASHES_KEPT"),
        (projections.audit.rederivation, "TEXT_BYTES_KEPT"),
        (projections.audit.rederivation, "ANSWERS_KEPT_BYTES"),
        (ledger.audit.series_fold, "LIVE_ITEMS"),
    ):
        monkeypatch.setattr(module, kept, 0)
    for path in (archived(tmp_path / "a.db", bodies), OLD):
        log = archive_log(path)
        with ScratchMap(memory_bytes=0) as scratch:
            report = Rederivation(log, scratch).run(log.head().size)
        assert ("same", audit_log(log)) == (report.verdict, report)


def test_what_comes_out_byte_for_byte_is_not_decoded(
    bodies: list[bytes], audited: Callable[..., AuditReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision that is encoded as it is recorded is the same, and is compared no further."""
    compared: list[ValidationCompleted] = []
    monkeypatch.setattr(projections.audit.rederivation, "check_decision", lambda *pair: compared.extend(pair))
    assert ("same", []) == (audited(bodies).verdict, compared)
    assert ("same", 2) == (audited(changed(bodies, DECISION, data={"added": 1})).verdict, len(compared))


def test_rules_that_are_not_there_are_counted(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """By their version; an accepted bar is a row of its answer all the same."""
    newer = changed(changed(bodies, DECISION, data={"rules_version": 9}), 5, data={"rules_version": 9})
    reason = "rules 9, of which this version has no judge"
    report = audited(newer)
    assert ("incomplete", (NotDerived(reason, 2, DECISION),)) == (report.verdict, report.not_derived)
    bars = [list(msgspec.to_builtins(bar)) for bar in judged(bodies).bars]
    bars[7][4] += 10_000
    found = audited(restated(changed(newer, DECISION, data={"bars": bars}))).first_difference
    assert (DECISION, "bars[7]") == (found and found.seq, found and found.what)


def test_rules_never_fall_along_a_series(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """A decision of older rules after one of newer ones is none of this software's."""
    fields = fields_of(bodies[DECISION])
    again = body([7, fields_of(bodies[6])[1], bytes(15) + b"x", *fields[3:7], fields[7]])
    newer = restated([*changed(bodies, DECISION, data={"rules_version": 9}), again])
    found = audited(newer).first_difference
    assert Difference(7, "rules_version", "2", "at least 9") == found


def test_an_answer_that_nobody_can_read(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """Its bars are not derived, nor is the decision over it; a failure that is recorded in its place is."""
    forged = with_answer(bodies, b"no chart")
    reason = "an answer that the reader of sample cannot read"
    report = audited(forged)
    assert ("incomplete", (NotDerived(reason, 2, FETCH),)) == (report.verdict, report.not_derived)
    failed = IngestFailed(
        ticker="PETR4.SA", provider="sample", attempt=1, started_at=0, finished_at=1, stage="judge",
        error_kind="bad-answer", message="got a body that is no chart",
    )  # fmt: skip
    data = msgspec.msgpack.decode(msgspec.msgpack.encode(failed))
    fields = fields_of(forged[DECISION])
    refused = [*forged[:DECISION], body([*fields[:6], failed.TAG, data])]
    report = audited(changed(refused, FETCH, data={"bars": [], "actions": []}))
    assert ("same", 1) == (report.verdict, report.derived["failures"])
    readable = [*bodies[:DECISION], refused[DECISION]]
    reason = "evidence that failed as bad-answer, and can be judged by this version"
    assert reason == audited(readable).not_derived[0].reason


def test_a_provider_that_is_gone(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """What it sent is held to its hash, and its decisions are counted."""
    gone = changed(changed(bodies, FETCH, data={"provider": "stooq"}), DECISION, data={"provider": "stooq"})
    report = audited(restated(gone[:SNAPSHOT]))
    assert ("incomplete", 2) == (report.verdict, report.not_derived[0].events)
    assert report.not_derived[0].reason.startswith("provider stooq")


def test_what_nobody_foresaw_is_that_events_finding(
    bodies: list[bytes], audited: Callable[..., AuditReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are derived."""

    def breaks(*_: object) -> None:
        raise KeyError("mine")

    monkeypatch.setattr(projections.audit.open_years, "snapshot_name", breaks)
    report = audited(bodies)
    assert ("incomplete", 2, 2) == (report.verdict, report.derived["decisions"], report.not_derived[0].events)
    assert report.not_derived[0].reason.startswith("got KeyError")


def test_an_event_of_a_newer_version_ends_it(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """By its tag, unless something before it differs."""
    newer = [*bodies[:4], *changed(bodies, 4, type="price.guessed/7")[4:]]
    with pytest.raises(UnknownEventError, match=r"price\.guessed/7"):
        audited(newer)
    assert SNAPSHOT == _seq(audited(changed(newer, SNAPSHOT, data={"sha256": bytes(32)})))


def test_damage_is_a_difference(bodies: list[bytes], tmp_path: Path) -> None:
    """A link that does not follow, and data that are none."""
    path = archived(tmp_path / "a.db", changed(bodies, 4, data=None))
    log = ArchiveLog(scan(path))
    assert (4, "data") == (_seq(audit_log(log)), _what(audit_log(log)))
    records = list(archive_log(archived(tmp_path / "b.db", bodies)).read())
    records[4] = Record(records[4].seq, Link(bytes(32)), records[4].body)
    report = audit_log(Listed(records))
    assert (4, "link") == (_seq(report), _what(report))


@pytest.mark.parametrize(
    ("seq", "fields", "what"),
    [
        (FETCH, {"stream": "VALE3.SA"}, "stream"),
        (DECISION, {"stream": "VALE3.SA"}, "stream"),
        (DECISION, {"cause": None}, "cause"),
        (DECISION, {"cause": 0}, "cause"),
        (DECISION, {"data": {"threshold_percent": None}}, "threshold_percent"),
        (DECISION, {"data": {"received": 1}}, "received"),
        (DECISION, {"data": {"after": bytes(32)}}, "after"),
        (SNAPSHOT, {"data": {"position": 9}}, "position"),
        (SNAPSHOT, {"data": {"position": 1}}, "rows"),
        (SNAPSHOT, {"data": {"name": "PETR4-20260212.csv"}}, "name"),
        (SNAPSHOT, {"data": {"rows": 1}}, "rows"),
        (SNAPSHOT, {"data": {"format_version": 2}}, None),
        (FETCH, {"data": {"identity": {"symbol": "VALE3.SA"}}}, "identity symbol"),
        (FETCH, {"data": {"actions": [["2026-02-13", "dividend", 1.0]]}}, "dividend of 2026-02-13"),
    ],
)
def test_each_part_of_an_event_is_compared(
    seq: int, fields: dict[str, Any], what: str | None, bodies: list[bytes], audited: Callable[..., AuditReport]
) -> None:
    """What differs is named; a snapshot in another format is not derived."""
    report = audited(changed(bodies, seq, **fields))
    assert (what, None if what is None else seq) == (_what(report), _seq(report))
    assert ("incomplete" if what is None else "different") == report.verdict


def test_an_answer_came_when_its_clocks_say(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """By its provider's clock within a day, or no version appended it; by that of the log, or it is left out."""
    fetch = decode_event(decode_envelope(FETCH, bodies[FETCH]))
    assert isinstance(fetch, FetchSucceeded)
    source = msgspec.to_builtins(fetch.source)
    for days, what in ((1, None), (1.01, "http_date"), (-1.01, "http_date")):
        dated = source | {"http_date": fetch.finished_at + round(days * DAY_US)}
        assert what == _what(audited(changed(bodies, FETCH, data={"source": dated})))

    def at(seqs: range, time: Callable[[int], int]) -> list[bytes]:
        moved = bodies
        for seq in seqs:
            moved = changed(moved, seq, recorded_at=time(seq))
        return moved

    everything, later = range(len(bodies)), fetch.finished_at + 2 * DAY_US
    reason = NotDerived("an answer recorded more than a day from when it came", 2, FETCH)
    report = audited(at(everything, lambda seq: later + seq))
    assert ("incomplete", (reason,)) == (report.verdict, report.not_derived)
    # A clock that went back: events take the time of the one before them.
    assert "same" == audited(at(everything, lambda _: later)).verdict


def test_a_snapshot_is_of_its_position(bodies: list[bytes], audited: Callable[..., AuditReport]) -> None:
    """A decision that came in between is not in it."""
    later = judged(bodies)
    nothing = msgspec.structs.replace(later, bars=later.bars[:1])
    data = msgspec.msgpack.decode(msgspec.msgpack.encode(nothing))
    data["bars"][0][6] += 1
    fields = fields_of(bodies[DECISION])
    between = body([SNAPSHOT, *fields[1:7], data])
    moved = body([4, *fields_of(bodies[SNAPSHOT])[1:]])
    found = audited(restated([*bodies[:SNAPSHOT], between, moved]), since=4)
    assert ("same", 1) == (found.verdict, found.derived["snapshots"])


def _seq(report: AuditReport) -> int | None:
    return report.first_difference and report.first_difference.seq


def _what(report: AuditReport) -> str | None:
    return report.first_difference and report.first_difference.what
