"""Proof files: that an event is in the log that a checkpoint signed. Pure.

The extra data, which nobody vouches for by itself, holds the leaf, and the event's body where that is to be shown:
the leaf is held against the root, the body against the leaf.

Source: C2SP tlog-proof; docs/format.md, "Checkpoint".
"""

import binascii
import re
from base64 import b64decode, b64encode
from hashlib import sha256

import msgspec

from ledger.checkpoint.errors import NotProvenError
from ledger.checkpoint.merkle_proof import ProofError, check_inclusion
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tree import HASH_BYTES, LEAF, leaf_hash

HEADER = "c2sp.org/tlog-proof@v1"
HASHES_LIMIT = 63

_INDEX = re.compile("index (0|[1-9][0-9]{0,18})")


class TlogProof(msgspec.Struct, frozen=True, kw_only=True):
    """That leaf `index` is in the tree of `note`; `body` empty where the proof does not show the event."""

    index: int
    leaf: bytes
    body: bytes
    hashes: tuple[bytes, ...]
    note: bytes

    def __str__(self) -> str:
        """Return the proof as its file holds it."""
        extra = _base64(self.leaf + self.body)
        lines = [HEADER, f"extra {extra}", f"index {self.index}", *map(_base64, self.hashes)]
        return "\n".join(lines) + "\n\n" + self.note.decode()

    @property
    def link(self) -> bytes:
        """The chain's hash after the event, as the leaf has it."""
        return bytes(LEAF.unpack(self.leaf)[1])

    @property
    def body_sha256(self) -> bytes:
        """The SHA-256 of the event's body, as the leaf has it."""
        return bytes(LEAF.unpack(self.leaf)[2])

    def check(self, statement: Statement) -> None:
        """Return quietly when the proof shows its leaf in the tree of `statement`, which its note was found to sign.

        Raises: NotProvenError.
        """
        seq, _, digest = LEAF.unpack(self.leaf)
        if seq != self.index:
            raise NotProvenError(f"the leaf of seq {seq}", wanted=f"that of seq {self.index}")
        if self.body and sha256(self.body).digest() != digest:
            raise NotProvenError("the body of another event", wanted=f"that of seq {seq}")
        try:
            check_inclusion(leaf_hash(self.leaf), self.index, statement.size, statement.root, self.hashes)
        except ProofError as error:
            raise NotProvenError("a proof that leads elsewhere", wanted="one to the signed root") from error


def parse_proof(content: bytes) -> TlogProof:
    """Return the proof in a `.tlog-proof` file that has a leaf; nothing in it is checked.

    Raises: NotProvenError.
    """
    head, blank, note = content.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise _misformed() from error
    if not blank or len(lines) < len(("header", "extra", "index")) or lines[0] != HEADER:
        raise _misformed()
    index = _INDEX.fullmatch(lines[2])
    if index is None or not lines[1].startswith("extra ") or len(lines) > HASHES_LIMIT + 3:
        raise _misformed()
    extra = _unbase64(lines[1].removeprefix("extra "))
    hashes = tuple(_unbase64(line) for line in lines[3:])
    if len(extra) < LEAF.size or any(len(one) != HASH_BYTES for one in hashes):
        raise _misformed()
    return TlogProof(index=int(index[1]), leaf=extra[: LEAF.size], body=extra[LEAF.size :], hashes=hashes, note=note)


def _misformed() -> NotProvenError:
    return NotProvenError("a file of another form", wanted=f"{HEADER}, with the leaf as extra data")


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _misformed() from error
    if _base64(data) != text:
        raise _misformed()
    return data
