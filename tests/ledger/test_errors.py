"""What the operating system reports becomes an error of ours."""

import errno
import os
from pathlib import Path

import lmdb
import pytest

from ledger.errors import (
    DiskFullError,
    HandleShortageError,
    LedgerError,
    MemoryShortageError,
    ReaderShortageError,
    ShortageError,
    UnreadableError,
    UnwritableError,
    is_disk_full,
    kept_out,
    shortage,
    unreadable,
    unwritable,
)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_or_a_quota_that_takes_no_more_is_full(number: int) -> None:
    """Whichever of the two it was."""
    error = OSError(number, os.strerror(number))
    assert (True, DiskFullError) == (is_disk_full(error), type(unwritable(Path("a"), error)))


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), OSError("of no number")])
def test_any_other_failure_is_no_full_disk(error: OSError) -> None:
    """It is named with the file."""
    assert (False, UnwritableError) == (is_disk_full(error), type(unwritable(Path("a"), error)))


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EMFILE, HandleShortageError), (errno.ENFILE, HandleShortageError), (errno.ENOMEM, MemoryShortageError)],
)
def test_a_shortage_is_named_whatever_was_being_done(number: int, kind: type[ShortageError]) -> None:
    """On reading as on writing; it is no fault of the file."""
    error = OSError(number, os.strerror(number))
    assert [kind, kind] == [type(unreadable(Path("a"), error)), type(unwritable(Path("a"), error))]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), MemoryShortageError),
        (lmdb.Error("mdb_env_open: Cannot allocate memory"), MemoryShortageError),
        (
            lmdb.ReadersFullError("mdb_txn_begin: MDB_READERS_FULL: limit reached"),
            ReaderShortageError,
        ),
        (ImportError("x.so: failed to map segment from shared object: Cannot allocate memory"), MemoryShortageError),
        (lmdb.Error("mdb_env_open: Structure needs cleaning"), None),
        (OSError(errno.EACCES, "Permission denied"), None),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), None),
    ],
)
def test_a_shortage_is_told_from_anything_else(error: Exception, kind: type[ShortageError] | None) -> None:
    """By its number, or by the words of a library that keeps no number."""
    found = shortage(error)
    assert kind is (None if found is None else type(found))


def test_no_permission_is_no_shortage() -> None:
    """It is named with the file."""
    error = PermissionError(errno.EACCES, "Permission denied")
    assert UnreadableError is type(unreadable(Path("a"), error))


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (MemoryShortageError("no more can be allocated"), True),
        (UnreadableError(Path("a"), "Permission denied"), True),
        (UnwritableError(Path("a"), "Read-only file system"), True),
        (UnwritableError(Path("a"), "File exists"), False),
        (UnreadableError(Path("a"), "Input/output error"), False),
        (DiskFullError(Path("a")), False),
    ],
)
def test_who_is_kept_out_is_told_from_who_meets_a_fault(error: LedgerError, *, kept: bool) -> None:
    """A full disk and a file in a folder's place are findings."""
    assert kept == kept_out(error)
