"""Verification of an archive gives the verdict of docs/format.md, with and without witnesses."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EventsRead
from ledger.audit.verify import VerifyReport, VerifyVerdict
from ledger.backup.scan import scan
from ledger.backup.verify import judge, unreadable, verify_archive
from ledger.chain import EMPTY_HEAD, Head, Link
from ledger.errors import NewerFormatError, NoArchiveError, NotAnArchiveError
from ledger.events import BackupCreated
from ledger.log_source import Witness
from ledger.memory_log import MemoryLog
from tests.support.archives import HEADER, archive, put, small_log
from tests.support.drafts import StepClock, connection_tested

EVENTS = 5
LOG = list(small_log(EVENTS).read())
WHOLE = archive(LOG)
SHORTER = archive(LOG[:3])


def report(
    verdict: VerifyVerdict,
    events: int,
    flaw: Flaw | None = None,
    *,
    witnesses: tuple[str, ...] = (),
    against: Witness | None = None,
) -> VerifyReport:
    """Return the report on an archive of which the first `events` events of the log hold; it took no time."""
    held = LOG[:events]
    last = events - 1 if events else None
    return VerifyReport(
        verdict=verdict,
        events=events,
        head_seq=last,
        head=held[-1].link if held else None,
        first_bad=flaw,
        last_good_seq=last,
        body_bytes=sum(len(record.body) for record in held),
        witnesses=witnesses,
        seconds=0.0,
        against=against,
    )


def found(path: Path, **options: Any) -> VerifyReport:
    """Return what verification finds in the archive at `path`, however long it takes and whatever it read."""
    return replace(verify_archive(path, **options), seconds=0.0, found=EventsRead())


def recorded(size: int = EVENTS, content: bytes = WHOLE, link: bytes | None = None) -> BackupCreated:
    """Return the event that tells of a backup of `size` events with the bytes `content`."""
    return BackupCreated(
        name="a.db",
        size=size,
        link=LOG[size - 1].link if link is None else link,
        archive_bytes=len(content),
        sha256=sha256(content).digest(),
        types=(),
        providers=(),
        streams=0,
        streams_hash=bytes(32),
    )


def test_a_whole_archive_is_intact(tmp_path: Path) -> None:
    """The report says what the ledger's own would."""
    path = put(tmp_path / "a.db", WHOLE, checksum=True)
    want = report("intact", EVENTS, witnesses=("checksum", "backup.created"))
    assert want == found(path, recorded=recorded())
    assert want == judge(scan(path), recorded=recorded())


def test_it_says_how_long_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the microsecond."""
    path = put(tmp_path / "a.db", WHOLE)
    instants = iter([10.0, 12.3456789])
    with monkeypatch.context() as patch:
        patch.setattr("time.perf_counter", lambda: next(instants))
        took_s = verify_archive(path).seconds
    assert 2.345679 == took_s


def test_without_a_witness_that_is_said(tmp_path: Path) -> None:
    """Intact, and nothing outside to hold it against."""
    assert report("intact", EVENTS) == found(put(tmp_path / "a.db", WHOLE))


@pytest.mark.parametrize(
    ("at", "kind"),
    [(len(HEADER), "body length"), (len(HEADER) + 10, "link"), (len(HEADER) + 60, "link"), (len(WHOLE) - 1, "link")],
)
def test_a_changed_byte_is_tampered(at: int, kind: str, tmp_path: Path) -> None:
    """The first bad seq, and the last good one before it."""
    changed = WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :]
    told = found(put(tmp_path / "a.db", changed))
    seq = EVENTS - 1 if at == len(WHOLE) - 1 else 0
    assert told.first_bad is not None
    assert (seq, kind) == (told.first_bad.seq, told.first_bad.kind)
    assert report("tampered", seq, told.first_bad) == told


def test_a_cut_inside_a_frame_is_truncated(tmp_path: Path) -> None:
    """Whatever a witness says."""
    frame_bytes = 36 + len(LOG[4].body)
    flaw = Flaw(4, "cut frame", f"{frame_bytes} bytes", f"{frame_bytes - 1} bytes, then the end")
    assert report("truncated", 4, flaw) == found(put(tmp_path / "a.db", WHOLE[:-1]), recorded=recorded())


def test_a_header_alone_is_truncated(tmp_path: Path) -> None:
    """Event 0 is always there."""
    flaw = Flaw(0, "missing event", "ledger.created/1", "the end")
    assert report("truncated", 0, flaw) == found(put(tmp_path / "a.db", HEADER))


def test_a_cut_between_frames_is_truncated_by_its_checksum(tmp_path: Path) -> None:
    """And without one it is an intact, shorter log."""
    path = put(tmp_path / "a.db", WHOLE, checksum=True)
    put(path, SHORTER)
    expected, actual = (sha256(content).hexdigest() for content in (WHOLE, SHORTER))
    flaw = Flaw(3, "checksum", f"sha256 {expected}", f"sha256 {actual}")
    assert report("truncated", 3, flaw) == found(path)
    assert report("intact", 3) == found(put(tmp_path / "b.db", SHORTER))


def test_a_cut_between_frames_is_truncated_by_the_event(tmp_path: Path) -> None:
    """The live log remembers how many events there were."""
    flaw = Flaw(3, "missing event", f"seq {EVENTS - 1}, which the event backup.created remembers", "the end")
    against = Witness("backup.created", Head(EVENTS, LOG[-1].link))
    assert report("truncated", 3, flaw, against=against) == found(put(tmp_path / "a.db", SHORTER), recorded=recorded())


def test_another_log_under_the_name_is_forked(tmp_path: Path) -> None:
    """Whole in itself, with another event where the head was."""
    flaw = Flaw(EVENTS - 1, "link", f"{'00' * 32}, which the event backup.created remembers", LOG[-1].link.hex())
    told = found(put(tmp_path / "a.db", WHOLE), recorded=recorded(link=bytes(32)))
    assert report("forked", EVENTS, flaw, against=Witness("backup.created", Head(EVENTS, Link(bytes(32))))) == told


def test_a_saved_head_inside_an_archive_agrees(tmp_path: Path) -> None:
    """A witness may remember any head that the archive passed through; the empty one too."""
    path = put(tmp_path / "a.db", WHOLE)
    heads = [EMPTY_HEAD, *(Head(size, LOG[size - 1].link) for size in (1, 3, EVENTS))]
    witnesses = [Witness(f"head {head.size}", head) for head in heads]
    names = ("head 0", "head 1", "head 3", "head 5")
    assert report("intact", EVENTS, witnesses=names) == found(path, witnesses=witnesses)
    assert ("backup.created", *names) == found(path, witnesses=witnesses, recorded=recorded()).witnesses


def test_a_saved_head_that_an_archive_lacks_is_told(tmp_path: Path) -> None:
    """One event ahead, or on another branch, which is the graver of the two whatever their order.

    A shorter file may be an older copy or one that lost its end, and says so.
    """
    path = put(tmp_path / "a.db", WHOLE)
    good, ahead, aside = (
        Witness(name, head)
        for name, head in (
            ("good", Head(1, LOG[0].link)),
            ("ahead", Head(EVENTS + 1, Link(bytes(32)))),
            ("aside", Head(2, LOG[2].link)),
        )
    )
    short = "5 events, made before that head was saved or cut at its end"
    flaw = Flaw(EVENTS, "missing event", "the 6 that the ahead remembers", short)
    assert report("truncated", EVENTS, flaw, against=ahead) == found(path, witnesses=[good, ahead])
    flaw = Flaw(1, "link", f"{LOG[2].link.hex()}, which the aside remembers", LOG[1].link.hex())
    for known in ([good, aside, ahead], [good, ahead, aside]):
        assert report("forked", EVENTS, flaw, against=aside) == found(path, witnesses=known)


def test_a_changed_checksum_beside_recorded_bytes_is_tampered(tmp_path: Path) -> None:
    """The event knows the file's hash: what lies is the `.checksum`."""
    path = put(tmp_path / "a.db", WHOLE)
    (tmp_path / "a.db.checksum").write_text("0" * 64, "utf-8")
    flaw = Flaw(None, "checksum", f"sha256 {'0' * 64}", f"sha256 {sha256(WHOLE).hexdigest()}")
    assert report("tampered", EVENTS, flaw) == found(path, recorded=recorded())
    other = recorded(content=WHOLE[:-1])
    assert report("truncated", EVENTS, replace(flaw, seq=EVENTS)) == found(path, recorded=other)


def test_a_checksum_file_that_is_none_is_unreadable(tmp_path: Path) -> None:
    """A damaged witness is not an absent one."""
    path = put(tmp_path / "a.db", WHOLE)
    (tmp_path / "a.db.checksum").write_text("no hash", "utf-8")
    flaw = Flaw(None, "checksum", "64 hex digits", "b'no hash'")
    assert report("unreadable", EVENTS, flaw) == found(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (HEADER[:-1], "a file that begins b'b3-ledger archive 1'"),
        (b"x" + WHOLE[1:], "a file that begins b'x3-ledger archive 1\\n'"),
        (b"foreign", "a file that begins b'foreign'"),
    ],
)
def test_what_is_no_archive_is_unreadable(content: bytes, what: str, tmp_path: Path) -> None:
    """A verdict, so that a damaged first byte is told like any other damage."""
    path = put(tmp_path / "a.db", content)
    want = report("unreadable", 0, Flaw(None, "header", "an archive", what))
    assert (want, want) == (found(path), unreadable(NotAnArchiveError(path, what)))


def test_no_file_and_a_later_version_are_no_verdict(tmp_path: Path) -> None:
    """Nothing to judge, or not ours to judge."""
    with pytest.raises(NoArchiveError):
        verify_archive(tmp_path / "none.db")
    with pytest.raises(NewerFormatError):
        verify_archive(put(tmp_path / "a.db", b"b3-ledger archive 2\n"))


def test_another_first_event_is_tampered(tmp_path: Path) -> None:
    """A log that does not begin with its creation is none of ours, however well it is chained."""
    log = MemoryLog(now=StepClock())
    log.append([connection_tested(1)], append_id=bytes(16))
    flaw = Flaw(0, "first event", "ledger.created/1", "connection.tested/1")
    assert report("tampered", 0, flaw) == found(put(tmp_path / "a.db", archive(log.read())))
