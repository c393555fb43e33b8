"""What we are held against: the bare C calls making the same checks, and a plain SQLite table."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lmdb
import msgspec
from blake3 import blake3

from ledger.chain import GENESIS
from ledger.codec import Draft

MAP_BYTES = 1 << 36
NO_ID = bytes(16)


class BareLmdb:
    """LMDB puts and BLAKE3 over bytes that are given: no codec, no index, no lock, no anchor."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._env = lmdb.open(os.fspath(folder), map_size=MAP_BYTES)
        self._link = GENESIS
        self._seq = 0
        self._encode = msgspec.msgpack.Encoder().encode

    def encode_and_append(self, drafts: Sequence[Draft]) -> None:
        """Encode the drafts as bodies, chain and put them, one transaction."""
        encode, first, time_us = self._encode, self._seq, 1_900_000_000_000_000
        self.append(
            [
                encode((first + n, time_us, NO_ID, one.job_id, one.cause, one.stream, one.event.TAG, one.event))
                for n, one in enumerate(drafts)
            ]
        )

    def append(self, bodies: Sequence[bytes]) -> None:
        """Chain and put the bodies, one transaction."""
        hasher, link, seq = blake3(), bytes(self._link), self._seq
        with self._env.begin(write=True) as txn:
            for body in bodies:
                hasher.reset()
                hasher.update(link + body)
                link = hasher.digest()
                txn.put(seq.to_bytes(8, "big"), link + body, append=True)
                seq += 1
        self._link, self._seq = link, seq  # type: ignore[assignment]  # bytes will do for a bare loop

    def put(self, values: Sequence[bytes]) -> None:
        """Put values whose link is there already, one transaction: a commit of the same bytes and nothing else."""
        with self._env.begin(write=True) as txn:
            for value in values:
                txn.put(self._seq.to_bytes(8, "big"), value, append=True)
                self._seq += 1

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


def bare_walk(env: Any, events: Any) -> int:
    """Re-hash a ledger's events with the checks that verify makes: key, link, seq in the body. Return how many hold."""
    hasher, link, seq = blake3(), bytes(GENESIS), 0
    reset, update, digest = hasher.reset, hasher.update, hasher.digest
    encode = msgspec.msgpack.Encoder().encode
    with env.begin() as txn:
        for key, value in txn.cursor(db=events):
            body = value[32:]
            reset()
            update(link + body)
            link = digest()
            if (
                key != seq.to_bytes(8, "big")
                or not value.startswith(link)
                or not body.startswith(b"\x98" + encode(seq))
            ):
                message = f"bad event at {seq}"
                raise ValueError(message)
            seq += 1
    return seq


class PlainSqlite:
    """One table of rowid and blob, WAL, synchronous=FULL: what a script would write."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def append(self, bodies: Sequence[bytes]) -> None:
        """Insert the bodies, one transaction."""
        with self._connection:
            self._connection.executemany("INSERT INTO events (body) VALUES (?)", ((body,) for body in bodies))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
