"""The mark that a bad verification leaves beside the log: nothing is appended while it is there.

Source: docs/format.md, "Mark".
"""

import os
import stat
from pathlib import Path

import msgspec

from ledger.chain import LINK_BYTES, Head, Link
from ledger.errors import LedgerError, unreadable, unwritable
from ledger.files.durable import put_file, sync_folder
from ledger.log_source import Witness

MARK_FILE = "verdict"
MARK_LIMIT_BYTES = 64 * 1024


class MarkedError(LedgerError):
    """A verification found the ledger bad, and left its mark: nothing is appended while it is there."""

    def __init__(self, path: Path, *, verdict: str, witness: str | None) -> None:
        against = f" against the {witness}" if witness else ""
        super().__init__(f"got a ledger that main verify found {verdict}{against} ({path}), want an intact one")
        self.path, self.verdict, self.witness = path, verdict, witness


class VerdictMark(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: the verdict, who contradicted the log (None: the log itself), the head expected and found."""

    verdict: str
    witness: str | None = None
    expected_size: int | None = None
    expected_head: str | None = None  # hex
    found_size: int | None = None
    found_head: str | None = None  # hex

    def remembered(self) -> Witness | None:
        """Return the head that the log was found not to hold, as a witness; None where the log itself was bad."""
        if self.witness is None or self.expected_size is None or self.expected_head is None:
            return None
        return Witness(self.witness, Head(self.expected_size, Link(bytes.fromhex(self.expected_head))))


UNREADABLE_MARK = VerdictMark(verdict="unreadable")


def read_mark(folder: Path) -> VerdictMark | None:
    """Return the mark of the ledger in `folder`, None without one; a file that is no mark counts as one.

    Raises: UnreadableError without permission.
    """
    try:
        fd = os.open(folder / MARK_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise unreadable(folder / MARK_FILE, error) from error
    except OSError:
        return UNREADABLE_MARK  # a link, or a socket
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        content = os.read(fd, MARK_LIMIT_BYTES) if regular else b""
        mark = msgspec.json.decode(content, type=VerdictMark)
        head = bytes.fromhex(mark.expected_head or "")
    except (OSError, ValueError):
        return UNREADABLE_MARK
    finally:
        os.close(fd)
    return mark if len(head) in {0, LINK_BYTES} else UNREADABLE_MARK


def heed(folder: Path) -> None:
    """Return quietly when nothing keeps writers from the ledger in `folder`; one look at the folder.

    Raises: MarkedError; UnreadableError without permission.
    """
    if (mark := read_mark(folder)) is not None:
        raise MarkedError(folder / MARK_FILE, verdict=mark.verdict, witness=mark.witness)


def put_mark(folder: Path, mark: VerdictMark) -> None:
    """Leave `mark` beside the log, durable, in place of any other.

    Raises: DiskFullError, UnwritableError.
    """
    temporary = folder / f"{MARK_FILE}.new"
    try:
        put_file(temporary, msgspec.json.encode(mark) + b"\n")
        temporary.rename(folder / MARK_FILE)
        sync_folder(folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def clear_mark(folder: Path) -> None:
    """Remove the mark, if there is one.

    Raises: UnwritableError.
    """
    try:
        (folder / MARK_FILE).unlink()
        sync_folder(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(folder, error) from error
