"""Check a b3-ledger archive, from docs/format.md alone: the standard library and the blake3 package, nothing else.

Bytes and chain, what every event means, the heads that events record. Whether decisions lead where they say is for
`verify_states.py` to check.

    python verify_archive.py FILE [saved=HEAD.json] [anchor=FOLDER/head] [mark=FOLDER/verdict]

Holds it against witnesses as well, where they are given. With an anchor or a mark FILE is read as all the events of
the ledger in whose folder they lie.
Prints one JSON object; exits 0 when the file is intact, 2 when it is not, 3 when it cannot be judged.
Reads a frame at a time, and keeps the 32 bytes of each link.
"""

import hashlib
import json
import re
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

from blake3 import blake3
from event_fields import PAGE, Table

HEADER = b"b3-ledger archive 1\n"
ANY_HEADER = re.compile(rb"b3-ledger archive ([1-9][0-9]*)\n")
CHECKSUM = re.compile(r"\\?([0-9a-fA-F]{64})(?:[ \t]+\*?[^\r\n]*)?\s*")
LARGEST_BODY_BYTES = 16 * 1024 * 1024
BODY_LENGTH_BYTES, LINK_BYTES = 4, 32
ARRAY_OF_EIGHT = b"\x98"
FIRST_TYPE = "ledger.created/1"
TYPE = re.compile(r"[a-z]+(\.[a-z]+)*/[1-9][0-9]{0,5}")
# The fields in which an event records a head of its own log.
CLAIMS = dict.fromkeys(
    ("backup.created/1", "backup.created/2", "backup.restored/1", "checkpoint.signed/1", "log.verified/1"),
    ("size", "link"),
) | {"head.accepted/1": ("found_size", "found_link")}
MALFORMED = (IndexError, struct.error, ValueError, RecursionError)
EXIT_CODES = {"intact": 0, "newer": 3}  # every other verdict: 2


class BadArchiveError(Exception):
    """The file does not hold: the verdict, and the seq of the first frame that is bad (None: no frame is)."""

    def __init__(self, verdict: str, seq: int | None, reason: str) -> None:
        super().__init__(reason)
        self.verdict, self.seq = verdict, seq


class Witnesses:
    """The heads that witnesses remember, in the order in which they are heard: who, how many events, the last link.

    `damaged` where the anchor is no anchor; `as_ledger` where the file is all the events of a ledger; `foreign` are the
    ledgers that saved heads are of, hex, with those heads.
    """

    def __init__(self, **files: Path) -> None:
        self.heads: list[tuple[str, int, bytes]] = []
        self.foreign: dict[str, list[tuple[str, int, bytes]]] = {}
        self.damaged, self.as_ledger = False, bool({"anchor", "mark"} & files.keys())
        if "anchor" in files:
            remembered = newest_slot(files["anchor"].read_bytes())
            self.damaged = remembered is None
            self.heads += [("anchor", *remembered)] if remembered else []
        if "saved" in files:
            saved = json.loads(files["saved"].read_text("utf-8"))
            heads = [saved, *saved.get("earlier", [])]
            named = [("saved head", head["size"], bytes.fromhex(head["head"])) for head in heads]
            self.foreign[saved["ledger_id"].replace("-", "")] = named
            self.heads += named
        if "mark" in files:
            left = json.loads(files["mark"].read_text("utf-8"))
            if left["expected_head"] is not None:
                self.heads.append(("mark", left["expected_size"], bytes.fromhex(left["expected_head"])))


def verify(path: Path, **files: Path) -> dict[str, Any]:
    """Return the verdict on the file: how many events hold, the last one's link, the first seq that does not.

    `files` are of witnesses: `saved`, `anchor`, `mark`.
    """
    witnesses = Witnesses(**files)
    good = Good()
    try:
        with path.open("rb") as file:
            check_header(file.read(2 * len(HEADER)))
            file.seek(len(HEADER))
            walk(file, good)
        hold(good, witnesses)
        check_sum(path, good.events)
    except BadArchiveError as bad:
        return {"verdict": bad.verdict, **good.said(), "first_bad": bad.seq, "reason": str(bad)}
    return {"verdict": "intact", **good.said(), "first_bad": None, "reason": None}


def newest_slot(anchor: bytes) -> tuple[int, bytes] | None:
    """Return the size and link that an anchor remembers, None where it is damaged."""
    slots = [anchor[:64], anchor[64:]] if len(anchor) == 128 else []
    good = [one for one in slots if blake3(one[:40]).digest(length=24) == one[40:]]
    heads = [(int.from_bytes(one[:8], "big"), one[8:40]) for one in good]
    return max(heads, key=lambda head: head[0], default=None)


def hold(good: "Good", witnesses: Witnesses) -> None:
    """Hold a file that holds in itself against what is remembered elsewhere: see "Verification"."""
    if witnesses.damaged:
        raise BadArchiveError("unreadable", None, "an anchor that is none")
    others = [heads for ledger, heads in witnesses.foreign.items() if ledger != good.ledger_id]
    own = [head for head in witnesses.heads if not any(head in heads for heads in others)]
    for who, size, link in own:
        if size <= good.events and good.link_at(size) != link:
            raise BadArchiveError("forked", max(size - 1, 0), f"the {who} remembers another link")
    for who, size, _ in own:
        if size > good.events:
            verdict = "rolled_back" if witnesses.as_ledger else "truncated"
            raise BadArchiveError(verdict, good.events, f"the {who} remembers {size} events")
    if others:
        raise BadArchiveError("forked", 0, "a head of another ledger")


class Good:
    """How far the file holds, when its last event was recorded, and the link at each size up to there."""

    def __init__(self) -> None:
        self.events, self.link = 0, blake3(b"b3-ledger chain v1").digest()
        self.recorded_at, self.ledger_id = 0, ""
        self.false_head: BadArchiveError | None = None  # the first that an event records
        self._links = bytearray(self.link)

    def take(self, link: bytes, recorded_at: int, data: dict[str, Any]) -> None:
        """Go past an event that holds."""
        if self.events == 0:
            self.ledger_id = data["ledger_id"].hex()
        self.events, self.link, self.recorded_at = self.events + 1, link, recorded_at
        self._links += link

    def link_at(self, size: int) -> bytes:
        """Return the link of the last of so many events."""
        return bytes(self._links[size * LINK_BYTES : (size + 1) * LINK_BYTES])

    def said(self) -> dict[str, Any]:
        """Return it as it is printed."""
        return {"events": self.events, "head": self.link.hex() if self.events else None}


def walk(file: BinaryIO, good: Good) -> None:
    """Check every frame, keeping in `good` how far that came. A head that is not this log's is graver than a cut."""
    table = Table(PAGE.read_text("utf-8"))
    try:
        while (frame := read_frame(file, good.events)) is not None:
            link = check(good.events, good.link, *frame)
            good.take(link, *follow(good, table, frame[1]))
    except BadArchiveError as bad:
        if bad.verdict != "truncated" or good.false_head is None:
            raise
    if good.false_head is not None:
        raise good.false_head
    if good.events == 0:
        raise BadArchiveError("truncated", 0, "no event 0")


def check_header(first: bytes) -> None:
    """Refuse a file that does not begin with the header."""
    if first.startswith(HEADER):
        return
    if match := ANY_HEADER.match(first):
        raise BadArchiveError("newer", None, f"an archive of version {match[1].decode()}")
    raise BadArchiveError("unreadable", None, "no archive")


def read_frame(file: BinaryIO, seq: int) -> tuple[bytes, bytes] | None:
    """Return the next frame's link and body, None at the end of the file."""
    head = file.read(BODY_LENGTH_BYTES + LINK_BYTES)
    if not head:
        return None
    if len(head) < BODY_LENGTH_BYTES + LINK_BYTES:
        raise BadArchiveError("truncated", seq, "the file ends inside a frame")
    (length,) = struct.unpack(">I", head[:BODY_LENGTH_BYTES])
    if length > LARGEST_BODY_BYTES:
        raise BadArchiveError("tampered", seq, f"a body of {length} bytes")
    body = file.read(length)
    if len(body) < length:
        raise BadArchiveError("truncated", seq, "the file ends inside a frame")
    return head[BODY_LENGTH_BYTES:], body


def check(seq: int, before: bytes, link: bytes, body: bytes) -> bytes:
    """Return the frame's link, once it follows the one before and the body says its seq."""
    if link != blake3(before + body).digest():
        raise BadArchiveError("tampered", seq, "a link that does not follow")
    if not body.startswith(ARRAY_OF_EIGHT + unsigned(seq)):
        raise BadArchiveError("tampered", seq, "a body of another seq")
    return link


def follow(good: Good, table: Table, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return when the event was recorded and its data, once it means something and may come where it does.

    See "Meaning".
    """
    seq = good.events
    try:
        event, end = table.check("envelope", body)
    except MALFORMED as error:
        raise BadArchiveError("tampered", seq, "a body that is no event") from error
    if end != len(body):
        raise BadArchiveError("tampered", seq, "bytes behind the event")
    kind = event["type"]
    if event["recorded_at"] < good.recorded_at:
        raise BadArchiveError("tampered", seq, "a time before that of the event in front of it")
    if event["cause"] is not None and event["cause"] >= seq:
        raise BadArchiveError("tampered", seq, "a cause that is no earlier event")
    if (kind == FIRST_TYPE) is not (seq == 0):
        raise BadArchiveError("tampered", seq, f"{FIRST_TYPE} is event 0, and no other is")
    if kind not in table.events:
        raise BadArchiveError("newer" if TYPE.fullmatch(kind) else "tampered", seq, f"an event of type {kind[:80]!a}")
    try:
        data, _ = table.check(kind, body, event["data"])
    except MALFORMED as error:
        raise BadArchiveError("tampered", seq, f"data that is no {kind}") from error
    check_claim(good, kind, data)
    return event["recorded_at"], data


def check_claim(good: Good, kind: str, data: dict[str, Any]) -> None:
    """Hold the head that an event records of its own log against the links before it."""
    if kind in CLAIMS and good.false_head is None:
        size, link = (data[name] for name in CLAIMS[kind])
        if size > good.events or good.link_at(size) != link:
            reason = f"a head of {size} events that is not this log's"
            good.false_head = BadArchiveError("forked", good.events, reason)


def check_sum(path: Path, events: int) -> None:
    """Hold the file against the `.checksum` beside it, if there is one."""
    beside = path.with_name(path.name + ".checksum")
    if not beside.exists():
        return
    found = CHECKSUM.fullmatch(beside.read_text("utf-8", "replace"))
    if not found:
        raise BadArchiveError("unreadable", None, "a .checksum that is none")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != found[1].lower():
            raise BadArchiveError("truncated", events, "other bytes than the .checksum is of")


def unsigned(number: int) -> bytes:
    """Return MessagePack's shortest form of an unsigned integer."""
    if number < 1 << 7:
        return bytes([number])
    for prefix, form, limit in ((0xCC, ">B", 1 << 8), (0xCD, ">H", 1 << 16), (0xCE, ">I", 1 << 32)):
        if number < limit:
            return bytes([prefix]) + struct.pack(form, number)
    return b"\xcf" + struct.pack(">Q", number)


if __name__ == "__main__":
    given = [one.partition("=") for one in sys.argv[2:]]
    if len(sys.argv) < 2 or not {name for name, _, _ in given} <= {"saved", "anchor", "mark"}:
        sys.exit(__doc__)
    try:
        answer = verify(Path(sys.argv[1]), **{name: Path(file) for name, _, file in given})
    except OSError as error:
        sys.exit(f"error: {error}")
    print(json.dumps(answer))
    sys.exit(EXIT_CODES.get(answer["verdict"], 2))
