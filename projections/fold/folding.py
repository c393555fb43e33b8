"""The fold itself: records in, tables and a head out. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import attrgetter

import msgspec

from ledger.chain import EMPTY_HEAD, Head, Link, Record, links
from ledger.codec import decode_envelopes
from ledger.errors import DamagedError
from projections.fold.event_readers import Reader, current_tag, reader
from projections.fold.memory_tables import MemoryTable
from projections.fold.overlay import Overlay
from projections.fold.projection import Projection, TogetherProjection, Told
from projections.fold.tables import State, Tables

CHECKED_TOGETHER = 128  # records hashed in one call, read and applied together, and held meanwhile
CHECKED_BODY_BYTES = 256 * 1024  # about as many at most: fewer records, where those before them were large

_body, _link = attrgetter("body"), attrgetter("link")


class Step(msgspec.Struct, frozen=True):
    """How a fold reads the events of one tag, and who takes them to be applied."""

    read: Reader
    takers: tuple[Callable[[Told], None], ...]


class _Applying:
    """A projection in a fold: the events that it is given, until they are applied together."""

    def __init__(self, projection: Projection, tables: Tables) -> None:
        self.reads = projection.reads
        self.waiting: list[Told] = []
        self._apply: Callable[[Tables, Sequence[Told]], None] = partial(_one_by_one, projection)
        if isinstance(projection, TogetherProjection):
            self._apply = projection.apply_all
        self._tables = tables

    def apply(self) -> None:
        """Apply the events that wait."""
        if self.waiting:
            self._apply(self._tables, self.waiting)
            self.waiting.clear()


def _one_by_one(projection: Projection, tables: Tables, events: Sequence[Told]) -> None:
    for envelope, fact in events:
        projection.apply(tables, envelope, fact)


def empty_state(projections: Sequence[Projection]) -> dict[str, dict[str, MemoryTable]]:
    """Return the projections' tables before any event, in memory."""
    return {one.name: {table: MemoryTable() for table in one.tables} for one in projections}


def fold(records: Iterable[Record], start: Head, projections: Sequence[Projection], state: State) -> Head:
    """Bring `state` from `start` past all of `records`; return the head that it has reached.

    Every link is checked, so no read model is ever built from bytes that the chain refuses.
    A table whose rows are rewritten receives each row once, at the end.

    Raises: DamagedError where a record does not follow from the one before it; UnknownEventError for a tag
    that this version does not know, whether or not a projection wants it.
    """
    overlays = {(one.name, name): Overlay(state[one.name][name]) for one in projections for name in one.rewritten}
    at_work = [
        _Applying(one, {name: overlays.get((one.name, name), table) for name, table in state[one.name].items()})
        for one in projections
    ]
    steps: dict[str, Step] = {}
    record: Record | None = None
    for together in checked(records, start):
        record = together[-1]
        for envelope in decode_envelopes(list(map(_body, together)), start=together[0].seq):
            step = steps.get(envelope.type)
            if step is None:
                current = current_tag(envelope.seq, envelope.type)
                takers = tuple(one.waiting.append for one in at_work if current in one.reads)
                step = steps[envelope.type] = Step(reader(envelope.type, current), takers)
            if step.takers:
                event = envelope, step.read(envelope)
                for take in step.takers:
                    take(event)
        for one in at_work:
            one.apply()
    for overlay in overlays.values():
        overlay.flush()
    return start if record is None else Head(record.seq + 1, record.link)


def replayed(records: Iterable[Record], projections: Sequence[Projection]) -> tuple[Head, State]:
    """Return the head and the state after `records` from seq 0 on, in memory."""
    state = empty_state(projections)
    return fold(records, EMPTY_HEAD, projections, state), state


def capped(records: Iterable[Record], *, body_bytes: int) -> Iterator[Record]:
    """Yield records, stopping after the one with which their bodies reach `body_bytes`."""
    held_bytes = 0
    for record in records:
        yield record
        held_bytes += len(record.body)
        if held_bytes >= body_bytes:
            return


def checked(records: Iterable[Record], start: Head) -> Iterator[list[Record]]:
    """Yield `records`, some at a time, once each is known to follow from the one before it.

    Of those before one that does not, the whole ones are yielded first.
    """
    prev, seq, waiting, size = start.link, start.size, iter(records), CHECKED_TOGETHER
    while batch := list(islice(waiting, size)):
        bodies = list(map(_body, batch))
        following = links(prev, bodies)
        sound = [record.seq for record in batch] == list(range(seq, seq + len(batch)))
        if not sound or list(map(_link, batch)) != following:
            yield from _up_to_flaw(batch, following, seq)
        yield batch
        seq += len(batch)
        prev = batch[-1].link
        size = max(1, min(CHECKED_TOGETHER, len(batch) * CHECKED_BODY_BYTES // max(1, sum(map(len, bodies)))))


def _up_to_flaw(batch: list[Record], following: list[Link], start: int) -> Iterator[list[Record]]:
    """Yield what of `batch` comes before the first record that is not the one at its seq, with the link there."""
    for index, (record, link) in enumerate(zip(batch, following, strict=True)):
        seq = start + index
        if record.seq == seq and record.link == link:
            continue
        if index:
            yield batch[:index]
        if record.seq != seq:
            raise DamagedError(seq, "missing event", expected=f"seq {seq}", found=f"seq {record.seq}")
        raise DamagedError(seq, "link", expected=link.hex(), found=record.link.hex())
