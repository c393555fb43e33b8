"""The backups in a folder, as cheaply as they can be listed: one buffer of each is read."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from ledger.backup.frames import open_archive, records
from ledger.backup.recorded import Recorded
from ledger.codec import decode_created
from ledger.errors import LedgerError, unreadable
from ledger.files.checksum import checksum_path
from ledger.values import LedgerKind

SUFFIX = ".db"

ListedStatus = Literal["recorded", "unrecorded", "differs", "unreadable"]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the backup folder.

    `recorded` when the ledger in use recorded it with this length, `differs` when with another length,
    `unrecorded` when that ledger has no record of it, `unreadable` when it does not begin as an archive does.
    """

    path: Path
    status: ListedStatus
    archive_bytes: int
    kind: LedgerKind | None
    has_checksum: bool
    recorded: Recorded | None


def list_backups(folder: Path, recorded: Mapping[str, Recorded]) -> list[Listed]:
    """Return the backups in `folder`, by name; `recorded` is what the ledger recorded of them.

    Reads the first event of each. A missing folder holds none.

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
    """Return what is known of the file at `path` from its event 0, its length and what the ledger recorded of it."""
    kind: LedgerKind | None = None
    with suppress(LedgerError), open(open_archive(path), "rb") as file:
        if first := next(records(file), None):
            kind = decode_created(first.body).kind
    archive_bytes = path.stat().st_size
    status: ListedStatus
    if kind is None:
        status = "unreadable"
    elif recorded is None:
        status = "unrecorded"
    else:
        status = "recorded" if archive_bytes == recorded.event.archive_bytes else "differs"
    return Listed(
        path=path,
        status=status,
        archive_bytes=archive_bytes,
        kind=kind,
        has_checksum=checksum_path(path).is_file(),
        recorded=recorded,
    )
