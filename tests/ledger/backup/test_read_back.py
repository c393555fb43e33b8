"""What the disk gives back of a copy and of what was added to it is hashed once, and tells whose fault it is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.backup.create import create_backup, hash_extended
from ledger.errors import DamagedError, StorageError, UnreadableError
from ledger.events import BackupCreated
from ledger.files.atomic_file import PartFile, part_file
from ledger.files.checksum import FileHash, hash_file, hash_split
from ledger.files.regular import BUFFER_BYTES
from ledger.store.event_log import EventLog
from tests.ledger.backup.test_create import job, last_event
from tests.ledger.backup.test_incremental import backed_up, is_whole, last_recorded

__all__ = ["backed_up"]  # a fixture


def bend(part: PartFile, at: int) -> None:
    """Turn a bit of what was written."""
    os.pwrite(part.fd, bytes([os.pread(part.fd, 1, at)[0] ^ 1]), at)


@pytest.mark.parametrize("at", [0, 30, -200, -1])
def test_a_disk_that_gives_back_another_copy_is_noticed(
    at: int, backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the header, in what was copied and in what was added: no backup, and the earlier one is not blamed."""
    synced = PartFile.sync

    def spoil(part: PartFile) -> None:
        synced(part)
        bend(part, at % os.fstat(part.fd).st_size)

    before = (tmp_path / "backups" / "a.db").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "sync", spoil)
        with pytest.raises(StorageError, match="got 'other bytes than were written'"):
            create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    assert {"a.db", "a.db.checksum"} == {path.name for path in (tmp_path / "backups").iterdir()}
    assert before == (tmp_path / "backups" / "a.db").read_bytes()
    assert "check" == getattr(last_event(backed_up), "stage", None)


def _removed(path: Path) -> None:
    path.unlink()


def _changed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(("change", "error"), [(_removed, UnreadableError), (_changed, DamagedError)])
def test_an_earlier_one_that_was_changed_is_blamed_once_it_is_copied(
    change: Callable[[Path], None],
    error: type[Exception],
    backed_up: EventLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The copy is of other bytes than are recorded: all is read from the log, and why is said."""
    earlier, synced, changed = tmp_path / "backups" / "a.db", PartFile.sync, list[bool]()

    def sync(part: PartFile) -> None:
        if not changed:
            changed.append(True)
            bend(part, 50)
            change(earlier)
        synced(part)

    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "sync", sync)
        made = create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    is_whole(backed_up, made)
    assert made.refused is not None
    assert ("a.db", error, None) == (made.refused[0], type(made.refused[1]), made.copied_from)


def hashed(folder: Path, content: bytes, earlier: BackupCreated, added: bytes) -> FileHash:
    """Return the hash of a part that holds `content`, as of a copy of `earlier` and what was added."""
    with part_file(folder / "b.db") as part:
        part.write(content)
        return hash_extended(part, earlier, added)


def test_what_is_hashed_is_the_whole(backed_up: EventLog, tmp_path: Path) -> None:
    """And both of its halves are held against what they are to be."""
    earlier, content = last_recorded(backed_up), (tmp_path / "backups" / "a.db").read_bytes()
    (tmp_path / "whole").write_bytes(content + b"more")
    (tmp_path / "more").write_bytes(b"more")
    whole, more = hash_file(tmp_path / "whole"), hash_file(tmp_path / "more").sha256
    assert whole == hashed(tmp_path / "backups", content + b"more", earlier, more)
    for spoilt in (content + b"mere", content[:-1] + b"!more", content, content + b"moremore"):
        with pytest.raises(StorageError):
            hashed(tmp_path / "backups", spoilt, earlier, more)


@pytest.mark.parametrize("split_bytes", [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 2 * BUFFER_BYTES + 9])
def test_a_file_is_hashed_whole_and_in_two(split_bytes: int, tmp_path: Path) -> None:
    """Wherever it is split, at a buffer's end or beside it; behind its end there is nothing."""
    content = bytes(range(251)) * 8_400
    for name, part in (("whole", content), ("before", content[:split_bytes]), ("after", content[split_bytes:])):
        (tmp_path / name).write_bytes(part)
    found = hash_split(tmp_path / "whole", split_bytes)
    assert hash_file(tmp_path / "whole") == found.whole
    assert hash_file(tmp_path / "before").sha256 == found.before
    assert hash_file(tmp_path / "after").sha256 == found.after


def test_a_file_that_changes_while_it_is_hashed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash would be that of nothing that ever was there."""
    path = tmp_path / "x"
    path.write_bytes(b"some")
    real, seen = os.fstat, list[int]()

    def fstat(fd: int) -> os.stat_result:
        found = real(fd)
        seen.append(fd)
        if len(seen) == 2:  # the file's kind was looked at, and its length
            with path.open("ab") as file:
                file.write(b"more")
        return found

    monkeypatch.setattr("ledger.files.checksum.os.fstat", fstat)
    with pytest.raises(UnreadableError, match="a file that changes"):
        hash_split(path, 2)
