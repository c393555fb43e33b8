"""A scan finds the same alone as with the work shared out, and says what a reader frame by frame would."""

import errno
import os
import signal
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.audit.counts import Counts
from ledger.audit.flaw import Flaw
from ledger.backup.frames import HEADER, START, Mark
from ledger.backup.scan import Scan, scan
from ledger.chain import GENESIS, Head, Link, Record, Seq, link
from ledger.codec import BODY_LIMIT_BYTES
from ledger.errors import UnreadableError
from ledger.events import LedgerCreated
from ledger.values import EventCount
from tests.support.archives import archive, put, small_log
from tests.support.drafts import JOB

EVENTS = 12
LOG = list(small_log(EVENTS).read())
WHOLE = archive(LOG)
COUNTS = Counts(
    types=(EventCount("connection.tested/1", EVENTS - 1), EventCount("ledger.created/1", 1)),
    providers=(EventCount("yfinance", EVENTS - 1),),
    streams=(EventCount("ledger", EVENTS),),
)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small, a file is read a few frames at a time, and by more than one process."""
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", 500)
    monkeypatch.setattr("ledger.backup.scan.WORTH_MORE_PROCESSES_BYTES", 0)


def test_a_whole_archive_is_scanned(tmp_path: Path) -> None:
    """Everything that is known of it, and nothing is counted unasked."""
    path = put(tmp_path / "a.db", WHOLE)
    want = Scan(
        path=path,
        head=Head(EVENTS, LOG[-1].link),
        created=LedgerCreated(ledger_id=JOB, kind="real", software="b3-ledger test"),
        marks=(Mark(0, len(HEADER), GENESIS),),
        counts=None,
        body_bytes=sum(len(record.body) for record in LOG),
        good_bytes=len(WHOLE),
        archive_bytes=len(WHOLE),
        sha256=sha256(WHOLE).digest(),
        flaw=None,
    )
    assert want == scan(path)
    assert replace(want, counts=COUNTS) == scan(path, counted=True)


@pytest.mark.usefixtures("shared")
def test_a_large_archive_is_scanned_alike(tmp_path: Path) -> None:
    """In three processes at once: the same, with a mark where each of its buffers began."""
    path = put(tmp_path / "a.db", WHOLE)
    found = scan(path, counted=True)
    ends = [len(archive(LOG[:size])) for size in range(EVENTS + 1)]
    want = Scan(
        path=path,
        head=Head(EVENTS, LOG[-1].link),
        created=LedgerCreated(ledger_id=JOB, kind="real", software="b3-ledger test"),
        marks=found.marks,
        counts=COUNTS,
        body_bytes=sum(len(record.body) for record in LOG),
        good_bytes=len(WHOLE),
        archive_bytes=len(WHOLE),
        sha256=sha256(WHOLE).digest(),
        flaw=None,
    )
    assert want == found
    assert 3 < len(found.marks)
    for mark in found.marks:
        assert Mark(mark.seq, ends[mark.seq], LOG[mark.seq - 1].link if mark.seq else GENESIS) == mark
    assert sorted(found.marks, key=lambda mark: mark.seq) == list(found.marks)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("size", [0, 3])
def test_lengths_that_cannot_be_true_do_not_part_the_work(size: int, tmp_path: Path) -> None:
    """Whoever walks from the start finds the flaw; the hash is of the whole file all the same."""
    at = len(archive(LOG[:size]))
    content = WHOLE[:at] + b"\xff" + WHOLE[at + 1 :]
    body_bytes = 0xFF000000 + len(LOG[size].body)
    found = scan(put(tmp_path / "a.db", content), counted=True)
    assert Flaw(size, "body length", f"at most {BODY_LIMIT_BYTES}", str(body_bytes)) == found.flaw
    assert (size, at, sha256(content).digest()) == (found.head.size, found.good_bytes, found.sha256)


@pytest.mark.usefixtures("shared")
def test_a_flaw_of_the_second_half_is_named_by_its_seq(tmp_path: Path) -> None:
    """Whoever found it began in the middle."""
    last = EVENTS - 1
    frame_bytes = 36 + len(LOG[last].body)
    flaw = Flaw(last, "cut frame", f"{frame_bytes} bytes", f"{frame_bytes - 1} bytes, then the end")
    found = scan(put(tmp_path / "a.db", WHOLE[:-1]))
    assert (flaw, last, len(archive(LOG[:last]))) == (found.flaw, found.head.size, found.good_bytes)
    body = LOG[last].body[:-1] + b"!"
    flaw = Flaw(last, "link", link(LOG[last - 1].link, body).hex(), LOG[last].link.hex())
    assert flaw == scan(put(tmp_path / "a.db", WHOLE[:-1] + b"!")).flaw


def _damaged() -> list[bytes]:
    flipped = [WHOLE[:at] + bytes([WHOLE[at] ^ 0x81]) + WHOLE[at + 1 :] for at in range(len(HEADER), len(WHOLE), 31)]
    return [*flipped, *(WHOLE[:length] for length in range(len(HEADER), len(WHOLE), 47)), WHOLE + WHOLE[len(HEADER) :]]


def test_damage_is_found_alike_by_one_process_and_by_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever half it lies in: flaw, head, bytes and hash are the same."""
    path = tmp_path / "a.db"
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", 500)
    for content in _damaged():
        put(path, content)
        monkeypatch.setattr("ledger.backup.scan.WORTH_MORE_PROCESSES_BYTES", len(content) + 1)
        alone = scan(path, counted=True)
        monkeypatch.setattr("ledger.backup.scan.WORTH_MORE_PROCESSES_BYTES", len(content))
        assert alone == replace(scan(path, counted=True), marks=alone.marks)


def test_progress_comes_to_the_number_of_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone to the letter; where half of it goes on elsewhere, twice the first half."""
    path, told = put(tmp_path / "a.db", WHOLE), list[int]()
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", 500)
    scan(path, advance=told.append)
    assert EVENTS == sum(told)
    monkeypatch.setattr("ledger.backup.scan.WORTH_MORE_PROCESSES_BYTES", 0)
    told.clear()
    scan(path, advance=told.append)
    half = sum(told) // 2
    assert len(archive(LOG[: half - 3])) < len(WHOLE) // 2 <= len(archive(LOG[:half]))


@pytest.mark.usefixtures("shared")
def test_a_body_that_is_no_event_is_a_flaw_where_events_are_counted(tmp_path: Path) -> None:
    """The chain holds around it: an archive that is only verified may hold it."""
    body = b"\x98\x01nonsense"
    path = put(tmp_path / "a.db", archive([LOG[0], Record(Seq(1), Link(link(LOG[0].link, body)), body)]))
    assert (None, 2) == (scan(path).flaw, scan(path).head.size)
    flaw = scan(path, counted=True).flaw
    assert (1, "envelope", "a msgpack array of 8") == (flaw and (flaw.seq, flaw.kind, flaw.expected))


@pytest.mark.usefixtures("shared")
def test_a_first_half_that_does_not_lead_to_the_second_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was changed between two looks at it."""
    path = put(tmp_path / "a.db", WHOLE)
    for seq in (5, EVENTS):
        half = Mark(seq, len(archive(LOG[:seq])), LOG[seq - 2].link)
        monkeypatch.setattr("ledger.backup.scan._halfway", lambda _, half=half: half)
        with pytest.raises(UnreadableError) as refusal:
            scan(path)
        assert f"got 'a file that changes' on reading {path}, want a readable file" == str(refusal.value)


def _die(_path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.usefixtures("shared")
def test_a_process_that_dies_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive was not read to its end, so there is no verdict on it."""
    path = put(tmp_path / "a.db", WHOLE)
    monkeypatch.setattr("ledger.backup.scan.hash_file", _die)
    with pytest.raises(UnreadableError) as refusal:
        scan(path)
    assert f"got 'death by SIGSEGV' on reading {path}, want a readable file" == str(refusal.value)


def _read_unmapped(_path: Path) -> None:
    os.pread(os.open("/proc/self/mem", os.O_RDONLY), 1, 0)


@pytest.mark.usefixtures("shared")
def test_a_disk_that_fails_under_one_of_the_processes_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the system's words, as where one process does it all."""
    path = put(tmp_path / "a.db", WHOLE)
    monkeypatch.setattr("ledger.backup.scan.hash_file", _read_unmapped)
    with pytest.raises(UnreadableError) as refusal:
        scan(path)
    assert f"got 'Input/output error' on reading {path}, want a readable file" == str(refusal.value)


def test_a_file_that_cannot_be_read_on_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is no damage of the archive."""
    path = put(tmp_path / "a.db", WHOLE)

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("ledger.backup.scan.hash_file", fail)
    with pytest.raises(UnreadableError) as refusal:
        scan(path)
    assert f"got 'Input/output error' on reading {path}, want a readable file" == str(refusal.value)


def test_an_archive_begins_behind_its_header() -> None:
    """Before any event the link is that of none."""
    assert Mark(0, 20, GENESIS) == START
