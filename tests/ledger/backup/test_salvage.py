"""Salvage saves the longest intact prefix of whatever is left, and no damage ends the process that does it."""

import errno
import os
import signal
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import lmdb
import pytest
from msgspec.structs import replace

from ledger.audit.verify import verify_folder
from ledger.backup import salvage
from ledger.backup.archive_log import archive_log
from ledger.backup.salvage import Salvaged, salvage_archive, salvage_ledger
from ledger.backup.scan import scan
from ledger.backup.verify import verify_archive
from ledger.chain import Record
from ledger.errors import (
    DiskFullError,
    LedgerError,
    NameTakenError,
    NotAnArchiveError,
    NothingToSalvageError,
    UnwritableError,
)
from ledger.files.atomic_file import PartFile
from ledger.files.checksum import read_checksum
from ledger.files.isolated import IsolatedProcess
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.lmdb_file import META, PAGE_HEADER_BYTES, readable_metas
from tests.ledger.reading import refuse_writing
from tests.support.archives import HEADER, archive, put, small_log
from tests.support.drafts import StepClock, connection_tested

EVENTS = 120
PAGE_BYTES = 4096
LOG = list(small_log(6).read())
WHOLE = archive(LOG)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> LedgerHome:
    """A closed ledger whose events fill a few dozen pages."""
    home, clock = LedgerHome(tmp_path_factory.mktemp("sound")), StepClock()
    create_ledger(home, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    with EventLog(home, now=clock) as log:
        log.append(
            [connection_tested(number, note="x" * 600) for number in range(EVENTS - 1)], append_id=append_id("n")
        )
    return home


@pytest.fixture
def folder(sound: LedgerHome, tmp_path: Path) -> Path:
    """A copy of the sound ledger's folder, to be damaged."""
    copy = tmp_path / "ledger-1"
    copy.mkdir()
    put(copy / "data.mdb", (sound.root / "ledger-1" / "data.mdb").read_bytes())
    put(copy / "head", (sound.root / "ledger-1" / "head").read_bytes())
    return copy


def originals(sound: LedgerHome) -> list[Record]:
    """Return every record of the sound ledger."""
    with EventLog(sound, now=StepClock(), readonly=True) as log:
        return list(log.read())


def test_a_sound_ledger_is_saved_whole(folder: Path, sound: LedgerHome, tmp_path: Path) -> None:
    """With its checksum, and nothing lost."""
    found = salvage_ledger(folder, tmp_path / "saved.db")
    report = replace(verify_folder(folder), seconds=found.report.seconds)
    assert Salvaged(source=folder, saved=scan(tmp_path / "saved.db"), report=report) == found
    assert ("intact", EVENTS, 0) == (found.report.verdict, found.saved.head.size, found.lost_events)
    assert originals(sound) == list(archive_log(tmp_path / "saved.db").read())
    assert found.saved.sha256 == read_checksum(tmp_path / "saved.db")


def test_a_ledger_is_only_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever process."""
    refuse_writing(monkeypatch, "ledger.backup.salvage")
    assert EVENTS == salvage_ledger(folder, tmp_path / "saved.db").saved.head.size


@pytest.mark.parametrize("seq", [1, 60, EVENTS - 1])
def test_all_before_the_first_damaged_event_is_saved(seq: int, folder: Path, sound: LedgerHome, tmp_path: Path) -> None:
    """One bit of one event; what follows it proves nothing any more."""
    with lmdb.open(str(folder), max_dbs=3) as env, env.begin(write=True) as txn:
        db, name = env.open_db(b"events", txn=txn), seq.to_bytes(8, "big")
        value = bytes(txn.get(name, db=db))
        txn.put(name, value[:-1] + bytes([value[-1] ^ 1]), db=db)
    found = salvage_ledger(folder, tmp_path / "saved.db")
    assert ("tampered", seq, EVENTS - seq) == (found.report.verdict, found.saved.head.size, found.lost_events)
    assert originals(sound)[:seq] == list(archive_log(tmp_path / "saved.db").read())


def test_a_hole_ends_the_prefix(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event taken out; that is no death of the engine, so the ledger is read once."""
    passes: list[tuple[int, int]] = []
    real = salvage.IsolatedProcess

    def isolated(call: partial[int], answer_type: type[int]) -> IsolatedProcess[int]:
        passes.append(call.args[2:])
        return real(call, answer_type)

    monkeypatch.setattr(salvage, "IsolatedProcess", isolated)
    with lmdb.open(str(folder), max_dbs=3) as env, env.begin(write=True) as txn:
        txn.delete((70).to_bytes(8, "big"), db=env.open_db(b"events", txn=txn))
    assert 70 == salvage_ledger(folder, tmp_path / "saved.db").saved.head.size
    assert [(0, salvage.ALL_EVENTS)] == passes


def test_pages_that_kill_the_engine_are_survived(folder: Path, sound: LedgerHome, tmp_path: Path) -> None:
    """Each page of the file in turn zeroed, then the file cut at every third: a prefix, or a clear error."""
    data = folder / "data.mdb"
    whole, truth = data.read_bytes(), originals(sound)
    pages = range(2, len(whole) // 4096)
    ruins = [
        whole[: page * 4096] + byte * 4096 + whole[(page + 1) * 4096 :] for page in pages for byte in (b"\0", b"\xff")
    ]
    saved = []
    for number, ruin in enumerate([*ruins, *(whole[: page * 4096] for page in pages[::3])]):
        data.write_bytes(ruin)
        out = tmp_path / f"{number}.db"
        try:
            salvage_ledger(folder, out)
        except NothingToSalvageError:
            assert not out.exists()
            continue
        records = list(archive_log(out).read())
        assert truth[: len(records)] == records
        saved.append(len(records))
    assert min(saved) < EVENTS
    assert len(set(saved)) > 5, "different ruins leave different prefixes"


def test_the_last_event_before_a_fatal_page_is_saved(folder: Path, sound: LedgerHome, tmp_path: Path) -> None:
    """The engine dies in the middle of its run: what it had not written yet is fetched event by event."""
    data = folder / "data.mdb"
    whole = data.read_bytes()
    middle = whole.find(originals(sound)[60].body) // 4096
    data.write_bytes(whole[: middle * 4096] + bytes(4096) + whole[(middle + 1) * 4096 :])
    found = salvage_ledger(folder, tmp_path / "saved.db")
    # Some five events lie on a page.
    assert 50 < found.saved.head.size <= 60


@pytest.mark.parametrize("fatal", [1, 60, 61])
def test_every_event_before_a_fatal_one_is_saved(
    fatal: int, folder: Path, sound: LedgerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many the engine was asked for together with the one that kills it."""

    class Mortal(Engine):
        def chunk(self, start: int, stop: int) -> list[Record]:
            if start <= fatal < stop:
                os.kill(os.getpid(), signal.SIGSEGV)
            return super().chunk(start, stop)

    monkeypatch.setattr(salvage, "Engine", Mortal)
    salvage_ledger(folder, tmp_path / "saved.db")
    assert originals(sound)[:fatal] == list(archive_log(tmp_path / "saved.db").read())


@pytest.fixture
def two_appends(folder: Path) -> list[Record]:
    """All records of `folder`, to which one append of one event was added."""
    home = LedgerHome(folder.parent)
    home.switch(folder)
    with EventLog(home, now=StepClock()) as log:
        log.append([connection_tested(EVENTS)], append_id=append_id("last"))
        return list(log.read())


def put_meta(folder: Path, index: int, change: Callable[[bytes], bytes]) -> None:
    """Change the meta page at `index` of the ledger in `folder`."""
    data, start = folder / "data.mdb", index * PAGE_BYTES
    content = data.read_bytes()
    data.write_bytes(content[:start] + change(content[start : start + PAGE_BYTES]) + content[start + PAGE_BYTES :])


@pytest.mark.damages("a meta page")
@pytest.mark.parametrize(
    "ruin",
    [
        lambda page: bytes(len(page)),
        lambda page: b"\xff" * len(page),
        lambda page: page[:10] + bytes(2) + page[12:],  # its flags: the page reads as a meta page, the engine says no
    ],
    ids=["zeroed", "ones", "flags"],
)
@pytest.mark.parametrize("age", ["newest", "older"])
def test_one_sound_meta_page_is_enough(
    age: str, ruin: Callable[[bytes], bytes], folder: Path, two_appends: list[Record], tmp_path: Path
) -> None:
    """Without the newest one all but the last append is saved; the file itself stays as it is, and unreadable."""
    newest, older = readable_metas(folder / "data.mdb")
    put_meta(folder, newest if age == "newest" else older, ruin)
    before = (folder / "data.mdb").read_bytes()
    found = salvage_ledger(folder, tmp_path / "saved.db")
    want = two_appends[:-1] if age == "newest" else two_appends
    assert want == list(archive_log(tmp_path / "saved.db").read())
    assert ("unreadable", None) == (found.report.verdict, found.lost_events)
    assert before == (folder / "data.mdb").read_bytes()


def test_a_whole_file_is_read_where_it_lies(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be no room for a copy."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert EVENTS == salvage_ledger(folder, tmp_path / "saved.db").saved.head.size


def test_a_cut_file_gives_what_is_before_the_cut(
    folder: Path, sound: LedgerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a copy that is filled up, under a name that says whose it is; gone afterwards."""
    temporary, names = tmp_path / "temporary", list[str]()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    real = salvage._save

    def save(folder: Path, part: PartFile) -> None:
        names.append(folder.name[:10])
        real(folder, part)

    monkeypatch.setattr(salvage, "_save", save)
    data = folder / "data.mdb"
    os.truncate(data, data.stat().st_size * 3 // 4 // PAGE_BYTES * PAGE_BYTES)
    saved = salvage_ledger(folder, tmp_path / "saved.db").saved.head.size
    assert EVENTS // 2 < saved < EVENTS
    assert originals(sound)[:saved] == list(archive_log(tmp_path / "saved.db").read())
    assert (["b3-ledger-"], []) == (names, list(temporary.iterdir()))


@pytest.mark.damages("a meta page and the end of the file")
def test_a_cut_file_with_one_meta_page_gives_what_is_before_the_cut(
    folder: Path, two_appends: list[Record], tmp_path: Path
) -> None:
    """Both ways of mending at once."""
    data = folder / "data.mdb"
    put_meta(folder, readable_metas(data)[1], lambda page: bytes(len(page)))
    os.truncate(data, data.stat().st_size * 3 // 4 // PAGE_BYTES * PAGE_BYTES)
    saved = salvage_ledger(folder, tmp_path / "saved.db").saved.head.size
    assert EVENTS // 2 < saved < EVENTS
    assert two_appends[:saved] == list(archive_log(tmp_path / "saved.db").read())


def test_no_byte_of_the_meta_pages_costs_more_than_the_last_append(
    folder: Path, two_appends: list[Record], tmp_path: Path
) -> None:
    """Each of every few bytes of what the newest one says, turned over."""
    newest = readable_metas(folder / "data.mdb")[0]
    whole = (folder / "data.mdb").read_bytes()
    for at in range(0, PAGE_HEADER_BYTES + META.size, 4):
        put_meta(folder, newest, lambda page, at=at: page[:at] + bytes([page[at] ^ 0xFF]) + page[at + 1 :])
        salvage_ledger(folder, tmp_path / f"{at}.db")
        records = list(archive_log(tmp_path / f"{at}.db").read())
        assert records in (two_appends, two_appends[:-1]), at
        (folder / "data.mdb").write_bytes(whole)


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_what_is_no_database_holds_nothing(content: bytes, folder: Path, tmp_path: Path) -> None:
    """A clear error, and no file."""
    (folder / "data.mdb").write_bytes(content)
    with pytest.raises(NothingToSalvageError) as refusal:
        salvage_ledger(folder, tmp_path / "saved.db")
    assert f"got no readable event 0 in {folder}, want a prefix to save" == str(refusal.value)
    assert not (tmp_path / "saved.db").exists()


def test_salvage_changes_nothing_of_the_ledger(folder: Path, tmp_path: Path) -> None:
    """It is evidence."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock.mdb"}
    salvage_ledger(folder, tmp_path / "saved.db")
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock.mdb"}


@pytest.mark.parametrize(
    ("failure", "want"),
    [
        (OSError(errno.ENOSPC, "full"), DiskFullError(Path("."))),
        (OSError(errno.EIO, "broken"), UnwritableError(Path("saved.db"), "Input/output error")),
        (OSError("of no number"), UnwritableError(Path("saved.db"), "Input/output error")),
    ],
)
def test_what_cannot_be_written_is_not_taken_for_lost(
    failure: OSError, want: LedgerError, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that reads says so; nothing is saved, and nothing is tried again."""

    def fail(_: Record) -> bytes:
        raise failure

    monkeypatch.setattr(salvage, "frame", fail)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(type(want)) as refusal:
        salvage_ledger(folder, Path("saved.db"))
    assert str(want) == str(refusal.value)
    assert [folder] == list(tmp_path.iterdir())


def test_every_cut_of_an_archive_keeps_its_whole_frames(tmp_path: Path) -> None:
    """Byte for byte a prefix of the original, with a checksum of its own."""
    ends = [len(archive(LOG[:size])) for size in range(1, 7)]
    for length in range(len(HEADER), len(WHOLE) + 1, 7):
        path, out = put(tmp_path / "cut.db", WHOLE[:length]), tmp_path / f"{length}.db"
        if length < ends[0]:
            with pytest.raises(NothingToSalvageError):
                salvage_archive(path, out)
            continue
        found = salvage_archive(path, out)
        want = max(end for end in ends if end <= length)
        assert WHOLE[:want] == out.read_bytes()
        assert (ends.index(want) + 1, want) == (found.saved.head.size, archive_log(out).scan.archive_bytes)


@pytest.mark.parametrize(("size", "verdict", "lost"), [(6, "intact", 0), (3, "truncated", None)])
def test_an_archive_is_saved_up_to_where_it_is_cut(size: int, verdict: str, lost: int | None, tmp_path: Path) -> None:
    """Whole, or without the frame that the cut lies in; with a checksum of its own."""
    good = archive(LOG[:size])
    path, out = put(tmp_path / "cut.db", WHOLE[: len(good) + 40]), tmp_path / "saved.db"
    found = salvage_archive(path, out)
    assert (good, verdict, lost) == (out.read_bytes(), found.report.verdict, found.lost_events)
    report = replace(verify_archive(path), seconds=found.report.seconds)
    assert Salvaged(source=path, saved=scan(out), report=report) == found
    assert found.saved.sha256 == read_checksum(out)


def test_an_archive_without_a_whole_event_holds_nothing(tmp_path: Path) -> None:
    """It is named, and no file is made."""
    path = put(tmp_path / "cut.db", WHOLE[:40])
    with pytest.raises(NothingToSalvageError) as refusal:
        salvage_archive(path, tmp_path / "saved.db")
    assert path == refusal.value.path
    assert ["cut.db"] == [item.name for item in tmp_path.iterdir()]


def test_an_archive_changed_in_the_middle_keeps_what_is_before(tmp_path: Path) -> None:
    """Nobody can say how many events are lost behind it."""
    at = len(archive(LOG[:3])) + 50
    path = put(tmp_path / "bad.db", WHOLE[:at] + b"!" + WHOLE[at + 1 :])
    found = salvage_archive(path, tmp_path / "saved.db")
    assert ("tampered", 3, None) == (found.report.verdict, found.saved.head.size, found.lost_events)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    """There is no telling where its frames would begin."""
    with pytest.raises(NotAnArchiveError):
        salvage_archive(put(tmp_path / "x", b"x" * 100), tmp_path / "saved.db")


def test_a_name_that_is_taken_is_refused(folder: Path, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    put(tmp_path / "saved.db", b"precious")
    with pytest.raises(NameTakenError):
        salvage_ledger(folder, tmp_path / "saved.db")
    assert b"precious" == (tmp_path / "saved.db").read_bytes()
    assert 0o600 == os.stat(tmp_path / "saved.db").st_mode & 0o600
