"""A witness on loopback that keeps to the protocol (C2SP tlog-witness): it cosigns what extends what it cosigned.

It checks signatures and proofs with a reference of its own (tests/ledger/checkpoint/reference.py), not with ours.
"""

import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.support.timestamp_authority import serving

Reply = tuple[int, dict[str, str], bytes]
TIME_S = 1_770_000_000


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash over two."""
    return sha256(b"\1" + left + right).digest()


def extends(old: int, old_root: bytes, new: int, new_root: bytes, proof: list[bytes]) -> bool:
    """Whether a consistency proof shows that a tree extends another one: RFC 9162, 2.1.4.2."""
    if old == new:
        return old_root == new_root and not proof
    path = [old_root, *proof] if old & (old - 1) == 0 else [*proof]
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for one in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(one, fr), node(one, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, one)
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old_root, new_root, 0)


class Witness:
    """Who cosigns the logs that it knows: of each origin the key of its signer, and the newest tree it cosigned."""

    def __init__(self, name: str = "witness.example/w1") -> None:
        self.name, self._private = name, Ed25519PrivateKey.generate()
        self._lock = threading.Lock()
        self.known: dict[str, str] = {}  # verifier keys by origin
        self.seen: dict[str, tuple[int, bytes]] = {}
        self.asked: list[bytes] = []
        self.time_s = TIME_S

    def vkey(self) -> str:
        """Return its key as others are given it."""
        public = b"\4" + self._private.public_key().public_bytes_raw()
        return f"{self.name}+{self._key_id().hex()}+{b64encode(public).decode()}"

    def _key_id(self) -> bytes:
        public = self._private.public_key().public_bytes_raw()
        return sha256(self.name.encode() + b"\n\4" + public).digest()[:4]

    def line(self, text: str) -> bytes:
        """Return its cosignature of a checkpoint's three lines."""
        signature = self._private.sign(f"cosignature/v1\ntime {self.time_s}\n{text}".encode())
        blob = self._key_id() + self.time_s.to_bytes(8, "big") + signature
        return f"— {self.name} {b64encode(blob).decode()}\n".encode()

    def answer(self, body: bytes) -> Reply:
        """Return the answer to one request."""
        with self._lock:
            self.asked.append(body)
            return self._judged(body)

    def _judged(self, body: bytes) -> Reply:
        head, _, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        origin, size_line, root_line = text.removesuffix("\n").split("\n")
        old, size, root = int(first.removeprefix("old ")), int(size_line), b64decode(root_line)
        if re.fullmatch(r"old (0|[1-9]\d*)", first) is None or old > size or len(lines) > 63:
            return 400, {}, b""
        if origin not in self.known:
            return 404, {}, b""
        if not self._signed(text, signatures, self.known[origin]):
            return 403, {}, b""
        seen, seen_root = self.seen.get(origin, (0, b""))
        if old != seen:
            return 409, {"Content-Type": "text/x.tlog.size"}, f"{seen}\n".encode()
        if old == size and root != seen_root:
            return 409, {}, b""
        proof = [b64decode(line, validate=True) for line in lines]
        if proof if old == 0 else not extends(old, seen_root, size, root, proof):
            return 422, {}, b""
        self.seen[origin] = size, root
        return 200, {"Content-Type": "text/plain"}, self.line(text)

    def _signed(self, text: str, signatures: str, vkey: str) -> bool:
        name, key_id, encoded = vkey.split("+", 2)
        key = Ed25519PublicKey.from_public_bytes(b64decode(encoded)[1:])
        for line in signatures.splitlines():
            _, signer, blob = line.split(" ")
            raw = b64decode(blob)
            if (signer, raw[:4].hex()) == (name, key_id):
                try:
                    key.verify(raw[4:], text.encode())
                except InvalidSignature:
                    continue
                return True
        return False

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer on loopback; give the URL."""
        with serving(self.answer) as url:
            yield url
