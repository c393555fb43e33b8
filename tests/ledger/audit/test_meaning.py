"""Bytes that hold and mean nothing are no intact log, in the ledger in use as in an archive."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.audit.verify import verify_ledger
from ledger.backup.scan import scan
from ledger.backup.verify import verify_archive
from ledger.chain import GENESIS, links
from ledger.codec import decode_envelope, decode_event
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import LEDGER_STREAM, BackupFailed
from ledger.ids import append_id
from ledger.limits import OutOfRangeError
from ledger.memory_log import MemoryLog
from ledger.store.home import LedgerHome
from tests.ledger.tampering import EVENTS, edit, filled
from tests.support.archives import created
from tests.support.drafts import JOB, StepClock
from tests.support.rechained import archived, body, changed, fields_of, folder_of, rewrite, stored_bodies

Change = Callable[[list[bytes]], list[bytes]]
DAY_US = 86_400_000_000
YEAR_10000_US = 253_402_300_800_000_000


@pytest.fixture
def full(home: LedgerHome, clock: StepClock) -> LedgerHome:
    """A closed ledger of six events, the last two in one append."""
    return filled(home, clock)


def at(seq: int, **fields: Any) -> Change:
    """Return a change of these fields of the event at `seq`."""
    return lambda bodies: changed(bodies, seq, **fields)


def earlier(bodies: list[bytes]) -> list[bytes]:
    """Record event 3 three hundred days before the one in front of it."""
    return changed(bodies, 3, recorded_at=fields_of(bodies[2])[1] - 300 * DAY_US)


def no_event(bodies: list[bytes]) -> list[bytes]:
    """Put a body at 3 that says its seq, and then nothing."""
    return [*bodies[:3], b"\x98\x03nonsense", *bodies[4:]]


def claims(**data: Any) -> Change:
    """Return a change that makes event 3 record a backup that never was."""
    event = {"name": "a.db", "size": 2, "link": bytes(32), "archive_bytes": 1, "sha256": bytes(32)}
    event |= {"types": [], "tickers": []} | data

    def change(bodies: list[bytes]) -> list[bytes]:
        fields = fields_of(bodies[3])
        return [*bodies[:3], body([*fields[:6], "backup.created/1", event]), *bodies[4:]]

    return change


def signs(**data: Any) -> Change:
    """Return a change that makes event 3 record a checkpoint of two events that are not these."""
    event = {"origin": "x", "size": 2, "link": bytes(32), "root": bytes(32), "key_id": bytes(4), "note": ""} | data

    def change(bodies: list[bytes]) -> list[bytes]:
        fields = fields_of(bodies[3])
        return [*bodies[:3], body([*fields[:6], "checkpoint.signed/1", event]), *bodies[4:]]

    return change


BAD: dict[str, tuple[Change, str, str]] = {
    "undecodable": (no_event, "tampered", "envelope"),
    "an append id of one byte": (at(3, append_id=b"x"), "tampered", "envelope"),
    "a job id of fifteen": (at(3, job_id=bytes(15)), "tampered", "envelope"),
    "time goes back": (earlier, "tampered", "recorded_at"),
    "a time past year 9999": (at(3, recorded_at=YEAR_10000_US), "tampered", "envelope"),
    "a time before year 1": (at(3, recorded_at=-(2**62)), "tampered", "envelope"),
    "a cause of -1": (at(3, cause=-1), "tampered", "envelope"),
    "a cause that is the event": (at(3, cause=3), "tampered", "cause"),
    "a cause ahead": (at(3, cause=5), "tampered", "cause"),
    "a count that overflows": (claims(size=2**63), "tampered", "data"),
    "a count of -1": (at(3, data={"latency_ms": -1}), "tampered", "data"),
    "a time inside past year 9999": (at(3, data={"finished_at": YEAR_10000_US}), "tampered", "data"),
    "an extension type": (at(3, data=msgspec.msgpack.Ext(1, b"x")), "tampered", "data"),
    "no data": (at(3, data=None), "tampered", "data"),
    "a field too many": (at(3, data={"more": 1}), "tampered", "data"),
    "a type that is none": (at(3, type="\x00"), "tampered", "type"),
    "another creation": (at(3, type="ledger.created/1"), "tampered", "type"),
    "a first event that is none": (at(0, type="connection.tested/1"), "tampered", "first event"),
    "a short hash": (claims(link=bytes(31)), "tampered", "data"),
    "a recorded head of another log": (claims(), "forked", "recorded head"),
    "a recorded head that was never reached": (claims(size=4), "forked", "recorded head"),
    "a checkpoint of another log": (signs(), "forked", "recorded head"),
    "a checkpoint ahead": (signs(size=4), "forked", "recorded head"),
    "a checkpoint of -1 events": (signs(size=-1), "tampered", "data"),
    "a short root": (signs(root=bytes(31)), "tampered", "data"),
}


@pytest.mark.damages("an event means what none can, all else is chained to it")
@pytest.mark.parametrize(("change", "verdict", "kind"), BAD.values(), ids=BAD)
def test_what_no_version_wrote_is_named(
    change: Change, verdict: str, kind: str, full: LedgerHome, tmp_path: Path
) -> None:
    """By its seq, with the events before it as the good ones; the archive of the same log says the same."""
    folder = folder_of(full)
    bodies = change(stored_bodies(folder))
    seq = 0 if kind == "first event" else 3
    rewrite(folder, bodies)
    good = seq - 1 if seq else None
    for report in (verify_ledger(full), verify_archive(archived(tmp_path / "a.db", bodies))):
        bad = report.first_bad
        assert bad is not None
        assert (verdict, seq, kind, good) == (report.verdict, bad.seq, bad.kind, report.last_good_seq)


@pytest.mark.parametrize("name", ["a\x00b.db", "line\nfeed", "c1\x9b", "x" * 256, "é" * 128])
def test_a_name_that_an_older_version_took_is_a_remark(name: str, full: LedgerHome, tmp_path: Path) -> None:
    """The log stays intact, and each such place is named."""
    folder = folder_of(full)
    link = links(GENESIS, stored_bodies(folder)[:2])[-1]
    bodies = claims(name=name, link=link)(stored_bodies(folder))
    rewrite(folder, bodies)
    for report in (verify_ledger(full), verify_archive(archived(tmp_path / "a.db", bodies))):
        assert ("intact", 1) == (report.verdict, report.found.remark_count)
        assert (3, "name") == (report.found.remarks[0].seq, report.found.remarks[0].kind)


@pytest.mark.parametrize("name", ["a\x00b.db", "x" * 256])
def test_a_new_event_is_held_to_its_limits(name: str) -> None:
    """Nothing is appended."""
    log = MemoryLog(now=StepClock())
    log.append([created()], append_id=append_id("ledger.created"))
    event = BackupFailed(name=name, stage="write", error_kind="internal", message="line\nfeed")
    draft = msgspec.structs.replace(created(), job_id=JOB, stream=LEDGER_STREAM, event=event)
    with pytest.raises(OutOfRangeError):
        log.append([draft], append_id=append_id("x"))
    assert 1 == log.head().size


def test_what_verification_names_no_reader_takes(full: LedgerHome) -> None:
    """An event out of range is damage to whoever decodes it, and never a value to stumble on."""
    bodies = stored_bodies(folder_of(full))
    for change, _, kind in BAD.values():
        if kind in {"envelope", "data"}:
            with pytest.raises(DamagedError):
                decode_event(decode_envelope(3, change(bodies)[3]))


@pytest.mark.damages("an event's type is a later version's")
def test_an_event_of_a_newer_version_is_not_ours_to_judge(full: LedgerHome, tmp_path: Path) -> None:
    """Neither intact nor damaged: the version that wrote it can tell."""
    folder = folder_of(full)
    bodies = changed(stored_bodies(folder), 3, type="price.guessed/7")
    rewrite(folder, bodies)
    with pytest.raises(UnknownEventError, match=r"price\.guessed/7"):
        verify_ledger(full)
    with pytest.raises(UnknownEventError, match=r"price\.guessed/7"):
        verify_archive(archived(tmp_path / "a.db", bodies))


@pytest.mark.damages("a key among the events is none of ours")
def test_a_foreign_key_in_the_database_is_named(full: LedgerHome) -> None:
    """Beside the databases it is a remark; among the events it is an event that is not ours."""
    edit(full, lambda txn, _: txn.put(b"someone", b"else"))
    report = verify_ledger(full)
    assert ("intact", "key 736f6d656f6e65") == (report.verdict, report.found.remarks[0].found)
    edit(full, lambda txn, db: txn.put(b"\x00", b"x" * 40, db=db))
    report = verify_ledger(full)
    assert ("tampered", "unexpected event") == (report.verdict, report.first_bad and report.first_bad.kind)


@pytest.mark.damages("an event is earlier than the one before it")
def test_time_goes_back_between_two_processes(
    full: LedgerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each half of a log is read by a process of its own: the event before a half is looked at too."""
    monkeypatch.setattr("ledger.audit.rehash.WORTH_A_SECOND_PROCESS", 2)
    monkeypatch.setattr("ledger.backup.scan.WORTH_MORE_PROCESSES_BYTES", 1)
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", 200, raising=False)
    folder = folder_of(full)
    bodies = earlier(stored_bodies(folder))
    rewrite(folder, bodies)
    for report in (verify_ledger(full), verify_archive(archived(tmp_path / "a.db", bodies))):
        assert ("tampered", 3) == (report.verdict, report.first_bad and report.first_bad.seq)


def test_a_scan_reads_only_where_asked(full: LedgerHome, tmp_path: Path) -> None:
    """A command that is given an archive pays for the chain, and decodes what it needs by itself."""
    bodies = changed(stored_bodies(folder_of(full)), 3, data=None)
    path = archived(tmp_path / "a.db", bodies)
    assert (None, EVENTS) == (scan(path).flaw, scan(path).head.size)
    assert 3 == scan(path, meaning=True).head.size


@pytest.mark.damages("one event means nothing, a later one is no event at all")
def test_what_comes_before_an_event_that_is_none_is_named(full: LedgerHome, tmp_path: Path) -> None:
    """Though both are read together."""
    bodies = no_event(changed(stored_bodies(folder_of(full)), 2, cause=2))
    rewrite(folder_of(full), bodies)
    for report in (verify_ledger(full), verify_archive(archived(tmp_path / "a.db", bodies))):
        assert (2, "cause") == (report.first_bad and report.first_bad.seq, report.first_bad and report.first_bad.kind)
