"""The backups in a folder, as cheaply as they can be told: no event is re-hashed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from ledger.backup.frames import open_archive, records
from ledger.backup.recorded import Recorded
from ledger.codec import decode_created
from ledger.errors import LedgerError, unreadable
from ledger.events import LedgerKind
from ledger.files.checksum import checksum_path

SUFFIX = ".db"

ListedStatus = Literal["recorded", "unrecorded", "differs", "unreadable"]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the backup folder.

    `recorded` when the ledger tells of it and its length is the recorded one, `differs` when that is another,
    `unrecorded` when the ledger in use does not tell of it, `unreadable` when it does not begin as an archive does.
    """

    path: Path
    status: ListedStatus
    archive_bytes: int
    kind: LedgerKind | None
    has_checksum: bool
    recorded: Recorded | None


def list_backups(folder: Path, recorded: Mapping[str, Recorded]) -> list[Listed]:
    """Return the backups in `folder`, by name; `recorded` is what the ledger tells of them.

    Reads the first event of each. A folder that is not there holds none.

    Raises: UnreadableError.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error
    return [_listed(path, recorded.get(path.name)) for path in paths]


def _listed(path: Path, recorded: Recorded | None) -> Listed:
    kind = _kind(path)
    archive_bytes = path.stat().st_size
    return Listed(
        path=path,
        status=_status(kind, archive_bytes, recorded),
        archive_bytes=archive_bytes,
        kind=kind,
        has_checksum=checksum_path(path).is_file(),
        recorded=recorded,
    )


def _status(kind: LedgerKind | None, archive_bytes: int, recorded: Recorded | None) -> ListedStatus:
    if kind is None:
        return "unreadable"
    if recorded is None:
        return "unrecorded"
    return "recorded" if archive_bytes == recorded.event.archive_bytes else "differs"


def _kind(path: Path) -> LedgerKind | None:
    """Return whose event 0 the file begins with, None where it begins otherwise."""
    try:
        with open(open_archive(path), "rb") as file:
            first = next(records(file), None)
        return decode_created(first.body).kind if first else None
    except LedgerError:
        return None
