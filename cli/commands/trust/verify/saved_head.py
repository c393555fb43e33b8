"""A head kept outside the ledger, to compare a later log with: a small JSON file.

`{"ledger_id", "size", "head", "saved_at"}`: which ledger, how many events, the link of the last one, and when.
"""

from pathlib import Path

import click
import msgspec

from cli.app import output
from cli.render import times
from ledger import ids
from ledger.audit.verify import Witness
from ledger.chain import LINK_BYTES, Head, Link
from ledger.files.regular import read_regular

SAVED_HEAD_BYTES = 64 * 1024
SIZE_MAX = 2**63 - 1


class SavedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log of `size` events of the ledger `ledger_id` ended with the link `head` (hex) at `saved_at`."""

    ledger_id: str
    size: int
    head: str
    saved_at: str

    def witness(self, name: str) -> Witness:
        """Return what the file remembers, as a witness called `name`."""
        return Witness(name, Head(self.size, Link(bytes.fromhex(self.head))))


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
    if not 1 <= saved.size <= SIZE_MAX or len(bytes.fromhex(saved.head)) != LINK_BYTES:
        message = f"a head of {saved.size} events and {len(saved.head)} digits"
        raise ValueError(message)
    return saved


def save(path: Path, head: Head, *, ledger_id: bytes, now_us: int) -> None:
    """Make the file `path` hold `head`, whole; `-` is stdout.

    Raises: DiskFullError; UnwritableError.
    """
    saved = SavedHead(ledger_id=ids.text(ledger_id), size=head.size, head=head.link.hex(), saved_at=times.text(now_us))
    output.give([msgspec.json.encode(saved) + b"\n"], path)
