"""Saves the longest intact prefix of a damaged ledger or archive, as an archive.

A damaged database can kill the process that maps it, so a child process reads it and this one only scans what came out.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from ledger.audit.verify import VerifyReport, verify_folder
from ledger.backup.frames import HEADER, frame
from ledger.backup.scan import Scan, scan
from ledger.backup.verify import verify_archive
from ledger.chain import Record
from ledger.errors import DamagedError, NotALedgerError, NothingToSalvageError
from ledger.files.atomic_file import PartFile, part_file
from ledger.files.checksum import write_checksum
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.store.engine import Engine
from ledger.store.home import DATA_FILE
from ledger.store.lmdb_file import copy_meta, newest_meta, readable_metas

ALL_EVENTS = 2**62
LARGEST_FILE_BYTES = 2**43  # no file system takes more; a damaged meta page may hold any number


class Salvaged(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved in the archive `saved`, and what verification found of its source."""

    source: Path
    saved: Scan
    report: VerifyReport

    @property
    def lost_events(self) -> int | None:
        """How many events the source records and the archive lacks; None where the source records no number."""
        if self.report.verdict == "unreadable" or self.source.is_file():
            return 0 if self.report.verdict == "intact" else None
        return max(self.report.events - self.saved.head.size, 0)


def salvage_ledger(folder: Path, out: Path) -> Salvaged:
    """Write the longest intact prefix of the ledger in `folder` to the new file `out`, with its `.checksum`.

    Changes nothing of the ledger. No damage ends this process.

    Raises: NothingToSalvageError; NameTakenError; DiskFullError, UnwritableError, UnreadableError.
    """
    report = verify_folder(folder)
    with part_file(out) as part:
        part.write(HEADER)
        try:
            want_bytes = newest_meta(folder / DATA_FILE).file_bytes
        except NotALedgerError:
            want_bytes = 0
        if (folder / DATA_FILE).stat().st_size >= want_bytes:
            _save(folder, part)
        else:
            # A file that was cut is read from a copy that has as many bytes as its pages need.
            with _copy(folder) as whole:
                _fill(whole / DATA_FILE, want_bytes)
                _save(whole, part)
        # The engine opens no file of which it cannot read both meta pages, though either describes a whole tree.
        for index in readable_metas(folder / DATA_FILE):
            if scan(part.path).created is not None:
                break
            with _copy(folder) as mended:
                copy_meta(mended / DATA_FILE, index)
                _fill(mended / DATA_FILE, newest_meta(mended / DATA_FILE).file_bytes)
                _save(mended, part)
        return _published(folder, part, out, report)


def salvage_archive(path: Path, out: Path) -> Salvaged:
    """Write the longest intact prefix of the archive at `path` to the new file `out`, with its `.checksum`.

    Raises: as `salvage_ledger` does; NoArchiveError, NotAnArchiveError, NewerFormatError.
    """
    good_bytes = scan(path).good_bytes
    with part_file(out) as part:
        with path.open("rb") as source, open(part.fd, "wb", closefd=False) as copy:
            shutil.copyfileobj(source, copy)
        os.ftruncate(part.fd, good_bytes)
        return _published(path, part, out, verify_archive(path))


def _published(source: Path, part: PartFile, out: Path, report: VerifyReport) -> Salvaged:
    """Give the part its name and its `.checksum`, if at least event 0 is in it."""
    part.sync()
    saved = scan(part.path)
    if saved.created is None:
        raise NothingToSalvageError(source)
    part.publish()
    write_checksum(out, saved.sha256)
    return Salvaged(source=source, saved=msgspec.structs.replace(saved, path=out), report=report)


def _save(folder: Path, part: PartFile) -> None:
    """Add the frames of all events that can be read and hold, after those that `part` has.

    Raises: OSError when the part takes no more: what does not fit must not be taken for what cannot be read.
    """
    # A child that dies loses what it had not written yet: the second one writes each event as it reads it.
    for step in (ALL_EVENTS, 1):
        start, failed, died = scan(part.path).head.size, 0, False
        os.lseek(part.fd, 0, os.SEEK_END)
        try:
            failed = IsolatedProcess(partial(_pour, folder, part.fd, start, step), int).result()
        except IsolatedProcessError:
            died = True
        if failed:
            raise OSError(failed, os.strerror(failed))
        os.ftruncate(part.fd, scan(part.path).good_bytes)
        if not died:
            return


def _pour(folder: Path, fd: int, start: int, step: int) -> int:
    """Write the frames of all readable events from `start` on, in a child; return 0, or the errno of a failed write."""
    try:
        with open(fd, "wb") as file:
            for record in _without_holes(Engine(folder, readonly=True), start, step):
                file.write(frame(record))
                if step == 1:
                    file.flush()
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _without_holes(engine: Engine, start: int, step: int) -> Iterator[Record]:
    """Yield the records from `start` up to the first that is missing, whatever the stored head is."""
    while True:
        try:
            records = engine.chunk(start, start + step)
        except DamagedError as hole:
            if hole.seq == start:
                return
            records = engine.chunk(start, hole.seq)
        yield from records
        start += len(records)


@contextmanager
def _copy(folder: Path) -> Iterator[Path]:
    """Give a temporary folder with a copy of the data file in `folder`."""
    with tempfile.TemporaryDirectory(prefix="b3-ledger-") as name:
        shutil.copyfile(folder / DATA_FILE, Path(name) / DATA_FILE)
        yield Path(name)


def _fill(file: Path, want_bytes: int) -> None:
    """Extend `file` with zeros to `want_bytes`, where that is a size a file can have."""
    if file.stat().st_size < want_bytes <= LARGEST_FILE_BYTES:
        os.truncate(file, want_bytes)
