"""The fold itself: records in, tables and a head out. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from blake3 import blake3

from ledger.chain import EMPTY_HEAD, Head, Record
from ledger.codec import Envelope, decode_envelope
from ledger.errors import DamagedError
from ledger.events import EVENT_TYPES
from projections.facts import Fact, current_tag, decode_fact
from projections.memory_tables import MemoryTable
from projections.projection import Projection
from projections.tables import State, Tables

Step = tuple[Callable[[Tables, Envelope, Fact], None], Tables]


def empty_state(projections: Sequence[Projection]) -> dict[str, dict[str, MemoryTable]]:
    """Return what the projections hold before any event, in memory."""
    return {one.name: {table: MemoryTable() for table in one.tables} for one in projections}


def fold(records: Iterable[Record], start: Head, projections: Sequence[Projection], state: State) -> Head:
    """Bring `state` from `start` past all of `records`; return the head it then stands at.

    Every link is checked on the way, so that no read model is ever built from bytes that the chain refuses.

    Raises: DamagedError where a record does not follow from the one before it; UnknownEventError for a tag
    that this version does not know, whether or not a projection wants it.
    """
    steps = _steps(projections, state)
    record: Record | None = None
    for record in _checked(records, start):
        envelope = decode_envelope(record.seq, record.body)
        if envelope.type not in steps:
            steps[envelope.type] = steps[current_tag(envelope.seq, envelope.type)]
        if wanted := steps[envelope.type]:
            fact = decode_fact(envelope)
            for apply, tables in wanted:
                apply(tables, envelope, fact)
    return start if record is None else Head(record.seq + 1, record.link)


def replayed(records: Iterable[Record], projections: Sequence[Projection]) -> tuple[Head, State]:
    """Return the head and the state after `records` from seq 0 on, in memory."""
    state = empty_state(projections)
    return fold(records, EMPTY_HEAD, projections, state), state


def capped(records: Iterable[Record], *, events: int, body_bytes: int) -> Iterator[Record]:
    """Yield up to `events` records, stopping after the one with which their bodies reach `body_bytes`."""
    held_bytes = 0
    for record in islice(records, events):
        yield record
        held_bytes += len(record.body)
        if held_bytes >= body_bytes:
            return


def _steps(projections: Sequence[Projection], state: State) -> dict[str, list[Step]]:
    return {tag: [(one.apply, state[one.name]) for one in projections if tag in one.reads] for tag in EVENT_TYPES}


def _checked(records: Iterable[Record], start: Head) -> Iterator[Record]:
    """Yield `records` once each is known to follow from the one before it.

    One hasher is reused, as in `ledger.chain.walk`, whose generator would cost this loop a fifth.
    """
    hasher = blake3()
    reset, update, digest = hasher.reset, hasher.update, hasher.digest
    prev: bytes = start.link
    for seq, record in enumerate(records, start.size):
        if record.seq != seq:
            raise DamagedError(seq, "missing event", expected=f"seq {seq}", found=f"seq {record.seq}")
        reset()
        update(prev + record.body)
        prev = digest()
        if prev != record.link:
            raise DamagedError(seq, "link", expected=prev.hex(), found=record.link.hex())
        yield record
