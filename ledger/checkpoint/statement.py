"""What a checkpoint states: of which log, how many events, and the root of their tree. Pure.

The origin names the ledger and its epoch: a restore or an accepted head begins another one, so that two machines
that were restored from one backup never sign under one name.

Source: C2SP tlog-checkpoint; docs/format.md, "Checkpoint".
"""

import binascii
import re
from base64 import b64decode, b64encode

import msgspec

from ledger.checkpoint.errors import NoteError
from ledger.checkpoint.tree import HASH_BYTES

PREFIX = "b3-ledger/"
EPOCH_BYTES = 8

_ORIGIN = re.compile(PREFIX + "([0-9a-f]{32})(?:/([0-9a-f]{16}))?")
_SIZE = re.compile("[1-9][0-9]{0,18}")
_LINES = 3


class Statement(msgspec.Struct, frozen=True):
    """The first `size` events of the log `origin` have this `root`."""

    origin: str
    size: int
    root: bytes

    @property
    def ledger_id(self) -> bytes:
        """The id of the ledger that the origin names."""
        return ledger_id_of(self.origin)

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def origin_of(ledger_id: bytes, epoch: bytes | None) -> str:
    """Return the origin of a ledger; `epoch` is the link of its newest restore or accepted head, None without one."""
    return PREFIX + ledger_id.hex() + (f"/{epoch[:EPOCH_BYTES].hex()}" if epoch else "")


def ledger_id_of(origin: str) -> bytes:
    """Return the id in an origin.

    Raises: NoteError for an origin of another form.
    """
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        raise NoteError(f"origin {origin[:80]!r}", wanted=f"{PREFIX}<ledger id>")
    return bytes.fromhex(found[1])


def parse_statement(text: str) -> Statement:
    """Return what the text of a checkpoint states.

    Raises: NoteError for anything but the three lines.
    """
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[-1]:
        raise NoteError(f"{len(lines) - 1} lines", wanted="a checkpoint: origin, size, root")
    origin, size, root = lines[:_LINES]
    ledger_id_of(origin)
    if not _SIZE.fullmatch(size):
        raise NoteError(f"size {size[:20]!r}", wanted="a decimal number from 1 on")
    try:
        root_hash = b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        root_hash = b""
    if len(root_hash) != HASH_BYTES or b64encode(root_hash).decode() != root:
        raise NoteError(f"root {root[:60]!r}", wanted="the base64 of 32 bytes")
    return Statement(origin, int(size), root_hash)
