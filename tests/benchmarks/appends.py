"""Appending: a thousand events a transaction, and one at a time onto a large ledger."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import TypeVar

from ledger.codec import Draft
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.benchmarks.ground import EVENTS_AN_APPEND, Ground
from tests.benchmarks.measure import Ratio, Timing, in_turn, ratio
from tests.benchmarks.peers import BareLmdb, PlainSqlite
from tests.support import mix
from tests.support.drafts import StepClock

OURS, BARE, ENCODED, EVENTSOURCING, SQLITE = (
    "b3-ledger",
    "bare LMDB and BLAKE3",
    "bare LMDB, BLAKE3 and msgspec",
    "eventsourcing",
    "plain sqlite3",
)
COMMIT = "bare LMDB commit"

T = TypeVar("T")


def batched(folder: Path, drafts: list[Draft], *, name: str, rounds: int) -> tuple[dict[str, Timing], list[Ratio]]:
    """Append `drafts`, a thousand a transaction, to each contestant in turn; each goes on in its own store."""
    # Imported here: it comes with the extra `bench`, which the tests of the program do without.
    from tests.benchmarks.eventsourced import Eventsourcing

    home, clock = LedgerHome(folder / "ours"), StepClock()
    create_ledger(home, kind="real", software="benchmark", now=clock, lock_timeout_s=5)
    ours, numbers = EventLog(home, now=clock), count()
    bare, encoded = BareLmdb(folder / "bare"), BareLmdb(folder / "encoded")
    library, table = Eventsourcing(folder / "eventsourcing.db"), PlainSqlite(folder / "plain.db")
    bodies = _bodies(folder / "bodies", drafts)

    def append_ours() -> None:
        for batch in _thousands(drafts):
            ours.append(batch, append_id=append_id(f"batch/{next(numbers)}"))

    timings = in_turn(
        {
            OURS: append_ours,
            BARE: lambda: _each(bare.append, _thousands(bodies)),
            ENCODED: lambda: _each(encoded.encode_and_append, _thousands(drafts)),
            EVENTSOURCING: lambda: _each(library.append, _thousands(drafts)),
            SQLITE: lambda: _each(table.append, _thousands(bodies)),
        },
        units=len(drafts),
        unit="events",
        rounds=rounds,
    )
    for store in (ours, bare, encoded, library, table):
        store.close()
    what = f"append, 1,000 a transaction, {name}"
    return timings, [
        ratio(timings, OURS, EVENTSOURCING, what=what, want=3.0),
        ratio(timings, OURS, ENCODED, what=what, want=0.7),
        ratio(timings, OURS, BARE, what=what),
        ratio(timings, OURS, SQLITE, what=what),
    ]


def single(ground: Ground, folder: Path, *, events: int, rounds: int) -> tuple[dict[str, Timing], list[Ratio]]:
    """Append one event a transaction onto `ground`'s ledger, beside a bare commit of the same bytes onto as many."""
    from tests.benchmarks.eventsourced import Eventsourcing

    numbers, each = count(), max(events // rounds, 1)
    drafts = list(islice(chain.from_iterable(mix.small(each)), each))
    bodies = _bodies(folder / "bodies", drafts)
    bare = BareLmdb(folder / "bare")
    with ground.open() as log:
        for batch in _thousands([record.link + record.body for record in log.read()]):
            bare.put(batch)
        library = Eventsourcing(folder / "eventsourcing.db")

        def append_ours() -> None:
            for draft in drafts:
                log.append([draft], append_id=append_id(f"single/{next(numbers)}", job_id=draft.job_id))

        timings = in_turn(
            {
                OURS: append_ours,
                COMMIT: lambda: _each(bare.put, [[bytes(32) + body] for body in bodies]),
                EVENTSOURCING: lambda: _each(library.append, [[draft] for draft in drafts]),
            },
            units=each,
            unit="events",
            rounds=rounds,
        )
    bare.close()
    library.close()
    what = f"append, one a transaction, onto {ground.name}"
    return timings, [
        ratio(timings, OURS, COMMIT, what=what, want=0.8),
        ratio(timings, OURS, EVENTSOURCING, what=what),
    ]


def _each(do: Callable[[T], None], items: Iterable[T]) -> None:
    for item in items:
        do(item)


def _thousands(items: list[T]) -> Iterator[list[T]]:
    return (items[start : start + EVENTS_AN_APPEND] for start in range(0, len(items), EVENTS_AN_APPEND))


def _bodies(folder: Path, drafts: list[Draft]) -> list[bytes]:
    """Return the bodies that our log makes of the drafts: every contestant stores the same bytes."""
    home, clock = LedgerHome(folder), StepClock()
    create_ledger(home, kind="real", software="benchmark", now=clock, lock_timeout_s=5)
    with EventLog(home, now=clock) as log:
        for number, batch in enumerate(_thousands(drafts)):
            log.append(batch, append_id=append_id(f"body/{number}"))
        return [record.body for record in log.read(1)]
