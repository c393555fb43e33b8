"""Reading: verify, replay, rebuild, catch-up, beside the bare loops and the library."""

import time
from collections.abc import Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb

from ledger.audit.rehash import rehash_range
from ledger.audit.verify import verify_ledger
from ledger.codec import Draft, decode_envelope, decode_event
from ledger.ids import append_id
from ledger.store.engine import EVENTS, Engine
from ledger.store.event_log import EventLog
from projections.fold.folding import empty_state
from projections.fold.overlay import Overlay
from projections.models.metrics import Metrics
from projections.store.replaying import replay
from projections.store.runner import catch_up, rebuild
from tests.benchmarks.ground import EVENTS_AN_APPEND, Ground
from tests.benchmarks.measure import Ratio, Timing, in_turn, ratio
from tests.benchmarks.peers import bare_walk
from tests.support import mix

if TYPE_CHECKING:
    from tests.benchmarks.eventsourced import Eventsourcing

ONE, TWO, BARE, EVENTSOURCING = "verify, one process", "verify, two processes", "bare loop", "eventsourcing"
REPLAY, REBUILD, DECODE, CATCH_UP = "replay", "rebuild", "decode alone", "catch-up"


def verifying(ground: Ground, *, rounds: int) -> tuple[dict[str, Timing], list[Ratio]]:
    """Re-hash every event: with one process, with two, and in a bare loop that makes the same checks."""
    folder = ground.home.current()
    assert folder is not None

    def bare() -> None:
        with lmdb.open(str(folder), readonly=True, max_dbs=2, map_size=0) as env:
            held = bare_walk(env, env.open_db(EVENTS, create=False))
        assert held == ground.events

    def one() -> None:
        engine = Engine(folder, readonly=True)
        report = rehash_range(engine, 0, ground.events)
        engine.close()
        assert report.flaw is None

    timings = in_turn(
        {ONE: one, TWO: lambda: verify_ledger(ground.home, workers=2), BARE: bare},
        units=ground.events,
        unit="events",
        rounds=rounds,
    )
    what = f"verify, {ground.name}"
    return timings, [
        ratio(timings, ONE, BARE, what=what, want=0.9),
        ratio(timings, TWO, BARE, what=what, want=1.7),
    ]


def folding(ground: Ground, folder: Path, *, rounds: int) -> tuple[dict[str, Timing], list[Ratio]]:
    """Fold every event into the metrics in memory, and into all stored projections."""
    # Imported here: it comes with the extra `bench`, which the tests of the program do without.
    from tests.benchmarks.eventsourced import Eventsourcing

    with ground.open() as log:
        library = Eventsourcing(folder / "eventsourcing.db")
        for batch in _batches(log):
            library.append(batch)

        def decode() -> None:
            for record in log.read():
                decode_event(decode_envelope(record.seq, record.body))

        timings = in_turn(
            {
                REPLAY: lambda: replay(log, projections=(Metrics(),)),
                EVENTSOURCING: lambda: _library_fold(library),
                REBUILD: lambda: rebuild(log, log.folder),
                DECODE: decode,
            },
            units=ground.events,
            unit="events",
            rounds=rounds,
        )
        library.close()
    return timings, [
        ratio(timings, REPLAY, EVENTSOURCING, what=f"replay into the metrics fold, {ground.name}", want=3.0),
        ratio(timings, REBUILD, DECODE, what=f"rebuild of all projections, {ground.name}", want=0.4),
    ]


def catching_up(ground: Ground, *, events: int, rounds: int) -> dict[str, Timing]:
    """Append `events` small events and bring the stored projections up to them; the appends are not counted."""
    drafts = list(chain.from_iterable(mix.small(events)))
    turns = count()
    with ground.open() as log:
        catch_up(log, log.folder)
        seconds = []
        for _ in range(rounds):
            log.append(drafts, append_id=append_id(f"catch-up/{next(turns)}"))
            began = time.perf_counter()
            head = catch_up(log, log.folder)
            seconds.append(time.perf_counter() - began)
            assert head == log.head()
    return {CATCH_UP: Timing(name=CATCH_UP, units=events, unit="events", seconds=tuple(seconds))}


def _library_fold(library: "Eventsourcing") -> None:
    """Fold the library's events as `folding` folds ours: the same function over the same kind of tables."""
    metrics = Metrics()
    tables = {name: Overlay(table) for name, table in empty_state((metrics,))[metrics.name].items()}
    for event in library.replay():
        if event.TAG in metrics.reads:
            metrics.apply(tables, event, event.data)
    for table in tables.values():
        table.flush()


def _batches(log: EventLog) -> Iterator[list[Draft]]:
    envelopes = (decode_envelope(record.seq, record.body) for record in log.read())
    drafts = (
        Draft(job_id=one.job_id, stream=one.stream, event=decode_event(one), cause=one.cause) for one in envelopes
    )
    while batch := list(islice(drafts, EVENTS_AN_APPEND)):
        yield batch
