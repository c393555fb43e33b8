"""Damaged pages are told without the engine, and a file that a writer may be at work on is looked at as a copy."""

import shutil
import tempfile
from pathlib import Path

import lmdb.verify
import pytest

from ledger.audit.flaw import Flaw
from ledger.audit.pages import structure_flaw
from ledger.errors import NoLedgerError, UnreadableError, WriterLockError
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock
from tests.ledger.reading import refuse_writing
from tests.ledger.tampering import filled
from tests.support.drafts import StepClock

PAGE_BYTES = 4096


@pytest.fixture
def folder(home: LedgerHome, clock: StepClock) -> Path:
    """The folder of a closed ledger of six events."""
    return filled(home, clock).root / "ledger-1"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_sound_pages_have_no_flaw(folder: Path, home: LedgerHome) -> None:
    """Alone, beside nobody, beside a writer, and where no writer ever was."""
    assert (None, None) == (structure_flaw(folder, alone=True), structure_flaw(folder))
    lock = WriterLock(home.writer_lock)
    with lock.held(1):
        assert None is structure_flaw(folder)
    lock.close()
    shutil.rmtree(home.locks)
    assert None is structure_flaw(folder)
    assert not home.locks.exists()


@pytest.mark.damages("the pages of the database")
def test_the_first_problem_of_the_pages_is_told(folder: Path) -> None:
    """In the words of the structure check."""
    data = folder / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[: 3 * PAGE_BYTES] + b"\xff" * PAGE_BYTES + whole[4 * PAGE_BYTES :])
    problems = lmdb.verify.verify(str(data))
    assert len(problems) > 1
    assert Flaw(None, "structure", "sound pages", str(problems[0])) == structure_flaw(folder)


@pytest.mark.damages("the database's file")
def test_what_is_no_sound_database_is_told_in_the_readers_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file, and one that the structure check cannot begin with."""

    def refuse(_: str) -> list[str]:
        raise lmdb.verify.VerifyError("no two meta pages")

    with monkeypatch.context() as patch:
        patch.setattr("lmdb.verify.verify", refuse)
        assert Flaw(None, "structure", "a sound database file", "no two meta pages") == structure_flaw(folder)
    data = folder / "data.mdb"
    data.write_bytes(b"")
    found = f"got an empty file at {data}, want a ledger"
    assert Flaw(None, "structure", "a sound database file", found) == structure_flaw(folder)


@pytest.mark.damages("the database is a link to itself")
def test_what_cannot_be_looked_at_is_no_flaw(folder: Path) -> None:
    """No file, or one that is not to be read: nobody can say whether it is sound."""
    data = folder / "data.mdb"
    data.rename(folder / "kept")
    with pytest.raises(NoLedgerError):
        structure_flaw(folder)
    data.symlink_to(data)
    with pytest.raises(UnreadableError):
        structure_flaw(folder)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The structure check tells which file it was given, and finds nothing else."""
    monkeypatch.setattr("lmdb.verify.verify", lambda path: [path])


@pytest.mark.usefixtures("looked_at")
def test_the_file_itself_is_looked_at_while_nobody_writes(folder: Path, home: LedgerHome) -> None:
    """Whether the caller keeps writers out, nobody is there, or nobody ever was."""
    want = Flaw(None, "structure", "sound pages", str(folder / "data.mdb"))
    assert (want, want) == (structure_flaw(folder), structure_flaw(folder, alone=True))
    lock = WriterLock(home.writer_lock)
    with lock.held(1):
        assert want == structure_flaw(folder, alone=True)
    lock.close()
    shutil.rmtree(home.locks)
    assert want == structure_flaw(folder)


@pytest.mark.usefixtures("looked_at")
def test_a_copy_is_looked_at_while_somebody_writes(
    folder: Path, home: LedgerHome, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a name that says whose it is, gone afterwards; the ledger is only read for it."""
    refuse_writing(monkeypatch, "ledger.audit.pages")
    lock = WriterLock(home.writer_lock)
    with lock.held(1):
        flaw = structure_flaw(folder)
    lock.close()
    assert flaw is not None
    copy = Path(flaw.found)
    assert ("data.mdb", "b3-ledger-", temporary) == (copy.name, copy.parent.name[:10], copy.parent.parent)
    assert [] == list(temporary.iterdir())


def test_writers_are_kept_out_while_the_file_is_looked_at(
    folder: Path, home: LedgerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And let in again afterwards."""
    lock = WriterLock(home.writer_lock)

    def verify(_: str) -> list[str]:
        with pytest.raises(WriterLockError), lock.held(0):
            pass
        return ["kept out"]

    monkeypatch.setattr("lmdb.verify.verify", verify)
    assert Flaw(None, "structure", "sound pages", "kept out") == structure_flaw(folder)
    with lock.held(0):
        pass
    lock.close()
