"""Events of every type with arbitrary contents, made from the types themselves: a type added later is there at once."""

import random
import string
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec import inspect

from ledger.chain import Head
from ledger.claims import claimed
from ledger.codec import Draft
from ledger.events import EVENT_TYPES, Event, HeadAccepted, LedgerCreated
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from tests.support.archives import created
from tests.support.drafts import StepClock
from tests.support.following import Following


def some_event(kind: type[Event], rng: random.Random) -> Event:
    """Return an event of the type `kind`: short strings, at most one item in a list, None where it may be."""
    return msgspec.convert(_some(inspect.type_info(kind), rng), kind)


def of_every_type(rng: random.Random) -> Iterator[Event]:
    """Yield events without end, the types in turn, but that of event 0."""
    kinds = [kind for kind in EVENT_TYPES.values() if kind is not LedgerCreated]
    while True:
        for kind in kinds:
            yield some_event(kind, rng)


def log_of_every_type(events: int, seed: int) -> MemoryLog:
    """Return a log of `events` events of every type, bodies of some 60 to 460 bytes; the same for the same seed."""
    rng = random.Random(seed)
    log = MemoryLog(now=StepClock())
    log.append([created()], append_id=append_id("ledger.created"))
    following = Following()
    for number, event in zip(range(1, events), of_every_type(rng), strict=False):
        told = _true_of(event, log.head())
        draft = Draft(job_id=rng.randbytes(16), stream="ledger", event=told, cause=rng.randrange(number))
        log.append(following.drafts([draft], number), append_id=append_id(f"n/{number}"))
    return log


def _true_of(event: Event, head: Head) -> Event:
    """Return `event`, with `head` where it records the head of its own log: the whole log verifies."""
    if claimed(event) is None:
        return event
    prefix = "found_" if isinstance(event, HeadAccepted) else ""
    return msgspec.structs.replace(event, **{f"{prefix}size": head.size, f"{prefix}link": bytes(head.link)})


def _some(kind: inspect.Type, rng: random.Random) -> Any:
    match kind:
        case inspect.StructType(fields=fields):
            values = {field.encode_name: _some(field.type, rng) for field in fields}
            return list(values.values()) if kind.array_like else values
        case inspect.UnionType(types=types):
            return None if inspect.NoneType() in types else _some(rng.choice(types), rng)
        case inspect.VarTupleType(item_type=item):
            return [_some(item, rng)] if rng.random() < 0.2 else []
        case inspect.LiteralType(values=values):
            return rng.choice(values)
        case _:
            return _plain(kind, rng)


def _plain(kind: inspect.Type, rng: random.Random) -> Any:
    match kind:
        case inspect.IntType(ge=least):
            return max(rng.choice((0, 1, 200, 70_000, 1_770_000_000_000_000)), least or 0)
        case inspect.FloatType():
            return rng.choice((0.1, 37.31999969482422, 1e300))
        case inspect.BoolType():
            return rng.random() < 0.5
        case inspect.StrType():
            return "".join(rng.choices(string.ascii_letters, k=rng.randrange(6)))
        case inspect.BytesType(min_length=None):
            return rng.randbytes(rng.randrange(9))
        case inspect.BytesType(min_length=int(length)):  # an identifier or a hash: of that length alone
            return rng.randbytes(length)
        case inspect.DateType():
            return date.fromordinal(rng.randrange(700_000, 740_000))
        case inspect.DictType():
            return {}
    message = f"got a field of {kind}, want one that a value is known for"
    raise TypeError(message)
