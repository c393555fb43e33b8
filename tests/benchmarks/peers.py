"""What we are held against: the bare C calls making the same checks, `eventsourcing`, and a plain SQLite table."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import lmdb
import msgspec
from blake3 import blake3
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from ledger.chain import GENESIS
from ledger.codec import Draft, Envelope
from projections.facts import FACTS, Fact

MAP_BYTES = 1 << 36
ORIGINATOR = UUID(int=1)
NO_ID = bytes(16)
FULL = 2  # SQLite's default, and what durable means


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


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A domain event's state as the library keeps it: what a fold needs of our envelope, and the data."""

    recorded_at: int
    job_id: bytes
    cause: int | None
    stream: str
    data: msgspec.Raw


class MsgspecMapper:
    """Domain events as msgpack, under their tag as topic: the cheapest mapper that library can be given."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Kept).decode
        self._facts = {tag: msgspec.msgpack.Decoder(cls).decode for tag, cls in FACTS.items()}

    def to_stored_event(self, version: int, draft: Draft) -> StoredEvent:
        """Return the event as the recorder takes it."""
        data = msgspec.Raw(self._encode(draft.event))
        state = self._encode(Kept(version, draft.job_id, draft.cause, draft.stream, data))
        return StoredEvent(originator_id=ORIGINATOR, originator_version=version, topic=draft.event.TAG, state=state)

    def to_domain_event(self, stored: StoredEvent) -> tuple[Envelope, Fact]:
        """Return the event that was stored, in the shape that our folds read."""
        kept = self._decode(stored.state)
        envelope = Envelope(
            stored.originator_version,
            kept.recorded_at,
            NO_ID,
            kept.job_id,
            kept.cause,
            kept.stream,
            stored.topic,
            kept.data,
        )
        return envelope, self._facts[stored.topic](kept.data)


class Eventsourcing:
    """The `eventsourcing` library's SQLite recorder in WAL mode, synchronous=FULL, with the mapper above."""

    def __init__(self, file: Path) -> None:
        self._datastore = SQLiteDatastore(os.fspath(file))
        self._recorder = SQLiteApplicationRecorder(self._datastore)
        self._recorder.create_table()
        self._mapper = MsgspecMapper()
        self._version = 0
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            (synchronous,) = cursor.fetchone()
        if synchronous != FULL:
            message = f"got synchronous={synchronous}, want {FULL}"
            raise ValueError(message)

    def append(self, drafts: Sequence[Draft]) -> None:
        """Map and insert the events, one transaction."""
        first = self._version
        self._recorder.insert_events([self._mapper.to_stored_event(first + n, draft) for n, draft in enumerate(drafts)])
        self._version += len(drafts)

    def replay(self, page: int = 10_000) -> Iterator[tuple[Envelope, Fact]]:
        """Yield every event in order, decoded."""
        start = 1
        while found := self._recorder.select_notifications(start, page):
            yield from map(self._mapper.to_domain_event, found)
            start = found[-1].id + 1

    def close(self) -> None:
        """Close every connection."""
        self._datastore.close()


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
