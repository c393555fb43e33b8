"""What the ledger holds of one series before an answer is judged, and how much of it a judgement looks at. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import msgspec

from ledger.ingest.rules.reading import Offer
from ledger.values import Action, Bar, Basis, Finding, Rank, RawBar, Window

Exact = Callable[[Sequence[RawBar]], list[Bar | Finding]]

SESSIONS_BESIDE = 2  # how far UNIT_100X looks from a session that is new, the farthest of all but STALE


class Reach(msgspec.Struct, frozen=True):
    """The part of a series that is looked at: `days`, the sessions beside them that the rules hold them against, and,
    with `ends`, the first and the last session held.
    """  # noqa: D205 - one sentence

    days: Window
    ends: bool


class Held(msgspec.Struct, frozen=True):
    """A ticker's sessions and corporate actions from one provider, as accepted up to now.

    Splits missing from `actions` look new, and cost a fetch of the whole range. `basis` is that of the newest
    decision, None where there is none.

    `bars` are all that is held, or, with a `reach`, whole calendar years: those that it needs. `leaves` has the leaf of
    every year that anything is held in; None where it is to be worked out from all the bars. `ranks` are those of the
    days of `reach` that have one, by the files that were accepted over them. `exact` does as `row_rules.exact_bars`
    does, for who keeps what it comes to: a row that comes again is not made exact again. `encoded` has the bars of
    whole years, each as a decision holds it; with any, `bars` are by date. `state` is what basis, leaves and actions
    lead to, where somebody had to know.
    """

    bars: dict[date, Bar]
    actions: tuple[Action, ...] = ()
    basis: Basis | None = None
    reach: Reach | None = None
    leaves: Mapping[int, bytes] | None = None
    ranks: Mapping[date, Rank] = {}
    exact: Exact | None = None
    encoded: Mapping[int, Sequence[bytes]] = {}
    state: bytes | None = None

    def reaches(self, reach: Reach) -> bool:
        """Return whether all that `reach` looks at is in `bars`."""
        own = self.reach
        if own is None:
            return True
        covered = own.days.start <= reach.days.start and reach.days.end <= own.days.end
        return covered and (own.ends or not reach.ends)


def needed(window: Window, offers: Iterable[Offer], basis: Basis) -> Reach:
    """Return what is looked at to judge an answer over `window` that names the corporate actions `offers`.

    Rows outside the window are rejected, but actions are held against the close before them wherever they are.
    Only a series on the scale of today is held against its ends.
    """
    days = [window.start, window.end, *[offer.date for offer in offers if offer.date is not None]]
    return Reach(Window(min(days), max(days)), ends=basis != "as_traded")


def beside(away: Iterable[Bar], *, and_next: bool = False) -> list[Bar]:
    """Return what the rules look at of `away`, the sessions that lead away from days that are judged.

    Two, and with them all that repeat the first, since a run of sessions alike is one finding. With `and_next` the one
    behind them too, for who leaves out what lies beyond: it keeps the end of such a run where it is.
    """
    looked_at: list[Bar] = []
    for bar in away:
        if len(looked_at) >= SESSIONS_BESIDE and not alike(bar, looked_at[0]):
            return [*looked_at, bar] if and_next else looked_at
        looked_at.append(bar)
    return looked_at


def alike(one: Bar, other: Bar) -> bool:
    """Return whether one session repeats the other: volume and the four prices."""
    return (
        one.volume == other.volume
        and one.close == other.close
        and (one.open, one.high, one.low) == (other.open, other.high, other.low)
    )
