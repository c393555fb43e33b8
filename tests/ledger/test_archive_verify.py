"""Verification of an archive gives the verdict of docs/format.md, with and without witnesses."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.archive_verify import verify_archive
from ledger.chain import Head, Link
from ledger.errors import NewerFormatError, NoArchiveError
from ledger.events import BackupCreated
from ledger.verify import VerifyReport, Witness
from ledger.walker import Flaw
from tests.support.archives import HEADER, archive, put, small_log

EVENTS = 5
LOG = list(small_log(EVENTS).read())
WHOLE = archive(LOG)
SHORTER = archive(LOG[:3])


def brief(report: VerifyReport) -> tuple[str, int, int | None]:
    """Return the verdict, the events that hold, and the first bad seq."""
    return report.verdict, report.events, report.first_bad and report.first_bad.seq


def recorded(size: int = EVENTS, content: bytes = WHOLE, link: bytes | None = None) -> BackupCreated:
    """Return the event that tells of a backup of `size` events with the bytes `content`."""
    from hashlib import sha256

    return BackupCreated(
        name="a.db",
        size=size,
        link=LOG[size - 1].link if link is None else link,
        archive_bytes=len(content),
        sha256=sha256(content).digest(),
        types=(),
        tickers=(),
    )


def test_a_whole_archive_is_intact(tmp_path: Path) -> None:
    """The report says what the ledger's own would."""
    report = verify_archive(put(tmp_path / "a.db", WHOLE, checksum=True), recorded=recorded())
    want = VerifyReport(
        verdict="intact",
        events=EVENTS,
        head_seq=EVENTS - 1,
        head=LOG[-1].link,
        first_bad=None,
        last_good_seq=EVENTS - 1,
        body_bytes=sum(len(record.body) for record in LOG),
        witnesses=("checksum", "backup.created"),
        seconds=report.seconds,
    )
    assert want == report


def test_without_a_witness_that_is_said(tmp_path: Path) -> None:
    """Intact, and nothing outside to hold it against."""
    report = verify_archive(put(tmp_path / "a.db", WHOLE))
    assert ("intact", ()) == (report.verdict, report.witnesses)


@pytest.mark.parametrize("at", [len(HEADER) + 10, len(HEADER) + 60, len(WHOLE) - 1])
def test_a_changed_byte_is_tampered(at: int, tmp_path: Path) -> None:
    """The first bad seq, and the last good one before it."""
    changed = WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :]
    report = verify_archive(put(tmp_path / "a.db", changed))
    seq = EVENTS - 1 if at == len(WHOLE) - 1 else 0
    assert ("tampered", seq, seq) == brief(report)
    assert (seq - 1 if seq else None) == report.last_good_seq


def test_a_cut_inside_a_frame_is_truncated(tmp_path: Path) -> None:
    """Whatever a witness says."""
    assert ("truncated", 4, 4) == brief(verify_archive(put(tmp_path / "a.db", WHOLE[:-1])))


def test_a_header_alone_is_truncated(tmp_path: Path) -> None:
    """Event 0 is always there."""
    report = verify_archive(put(tmp_path / "a.db", HEADER))
    assert ("truncated", Flaw(0, "missing event", "ledger.created/1", "the end")) == (report.verdict, report.first_bad)


def test_a_cut_between_frames_is_truncated_by_its_checksum(tmp_path: Path) -> None:
    """And without one it is an intact, shorter log."""
    path = put(tmp_path / "a.db", WHOLE, checksum=True)
    put(path, SHORTER)
    assert ("truncated", 3, 3) == brief(verify_archive(path))
    assert ("intact", 3, None) == brief(verify_archive(put(tmp_path / "b.db", SHORTER)))


def test_a_cut_between_frames_is_truncated_by_the_event(tmp_path: Path) -> None:
    """The live log remembers how many events there were."""
    report = verify_archive(put(tmp_path / "a.db", SHORTER), recorded=recorded())
    assert ("truncated", 3, 3) == brief(report)


def test_another_log_under_the_name_is_forked(tmp_path: Path) -> None:
    """Whole in itself, with another event where the head was."""
    report = verify_archive(put(tmp_path / "a.db", WHOLE), recorded=recorded(link=bytes(32)))
    assert ("forked", EVENTS, EVENTS - 1) == brief(report)


def test_a_saved_head_inside_an_archive_agrees(tmp_path: Path) -> None:
    """A witness may remember any head that the archive passed through; the empty one too."""
    path = put(tmp_path / "a.db", WHOLE)
    heads = [Witness("saved head", Head(size, LOG[size - 1].link)) for size in (1, 3, EVENTS)]
    assert ("saved head",) * 3 == verify_archive(path, witnesses=heads).witnesses
    ahead = Witness("saved head", Head(EVENTS + 1, Link(bytes(32))))
    assert "truncated" == verify_archive(path, witnesses=[ahead]).verdict


def test_a_changed_checksum_beside_recorded_bytes_is_tampered(tmp_path: Path) -> None:
    """The event knows the file's hash: what lies is the `.checksum`."""
    path = put(tmp_path / "a.db", WHOLE)
    (tmp_path / "a.db.checksum").write_text("0" * 64, "utf-8")
    assert ("tampered", EVENTS, None) == brief(verify_archive(path, recorded=recorded()))


def test_a_checksum_file_that_is_none_is_unreadable(tmp_path: Path) -> None:
    """A damaged witness is not an absent one."""
    path = put(tmp_path / "a.db", WHOLE)
    (tmp_path / "a.db.checksum").write_text("no hash", "utf-8")
    assert ("unreadable", EVENTS, None) == brief(verify_archive(path))


@pytest.mark.parametrize("content", [b"", HEADER[:-1], b"x" + WHOLE[1:], b"foreign"])
def test_what_is_no_archive_is_unreadable(content: bytes, tmp_path: Path) -> None:
    """A verdict, so that a damaged first byte is told like any other damage."""
    report = verify_archive(put(tmp_path / "a.db", content))
    assert ("unreadable", 0, None, "header") == (*brief(report), report.first_bad and report.first_bad.kind)


def test_no_file_and_a_later_version_are_no_verdict(tmp_path: Path) -> None:
    """Nothing to judge, or not ours to judge."""
    with pytest.raises(NoArchiveError):
        verify_archive(tmp_path / "none.db")
    with pytest.raises(NewerFormatError):
        verify_archive(put(tmp_path / "a.db", b"b3-ledger archive 2\n"))


def test_another_first_event_is_tampered(tmp_path: Path) -> None:
    """A log that does not begin with its creation is none of ours, however well it is chained."""
    from ledger.memory_log import MemoryLog
    from tests.support.drafts import StepClock, connection_tested

    log = MemoryLog(now=StepClock())
    log.append([connection_tested(1)], append_id=bytes(16))
    report = verify_archive(put(tmp_path / "a.db", archive(log.read())))
    want = Flaw(0, "first event", "ledger.created/1", "connection.tested/1")
    assert ("tampered", want) == (report.verdict, report.first_bad)
    assert replace(report, seconds=0.0).events == 0
