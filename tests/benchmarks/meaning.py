"""What verification costs beside the hashes alone, and beside a bare loop that makes the same checks.

`python -m tests.benchmarks.meaning [--events N]` prints one JSON object; all of it is processor time of one process.
The loop keeps every series in dicts: it is as fast as plain Python gets, and its memory grows with the log.
"""

import time
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click
import lmdb
import msgspec
from blake3 import blake3

from ledger.audit.rehash import rehash_range
from ledger.audit.succession import Succession
from ledger.chain import GENESIS
from ledger.codec import Envelope
from ledger.events import EVENT_TYPES, FetchSucceeded, SnapshotWritten, ValidationCompleted
from ledger.ingest.rules.actions import in_force
from ledger.limits import name_fault, names
from ledger.market.series import Series
from ledger.market.series_state import leaf, state
from ledger.store.engine import EVENTS, Engine
from ledger.values import ACCEPTED, Action
from tests.benchmarks import ground
from tests.benchmarks.ground import Ground
from tests.benchmarks.measure import Timing, in_turn, ratio
from tests.benchmarks.one_object import print_measured
from tests.benchmarks.peers import bare_walk

HASHES, MEANING, STATES, BARE = "hashes alone", "with meaning", "with meaning and states", "bare loop"


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: microseconds of the median round, ratios round by round."""

    events: int
    decisions: int
    us_an_event: dict[str, float]
    states_us_a_decision: float
    to_the_bare_loop: tuple[float, ...]
    to_the_hashes: tuple[float, ...]


class Held:
    """A series of the bare loop."""

    def __init__(self) -> None:
        self.years: dict[int, dict[date, bytes]] = {}
        self.leaves: dict[int, bytes] = {}
        self.actions: tuple[Action, ...] = ()
        self.basis: str | None = None


def bare(env: Any, events: Any) -> int:
    """Make every check of verification in a plain loop; return how many decisions commit to what they lead to."""
    decoders = {tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in EVENT_TYPES.items()}
    envelope_of, encode = msgspec.msgpack.Decoder(Envelope).decode, msgspec.msgpack.Encoder().encode
    held: dict[Series, Held] = {}
    tied: dict[int, tuple[type, str, str]] = {}
    link, recorded_at, seq, decisions = bytes(GENESIS), 0, 0, 0
    with env.begin() as txn:
        for key, value in txn.cursor(db=events):
            body = value[32:]
            link = blake3(link + body).digest()
            envelope = envelope_of(body)
            event = decoders[envelope.type](envelope.data)
            assert key == seq.to_bytes(8, "big")
            assert value[:32] == link
            assert (envelope.seq, True) == (seq, envelope.recorded_at >= recorded_at)
            assert not any(map(name_fault, names(envelope.stream, event)))
            recorded_at = envelope.recorded_at
            if isinstance(event, FetchSucceeded | ValidationCompleted):
                tied[seq] = type(event), event.ticker, event.provider
            if isinstance(event, SnapshotWritten) and envelope.cause is not None:
                assert tied[envelope.cause][:2] == (ValidationCompleted, event.ticker)
            if isinstance(event, ValidationCompleted):
                assert envelope.cause is not None
                assert tied[envelope.cause] == (FetchSucceeded, event.ticker, event.provider)
                _decide(held, event, encode)
                decisions += 1
            seq += 1
    return decisions


def _decide(held: dict[Series, Held], event: ValidationCompleted, encode: Any) -> None:
    series = Series(event.ticker, event.provider)
    known = held.setdefault(series, Held())
    assert event.before == state(series, known.basis or event.basis, known.leaves, known.actions)
    if event.verdict in ACCEPTED:
        touched = set()
        for bar in event.bars:
            known.years.setdefault(bar.date.year, {})[bar.date] = encode(bar)
            touched.add(bar.date.year)
        for year in touched:
            bars = known.years[year] = dict(sorted(known.years[year].items()))
            known.leaves[year] = leaf(bars.values())
        known.actions = in_force(known.actions, event.actions)
    known.basis = event.basis
    assert event.after == state(series, event.basis, known.leaves, known.actions)


def contest(each: Ground, *, rounds: int) -> tuple[int, dict[str, Timing]]:
    """Return how many decisions the ledger has, and the processor time that everybody takes over it."""
    folder = each.home.current()
    assert folder is not None

    def opened(run: Any) -> Any:
        with lmdb.open(str(folder), readonly=True, max_dbs=2, map_size=0) as env:
            return run(env, env.open_db(EVENTS, create=False))

    def verified(*, states: bool) -> None:
        engine = Engine(folder, readonly=True)
        with Succession() as succession:
            report = rehash_range(engine, 0, each.events, succession if states else None)
        engine.close()
        assert (None, each.events) == (report.flaw, report.good)

    contestants = {
        HASHES: lambda: opened(bare_walk),
        MEANING: lambda: verified(states=False),
        STATES: lambda: verified(states=True),
        BARE: lambda: opened(bare),
    }
    timings = in_turn(contestants, units=each.events, unit="events", rounds=rounds, clock=time.process_time)
    return opened(bare), timings


def measure(folder: Path, *, events: int, rounds: int) -> Verified:
    """Return the figures."""
    decisions, timings = contest(ground.realistic(folder / "realistic", events), rounds=rounds)
    us = {name: timing.median_s / events * 1e6 for name, timing in timings.items()}
    return Verified(
        events=events,
        decisions=decisions,
        us_an_event={name: round(each, 2) for name, each in us.items()},
        states_us_a_decision=round((us[STATES] - us[MEANING]) * events / decisions, 1),
        to_the_bare_loop=ratio(timings, STATES, BARE, what="verify").rounds,
        to_the_hashes=ratio(timings, HASHES, STATES, what="verify").rounds,
    )


@click.command()
@click.option("--events", type=click.IntRange(min=100), default=100_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
def main(events: int, rounds: int) -> None:
    """Measure verification and print one JSON object."""
    print_measured(partial(measure, events=events, rounds=rounds))


if __name__ == "__main__":
    main()
