"""Timing that holds on a noisy machine: contestants in turn, round by round, and the spread of what they took."""

import resource
import statistics
import time
from collections.abc import Callable, Mapping

import msgspec

Run = Callable[[], object]
Clock = Callable[[], float]  # seconds


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """What one contestant took for `units` of work, over some rounds."""

    name: str
    units: int
    unit: str
    seconds: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """The median round."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Units a second in the median round."""
        return self.units / self.median_s

    @property
    def spread(self) -> float:
        """(slowest - fastest) / median."""
        return (max(self.seconds) - min(self.seconds)) / self.median_s


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How fast `name` is as a multiple of `peer`, round by round; `want` is the least that was promised."""

    what: str
    name: str
    peer: str
    rounds: tuple[float, ...]
    want: float | None = None

    @property
    def median(self) -> float:
        """The median round's ratio."""
        return statistics.median(self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether the promise holds; None where there is none."""
        return None if self.want is None else self.median >= self.want


def spent_s() -> float:
    """Return the processor time of this process and of its children that have ended: a busy machine's clock."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def in_turn(
    contestants: Mapping[str, Run],
    *,
    units: int,
    unit: str,
    rounds: int,
    clock: Clock = time.perf_counter,
) -> dict[str, Timing]:
    """Run the contestants one after the other, `rounds` times round, and return what each took by the `clock`.

    A first round is not counted: it warms caches for all of them alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            began = clock()
            run()
            if turn:
                taken[name].append(clock() - began)
    return {name: Timing(name=name, units=units, unit=unit, seconds=tuple(seconds)) for name, seconds in taken.items()}


def ratio(timings: Mapping[str, Timing], name: str, peer: str, *, what: str, want: float | None = None) -> Ratio:
    """Return how much faster `name` was than `peer`, pair by pair."""
    pairs = zip(timings[name].seconds, timings[peer].seconds, strict=True)
    scale = timings[name].units / timings[peer].units
    return Ratio(
        what=what, name=name, peer=peer, rounds=tuple(scale * theirs / ours for ours, theirs in pairs), want=want
    )


def over(timings: Mapping[str, Timing], name: str, peer: str) -> float:
    """Return how many seconds longer than `peer` `name` took: the median of the rounds, pair by pair."""
    return statistics.median(
        ours - theirs for ours, theirs in zip(timings[name].seconds, timings[peer].seconds, strict=True)
    )
