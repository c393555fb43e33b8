"""An archive read as a log is the log that it was made from."""

import errno
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.frames import BUFFER_BYTES
from ledger.chain import Head, Record, Seq, link
from ledger.errors import ArchiveDamagedError, ChecksumDamagedError, NoArchiveError, UnreadableError
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.archives import archive, put, small_log
from tests.support.drafts import StepClock, connection_tested
from tests.support.oracle import check_log

EVENTS = 9
Source = MemoryLog | EventLog


@pytest.fixture(params=["memory", "lmdb"])
def source(request: pytest.FixtureRequest, tmp_path: Path, clock: StepClock) -> Iterator[Source]:
    """One of the two logs that can be written to, with some events in it."""
    if request.param == "memory":
        yield small_log(EVENTS)
        return
    home = LedgerHome(tmp_path / "dados")
    create_ledger(home, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    with EventLog(home, now=clock) as log:
        log.append([connection_tested(number) for number in range(EVENTS - 1)], append_id=append_id("n"))
        yield log


@pytest.fixture
def copy(source: Source, tmp_path: Path) -> Iterator[ArchiveLog]:
    """The archive of `source`, read as a log; the oracle runs over it at the end."""
    copy = archive_log(put(tmp_path / "copy.db", archive(source.read()), checksum=True))
    yield copy
    check_log(copy)


def test_head_and_links_are_the_logs(source: Source, copy: ArchiveLog) -> None:
    """Size, last link, and the link of every event."""
    assert source.head() == copy.head()
    assert [record.link for record in source.read()] == [copy.link_at(seq) for seq in range(EVENTS)]
    assert None is copy.link_at(EVENTS)


@pytest.mark.parametrize("start", range(EVENTS + 2))
def test_every_range_gives_the_logs_records(source: Source, copy: ArchiveLog, start: int) -> None:
    """`[start, stop)`, clipped to the size, empty where it is empty."""
    for stop in (None, *range(EVENTS + 3)):
        assert list(source.read(start, stop)) == list(copy.read(start, stop))


def test_reading_does_not_begin_at_the_start(tmp_path: Path) -> None:
    """Around each mark, records are those of the log; between marks lies a buffer of frames and no more."""
    log = small_log(1)
    log.append([connection_tested(number, note="x" * 1000) for number in range(600)], append_id=append_id("n"))
    whole = archive(log.read())
    copy = archive_log(put(tmp_path / "copy.db", whole))
    marks = copy.scan.marks
    ends = [*(mark.offset_bytes for mark in marks[1:]), len(whole)]
    assert 3 == len(marks)
    assert all(end - mark.offset_bytes <= BUFFER_BYTES for mark, end in zip(marks, ends, strict=True))
    for mark in marks:
        assert len(archive(log.read(0, mark.seq))) == mark.offset_bytes
        for seq in range(max(mark.seq - 2, 0), mark.seq + 2):
            assert list(log.read(seq, seq + 2)) == list(copy.read(seq, seq + 2))
    assert list(log.read(600)) == list(copy.read(600))


def test_values_are_what_a_ledger_stores(source: Source, copy: ArchiveLog) -> None:
    """Link and body joined, of every event."""
    assert [record.link + record.body for record in source.read()] == [v for values in copy.values() for v in values]


def test_two_readers_do_not_meet(copy: ArchiveLog) -> None:
    """Each read has a file of its own."""
    assert [(0, 3), (1, 4)] == [(a.seq, b.seq) for a, b in zip(copy.read(0, 2), copy.read(3), strict=False)]


def test_nothing_of_a_damaged_archive_is_shown(tmp_path: Path) -> None:
    """One byte changed anywhere, and it does not open; the error names file, seq and both links."""
    records = list(small_log(4).read())
    body = records[3].body[:-1] + b"!"
    path = put(tmp_path / "bad.db", archive([*records[:3], Record(Seq(3), records[3].link, body)]))
    with pytest.raises(ArchiveDamagedError) as damage:
        archive_log(path)
    want = link(records[2].link, body).hex()
    assert f"got link at seq 3: {records[3].link.hex()} (in {path}), want {want}" == str(damage.value)
    assert (path, 3, "link") == (damage.value.path, damage.value.seq, damage.value.kind)
    put(path, archive([Record(Seq(0), records[0].link, body)]))
    with pytest.raises(ArchiveDamagedError, match="got link at seq 0"):
        archive_log(path)


def test_a_checksum_of_other_bytes_is_damage(tmp_path: Path) -> None:
    """A cut between two frames leaves a whole archive: the checksum shows it."""
    path = put(tmp_path / "copy.db", archive(small_log(4).read()), checksum=True)
    put(path, archive(small_log(3).read()))
    with pytest.raises(ArchiveDamagedError) as damage:
        archive_log(path)
    want, found = (sha256(archive(small_log(size).read())).hexdigest() for size in (4, 3))
    assert f"got checksum at seq 3: sha256 {found} (in {path}), want sha256 {want}" == str(damage.value)
    assert (path, 3, "checksum") == (damage.value.path, damage.value.seq, damage.value.kind)


def test_a_checksum_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """It is not taken for an absent one."""
    path = put(tmp_path / "copy.db", archive(small_log(2).read()))
    (tmp_path / "copy.db.checksum").write_bytes(b"")
    with pytest.raises(ChecksumDamagedError):
        archive_log(path)


def test_a_file_changed_after_it_was_opened_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut or rewritten behind the reader's back: an error where the change begins, never other events."""
    log = small_log(4)
    path = put(tmp_path / "copy.db", archive(log.read()))
    copy = archive_log(path)
    put(path, archive(log.read(0, 3)))
    for reading in (copy.read(), copy.values()):
        with pytest.raises(ArchiveDamagedError) as damage:
            list(reading)
        assert f"got missing event at seq 3: the end (in {path}), want seq 3" == str(damage.value)
        assert path == damage.value.path
    put(path, archive(small_log(9).read()))
    assert list(log.read()) == list(copy.read())
    stored = [record.link + record.body for record in log.read()]
    for buffer_bytes in (1, 200, 400, 550, 100_000):
        monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", buffer_bytes)
        assert stored == [value for values in copy.values() for value in values], buffer_bytes
    put(path, archive(small_log(4, kind="sample").read()))
    assert Head(4, list(log.read())[3].link) == copy.head()
    put(path, archive(log.read())[:-1])
    for reading in (copy.read(3), copy.values()):
        with pytest.raises(ArchiveDamagedError) as damage:
            list(reading)
        assert (3, "cut frame") == (damage.value.seq, damage.value.kind)
    with pytest.raises(ArchiveDamagedError):
        copy.link_at(3)


def test_a_file_that_is_gone_or_fails_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is read, by either way of reading."""
    path = put(tmp_path / "copy.db", archive(small_log(4).read()))
    copy = archive_log(path)

    def fail(*_: object, **__: object) -> Iterator[object]:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.backup.archive_log.records", fail)
        patch.setattr("ledger.backup.archive_log.runs", fail)
        for reading in (copy.read(), copy.values()):
            with pytest.raises(UnreadableError) as refusal:
                list(reading)
            assert f"got 'Input/output error' on reading {path}, want a readable file" == str(refusal.value)
    path.unlink()
    with pytest.raises(NoArchiveError):
        list(copy.read())
    assert ([], []) == (list(copy.read(2, 2)), list(copy.read(4))), "nothing is read for nothing"


def test_an_archive_says_whose_it_is(tmp_path: Path) -> None:
    """Event 0 names the ledger and its kind."""
    path = put(tmp_path / "copy.db", archive(small_log(1, kind="sample", ledger_id=bytes(16)).read()))
    created = archive_log(path).created
    assert ("sample", bytes(16)) == (created.kind, created.ledger_id)
