"""The backups in a folder are told by name, each for what it is."""

from pathlib import Path

import pytest

from ledger.backup.listing import Listed, ListedStatus, list_backups
from ledger.backup.recorded import Recorded
from ledger.errors import UnreadableError
from ledger.events import BackupCreated
from ledger.values import LedgerKind
from tests.support.archives import HEADER, archive, put, small_log

REAL = archive(small_log(3).read())
SAMPLE = archive(small_log(2, kind="sample").read())


def recorded(name: str, content: bytes) -> Recorded:
    """Return what a ledger tells of a backup `name` with the bytes `content`."""
    event = BackupCreated(
        name=name,
        size=3,
        link=bytes(32),
        archive_bytes=len(content),
        sha256=bytes(32),
        types=(),
        providers=(),
        streams=0,
        streams_hash=bytes(32),
    )
    return Recorded(7, 8, event)


def test_a_folder_is_listed_by_name(tmp_path: Path) -> None:
    """Recorded, of another length, unknown to the ledger, no archive; other files are left out."""
    for name, content in (("d", b"foreign"), ("b", REAL), ("a", REAL), ("c", SAMPLE), ("e", HEADER), (".h", REAL)):
        put(tmp_path / f"{name}.db", content, checksum=name in {"a", ".h"})
    put(tmp_path / "notes.txt", REAL)
    told = {"a.db": recorded("a.db", REAL), "b.db": recorded("b.db", SAMPLE), "d.db": recorded("d.db", b"foreign")}

    def listed(name: str, status: ListedStatus, content: bytes, kind: LedgerKind | None) -> Listed:
        return Listed(
            path=tmp_path / name,
            status=status,
            archive_bytes=len(content),
            kind=kind,
            has_checksum=name == "a.db",
            recorded=told.get(name),
        )

    assert [
        listed("a.db", "recorded", REAL, "real"),
        listed("b.db", "differs", REAL, "real"),
        listed("c.db", "unrecorded", SAMPLE, "sample"),
        listed("d.db", "unreadable", b"foreign", None),
        listed("e.db", "unreadable", HEADER, None),
    ] == list_backups(tmp_path, told)


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    """It is made by the first backup."""
    assert [] == list_backups(tmp_path / "none", {})


def test_what_is_no_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    """In one line."""
    with pytest.raises(UnreadableError) as refusal:
        list_backups(put(tmp_path / "file", b""), {})
    assert f"got 'Not a directory' on reading {tmp_path / 'file'}, want a readable file" == str(refusal.value)
