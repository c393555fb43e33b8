"""Puts a snapshot on disk: the CSV, then its `.checksum`, each whole or not at all."""

from pathlib import Path

from ledger.errors import unwritable
from ledger.files.atomic_file import write_whole
from ledger.files.checksum import CHECKSUM_SUFFIX
from ledger.files.durable import make_folder
from projections.queries.snapshot_csv import Csv


def publish(csv: Csv, folder: Path, *, sweeping: bool = True) -> bool:
    """Make `folder` hold the CSV and its `.checksum`, durably; return whether the CSV's bytes changed.

    A file that is already right is not touched. After a crash between the two, the next run writes the second.
    With `sweeping`, what a crash left half-written in the folder goes: that costs every name in it.

    Raises: DiskFullError; UnwritableError.
    """
    try:
        make_folder(folder)
        changed = _put(folder / csv.name, csv.content, sweeping=sweeping)
        _put(folder / f"{csv.name}{CHECKSUM_SUFFIX}", csv.checksum, sweeping=False)
    except OSError as error:
        raise unwritable(folder, error) from error
    return changed


def _put(path: Path, content: bytes, *, sweeping: bool) -> bool:
    """Make the file at `path` hold `content`; return whether it did not before."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    write_whole(path, content, sweeping=sweeping)
    return True
