"""Which snapshots were written, by the log.

Tables:
- `written`: (seq) -> snapshot.
- `newest`: (name) -> seq of the newest one of that name, 8 bytes.
"""

from collections.abc import Iterator

import msgspec

from ledger.codec import Envelope
from ledger.events import SnapshotWritten
from projections.fold.event_readers import Fact
from projections.fold.keys import seq_key, text_key
from projections.fold.tables import Tables, encode

NAME = "snapshots"
VERSION = 1


class Written(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot that reached the disk, as its event records it."""

    seq: int
    recorded_at: int
    ticker: str
    provider: str
    name: str
    format_version: int
    position: int
    sha256: bytes
    rows: int


_decode = msgspec.msgpack.Decoder(Written).decode


class Snapshots:
    """The fold of `snapshot.written`."""

    name = NAME
    version = VERSION
    tables = ("written", "newest")
    rewritten = frozenset(tables)
    reads = frozenset({SnapshotWritten.TAG})

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Keep the event, and that it is the newest of its name."""
        assert isinstance(fact, SnapshotWritten)  # noqa: S101 - the only tag in `reads`
        seq = seq_key(envelope.seq)
        recorded = Written(
            seq=envelope.seq,
            recorded_at=envelope.recorded_at,
            ticker=fact.ticker,
            provider=fact.provider,
            name=fact.name,
            format_version=fact.format_version,
            position=fact.position,
            sha256=fact.sha256,
            rows=fact.rows,
        )
        tables["written"].put(seq, encode(recorded))
        tables["newest"].put(text_key(fact.name), seq)


def written(tables: Tables) -> Iterator[Written]:
    """Yield every recorded snapshot, oldest first."""
    for _, value in tables["written"].scan():
        yield _decode(value)


def newest(tables: Tables, name: str) -> Written | None:
    """Return the newest recorded snapshot of that file name, None when there is none."""
    seq = tables["newest"].get(text_key(name))
    return None if seq is None else _decode(tables["written"].named(seq))
