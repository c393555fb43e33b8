"""A log read again from disk, for a tree over it: every link checked, and the events that checkpoints hang on.

Source: docs/format.md, "Checkpoint".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from ledger.audit.rehash import count_good
from ledger.backup.frames import why_bad
from ledger.chain import GENESIS, LINK_BYTES, Link
from ledger.checkpoint.published_tree import PublishedTree
from ledger.checkpoint.statement import origin_of
from ledger.checkpoint.tiles import WIDTH, GrowingTree, Tile
from ledger.checkpoint.tree import leaves
from ledger.codec import decode_envelope, decode_event
from ledger.errors import DamagedError, LedgerError
from ledger.events import (
    BackupRestored,
    CheckpointCosigned,
    CheckpointSigned,
    CheckpointTimestamped,
    HeadAccepted,
    LedgerCreated,
)
from ledger.store.engine import Engine

# Stored values, link ‖ body, from seq 0 on: what a log or an archive yields.
Batches = Iterable[Sequence[bytes]]

# An event of the ledger's own stream has this within its first bytes: array, seq, time, two ids, cause, stream.
_LEDGER_STREAM = b"\xa6ledger"
_HEADER_BYTES = 80


def stored(engine: Engine, size: int) -> Iterator[list[bytes]]:
    """Yield the first `size` events of a database as stored, in lists of about 1 MiB.

    Raises: as `Engine.values` does.
    """
    start = 0
    while start < size:
        values = engine.values(start, size)
        yield values
        start += len(values)


class RecordedCheckpoints(msgspec.Struct, frozen=True):
    """A checkpoint that the log records, and the seq of the event that does."""

    seq: int
    event: CheckpointSigned


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the events of a log say about its checkpoints.

    `epochs` are the (seq, link) of its restores and accepted heads; `others` is how many events from seq 0 on there
    are up to the last one that is no checkpoint.
    """

    ledger_id: bytes
    epochs: tuple[tuple[int, bytes], ...]
    signed: tuple[RecordedCheckpoints, ...]
    others: int

    def origin(self, size: int) -> str:
        """Return the origin of the first `size` events."""
        epoch = next((link for seq, link in reversed(self.epochs) if seq < size), None)
        return origin_of(self.ledger_id, epoch)

    def last(self, origin: str) -> RecordedCheckpoints | None:
        """Return the largest checkpoint of `origin`, None where there is none."""
        mine = [one for one in self.signed if one.event.origin == origin]
        return max(mine, key=lambda one: one.event.size, default=None)


class KnownSoFar:
    """Gathers what `Known` holds, while somebody else reads the log."""

    def __init__(self) -> None:
        self._ledger_id = b""
        self._epochs: list[tuple[int, bytes]] = []
        self._signed: list[RecordedCheckpoints] = []
        self._others = 0

    def watched(self, batches: Batches) -> Iterator[Sequence[bytes]]:
        """Yield `batches` as they are, each once it is known of.

        Raises: DamagedError, UnknownEventError for an event that cannot be read.
        """
        start = 0
        for values in batches:
            for seq, value in enumerate(values, start):
                if _LEDGER_STREAM not in value[LINK_BYTES : LINK_BYTES + _HEADER_BYTES] or not self._takes(seq, value):
                    self._others = seq + 1
            start += len(values)
            yield values

    def _takes(self, seq: int, value: bytes) -> bool:
        """Return whether the event at `seq` is a checkpoint or what others say of one, and keep what it says."""
        envelope = decode_envelope(seq, value[LINK_BYTES:])
        if envelope.type in {BackupRestored.TAG, HeadAccepted.TAG}:
            self._epochs.append((seq, value[:LINK_BYTES]))
        if envelope.type not in {LedgerCreated.TAG, CheckpointSigned.TAG}:
            return envelope.type in {CheckpointTimestamped.TAG, CheckpointCosigned.TAG}
        event = decode_event(envelope)
        if isinstance(event, LedgerCreated):
            self._ledger_id = self._ledger_id or event.ledger_id
        if isinstance(event, CheckpointSigned):
            self._signed.append(RecordedCheckpoints(seq, event))
        return isinstance(event, CheckpointSigned)

    def known(self) -> Known:
        """Return what was gathered."""
        return Known(
            ledger_id=self._ledger_id,
            epochs=tuple(self._epochs),
            signed=tuple(self._signed),
            others=self._others,
        )


def look(batches: Batches) -> Known:
    """Return what the events of a log say about its checkpoints; nothing is re-hashed.

    Raises: DamagedError, UnknownEventError.
    """
    known = KnownSoFar()
    for _ in known.watched(batches):
        pass
    return known.known()


def checked(batches: Batches, size: int) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Yield (seq of the first, values) of the first `size` events, once each link and seq in them holds.

    Raises: DamagedError naming the first that does not, or the one that is missing.
    """
    seq, prev = 0, GENESIS
    for batch in batches:
        values = batch[: size - seq]
        good = count_good(values, start=seq, prev=prev)
        if good < len(values):
            prev = Link(values[good - 1][:LINK_BYTES]) if good else prev
            raise why_bad(values[good], seq=seq + good, prev=prev)
        if values:
            yield seq, values
            seq, prev = seq + len(values), Link(values[-1][:LINK_BYTES])
        if seq == size:
            return
    raise DamagedError(seq, "missing event", expected=f"seq {seq}", found="the end")


class LeafMark(msgspec.Struct, frozen=True):
    """What a log holds up to a size: the root over it, and its last link."""

    root: bytes
    link: bytes


def grow(
    batches: Batches, sizes: Iterable[int], *, keep: Callable[[Iterable[tuple[Tile, bytes]]], None], keep_size: int
) -> dict[int, LeafMark]:
    """Return the root and the link at each of `sizes` (1 or more), and hand the tiles of `keep_size` to `keep`.

    Constant memory. About 8 microseconds an event, and reading it.

    Raises: as `checked` does.
    """
    stops = sorted({*sizes, keep_size})
    tree, marks = GrowingTree(), dict[int, LeafMark]()
    for start, values in checked(batches, stops[-1]):
        at = start
        while at < start + len(values):
            stop = min(next(one for one in stops if one > at), start + len(values))
            full = tree.add(leaves(values[at - start : stop - start], start=at))
            if stop <= keep_size:
                keep(full)
            drop(full)  # whatever is left: it is by being taken that the tree grows
            at = stop
            if at in stops:
                marks[at] = LeafMark(tree.root(), values[at - start - 1][:LINK_BYTES])
            if at == keep_size:
                keep(tree.partial())
    return marks


def drop(tiles: Iterable[tuple[Tile, bytes]]) -> None:
    """Take all of `tiles`, and keep none."""
    for _ in tiles:
        pass


def first_difference(batches: Batches, published: PublishedTree, size: int) -> int | None:
    """Return the first seq below `size` whose leaf is not the one published; None where no tile can say.

    Raises: what reading the log raises.
    """
    waiting: list[bytes] = []
    index = 0
    for start, values in checked(batches, size):
        waiting += leaves(values, start=start)
        while len(waiting) >= min(WIDTH, size - index * WIDTH) > 0:
            try:
                signed = published.leaves(index, size=size)
            except LedgerError:
                return None
            found, waiting = waiting[: len(signed)], waiting[len(signed) :]
            if found != signed:
                return index * WIDTH + next(at for at, one in enumerate(found) if one != signed[at])
            index += 1
    return None
