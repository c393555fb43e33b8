"""A head kept outside the ledger, to compare a later log with: a small JSON file.

`{"ledger_id", "size", "head", "saved_at", "earlier"}`: which ledger, how many events, the link of the last one, when,
and the last few that the file held before.
"""

from pathlib import Path

import click
import msgspec

from cli.app import output
from cli.render import times
from ledger import ids
from ledger.chain import LINK_BYTES, Head, Link
from ledger.files.regular import read_regular
from ledger.log_source import Witness

KEPT = 5  # earlier heads
SAVED_HEAD_BYTES = 64 * 1024
SIZE_MAX = 2**63 - 1


class EarlierHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A head that the file held before."""

    size: int
    head: str
    saved_at: str


class SavedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A log of `size` events of the ledger `ledger_id` ended with the link `head` (hex) at `saved_at`.

    `earlier` are the last few heads that the file held before, newest first.
    """

    ledger_id: str
    size: int
    head: str
    saved_at: str
    earlier: tuple[EarlierHead, ...] = ()

    def witness(self, name: str) -> Witness:
        """Return the newest head in the file, as a witness called `name`."""
        return _witness(self, name)

    def witnesses(self, name: str) -> list[Witness]:
        """Return every head in the file, the newest first, as witnesses called `name`."""
        heads: list[SavedHead | EarlierHead] = [self, *self.earlier]
        return [_witness(one, name) for one in heads]

    def is_of(self, ledger_id: bytes) -> bool:
        """Whether the file is about the ledger `ledger_id`."""
        return ids.parse(self.ledger_id) == ledger_id


def _witness(saved: SavedHead | EarlierHead, name: str) -> Witness:
    link = bytes.fromhex(saved.head)
    if not 1 <= saved.size <= SIZE_MAX or len(link) != LINK_BYTES:
        message = f"a head of {saved.size} events and {len(saved.head)} digits"
        raise ValueError(message)
    return Witness(name, Head(saved.size, Link(link)))


class SavedHeadType(click.ParamType[SavedHead]):
    """A file that `main verify --save-head` wrote."""

    name = "file"

    def convert(self, value: str | SavedHead, param: click.Parameter | None, ctx: click.Context | None) -> SavedHead:
        """Return what the file holds, or refuse it."""
        if isinstance(value, SavedHead):
            return value
        try:
            return parse(read_regular(Path(value), limit_bytes=SAVED_HEAD_BYTES))
        except OSError as error:
            self.fail(f"got {error.strerror!r} on {value}, want a head that was saved", param, ctx)
        except ValueError as error:
            self.fail(f"got {error} in {value}, want a head that main verify --save-head wrote", param, ctx)


SAVED_HEAD = SavedHeadType()


def parse(content: bytes) -> SavedHead:
    """Return the head that `content` holds.

    Raises: ValueError when it is anything else.
    """
    saved = msgspec.json.decode(content, type=SavedHead)
    ids.parse(saved.ledger_id)
    saved.witnesses("saved head")
    return saved


def existing(path: Path) -> SavedHead | None:
    """Return the head that the file `path` holds already; None without one, or where it is no regular file.

    Raises: ValueError for a file of anything else, which is not to be overwritten; OSError.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return None
    if path.stat().st_size > SAVED_HEAD_BYTES:
        message = f"{path.stat().st_size} bytes"
        raise ValueError(message)
    return parse(path.read_bytes())


def save(path: Path, head: Head, *, ledger_id: bytes, now_us: int, before: SavedHead | None = None) -> None:
    """Make the file `path` hold `head`, whole, and the last heads of `before`, which it replaces; `-` is stdout.

    Raises: DiskFullError; UnwritableError.
    """
    earlier: tuple[EarlierHead, ...] = ()
    if before is not None:
        newest = EarlierHead(size=before.size, head=before.head, saved_at=before.saved_at)
        earlier = tuple(one for one in (newest, *before.earlier) if one.head != head.link.hex())[:KEPT]
    saved = SavedHead(
        ledger_id=ids.text(ledger_id),
        size=head.size,
        head=head.link.hex(),
        saved_at=times.text(now_us),
        earlier=earlier,
    )
    output.give([msgspec.json.encode(saved) + b"\n"], path)
