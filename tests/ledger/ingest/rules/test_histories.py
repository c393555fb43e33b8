"""Random histories in any cuts of daily runs: in the end one answer says what is held, or a finding says why not.

A provider lists actions late, corrects and drops them, mends history after a split days later or never, corrects,
drops and adds rows. Runs ask for what `window` says of them; a look at the whole range comes within `REFRESH_DAYS`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import prod

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ledger.events import ValidationCompleted
from ledger.ingest.fetch import Patience
from ledger.ingest.plan import REFRESH_DAYS, Plan, SeriesState, window
from ledger.ingest.rules import actions
from ledger.ingest.rules.catalogue import ADJ_SAME
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge
from ledger.ingest.rules.reading import Offer, Reading
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.market.sessions import sessions
from ledger.values import Bar, Finding, RawBar, Window
from tests.ledger.ingest.answers import TICKER, evidence

EVENTFUL = sessions(Window(date(2025, 3, 6), date(2025, 5, 9)))  # something may happen, at any time of these
TAIL = sessions(Window(date(2025, 5, 12), EVENTFUL[-1] + timedelta(days=REFRESH_DAYS + 3)))
DAYS = EVENTFUL + TAIL
LAST = len(EVENTFUL) - 1
PLAN = Plan(patience=Patience(retries=0, attempt_s=1, job_s=1), lock_timeout_s=1, threshold_percent=10)
NEVER = len(DAYS)
RATIOS = ((2, 1), (3, 2), (25, 1), (1, 10), (11, 10))
WRONG = (7, 1)  # a ratio that is listed by mistake


class Dividend(msgspec.Struct, frozen=True):
    """A payment of a fraction of the price: when it is listed and dropped again, and until when told as half of it."""

    on: int
    fraction: float
    listed: int
    dropped: int
    corrected: int


class Split(msgspec.Struct, frozen=True):
    """A split: when it is listed, told in its own ratio, and history mended for it."""

    on: int
    ratio: tuple[int, int]
    listed: int
    corrected: int
    mended: int


class Cell(msgspec.Struct, frozen=True):
    """A row that is off by a factor, or not there (0): until the day `at` where `late`, else from then on."""

    on: int
    factor: float
    at: int
    late: bool

    def at_day(self, now: int) -> float:
        """Return what its prices are multiplied by, 0 for no row."""
        return self.factor if self.late is (now < self.at) else 1.0


class History(msgspec.Struct, frozen=True):
    """All that happens, and on which days somebody asks."""

    dividends: tuple[Dividend, ...]
    splits: tuple[Split, ...]
    cells: tuple[Cell, ...]
    asked: tuple[int, ...]

    def bar(self, number: int, now: int) -> RawBar | None:
        """Return a row as it is told on the day `now`."""
        wrong = prod(cell.at_day(now) for cell in self.cells if cell.on == number)
        if not wrong:
            return None
        scale = prod(ratio for split, ratio in self._scales() if split.on <= number or split.mended <= now)
        price = 50.0 * (1 + number % 5 / 1000) * scale * wrong
        paid = [one for one in self.dividends if one.on > number and one.listed <= now < one.dropped]
        factor = prod(1 - one.fraction / (1 + (now < one.corrected)) for one in paid)
        opened, high, low, close = (round(price * off, 6) for off in (0.9995, 1.002, 0.998, 1.0))
        return RawBar(DAYS[number], opened, high, low, close, round(close * factor, 6), 1000 + number)

    def _scales(self) -> list[tuple[Split, float]]:
        return [(split, split.ratio[1] / split.ratio[0]) for split in self.splits]

    def offers(self, now: int) -> Iterator[Offer]:
        """Yield the actions that are told on the day `now`."""
        for paid in self.dividends:
            if max(paid.on, paid.listed) <= now < paid.dropped:
                amount = paid.fraction * 50 / (1 + (now < paid.corrected))
                later = prod(
                    one.ratio[1] / one.ratio[0] for one in self.splits if one.on <= paid.on or one.mended <= now
                )
                yield Offer(date=DAYS[paid.on], kind="dividend", amount=round(amount * later, 6))
        for one in self.splits:
            if max(one.on, one.listed) <= now:
                new, old = WRONG if now < one.corrected else one.ratio
                yield Offer(date=DAYS[one.on], kind="split", numerator=new, denominator=old)

    def judged(self, now: int, asked: Window, held: Held) -> ValidationCompleted | WholeRangeNeeded:
        """Return what is made of the answer of an evening."""
        days = [number for number in range(now + 1) if asked.start <= DAYS[number] <= asked.end]
        rows = tuple(bar for number in days if (bar := self.bar(number, now)) is not None)
        told = tuple(one for one in self.offers(now) if one.date and asked.start <= one.date <= asked.end)
        fetch = evidence(rows, window=asked, finished=f"{DAYS[now]}T23:00:00+00:00")
        reading = Reading(rows=rows, offers=told, granularity="1d", names_currency=True, first_day=DAYS[0])
        return judge(fetch, held, basis="split_adjusted", exchange="SAO", reading=reading)


class Ledger:
    """What runs leave behind, as the read models keep it."""

    def __init__(self) -> None:
        self.state = SeriesState(Held({}))
        self.decisions: list[ValidationCompleted] = []

    def run(self, history: History, now: int) -> None:
        """Ask as a job does on an evening: again and for more where one answer would mix two scales."""
        held = self.state.held
        decision = history.judged(now, window(PLAN, TICKER, self.state, DAYS[now]), held)
        if isinstance(decision, WholeRangeNeeded):
            decision = history.judged(now, decision.window, held)
        assert isinstance(decision, ValidationCompleted)
        assert decision.verdict in {"success", "warning"}
        self.decisions.append(decision)
        bars = held.bars | {bar.date: bar for bar in decision.bars}
        missing = {day: found for day, found in self.state.missing.items() if not _within(day, decision.window)}
        gaps = {one.date: DAYS[now] for one in decision.warned if one.rule == "GAP" and one.date}
        whole = bars and decision.window.start <= min(bars)
        self.state = SeriesState(
            Held(bars, actions.in_force(held.actions, decision.actions), decision.basis),
            missing=missing | gaps,
            whole_on=DAYS[now] if whole else self.state.whole_on,
        )

    def explained(self) -> set[date]:
        """Return every day of which a decision says something."""
        found: set[date] = set()
        for decision in self.decisions:
            listed: Sequence[Finding] = (*decision.rejected, *decision.flagged, *decision.warned)
            found.update(one.date for one in listed if one.date is not None)
            found.update(decision.withdrawn)
        return found


def _within(day: date, asked: Window) -> bool:
    return asked.start <= day <= asked.end


def differing(held: Held, told: Held) -> set[date]:
    """Return the days on which two series differ, in bars or in actions."""
    days = {day for day in held.bars.keys() | told.bars.keys() if not _alike(held.bars.get(day), told.bars.get(day))}
    return days | {one.ex_date for one in set(held.actions) ^ set(told.actions)}


def _alike(one: Bar | None, other: Bar | None) -> bool:
    if one is None or other is None or one.adj_close is None or other.adj_close is None:
        return one == other
    # What differs by less is kept as it was, and rounding to a millionth is no difference either.
    near = abs(one.adj_close - other.adj_close) <= ADJ_SAME * other.adj_close + 1
    return near and msgspec.structs.replace(one, adj_close=other.adj_close) == other


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a history; whatever happens has happened by the last eventful day."""

    def since(day: int) -> st.SearchStrategy[int]:
        return st.integers(day, LAST)

    def soon_or_late(day: int) -> int:
        return draw(st.just(day) | since(day))

    dividends, splits = [], []
    for on in draw(st.lists(st.integers(3, LAST), max_size=3, unique=True)):
        listed = soon_or_late(on)
        dropped = draw(st.just(NEVER) | since(listed))
        fraction = draw(st.sampled_from([0.002, 0.004, 0.01]))
        dividends.append(Dividend(on, fraction, listed, dropped, soon_or_late(on)))
    for on in draw(st.lists(st.integers(3, LAST), max_size=2, unique=True)):
        mended = draw(st.just(on) | since(on) | st.just(NEVER))
        ratio = draw(st.sampled_from(RATIOS))
        splits.append(Split(on, ratio, soon_or_late(on), soon_or_late(on), mended))
    cells = [
        Cell(on, draw(st.sampled_from([0.0, 0.99, 1.03])), soon_or_late(on), draw(st.booleans()))
        for on in draw(st.lists(st.integers(0, LAST), max_size=3, unique=True))
    ]
    # Bits of a number: any cuts, half of the days on average; every day and hardly any come up too.
    bits = draw(st.integers(0, 2**NEVER - 1) | st.just(2**NEVER - 1) | st.builds(lambda bit: 1 << bit, since(0)))
    asked = [number for number in range(2, NEVER - 1) if bits >> number & 1]
    return History(tuple(dividends), tuple(splits), tuple(cells), (*asked, NEVER - 1))


@given(histories())
def test_what_is_held_is_what_one_answer_says_or_a_finding_says_why_not(history: History) -> None:
    """On each day that differs, in a bar or in an action, a decision has a finding or names the row as withdrawn."""
    ledger, at_once = Ledger(), Ledger()
    for now in history.asked:
        ledger.run(history, now)
    at_once.run(history, NEVER - 1)
    assert set() == differing(ledger.state.held, at_once.state.held) - ledger.explained()


@given(histories())
def test_a_split_that_history_is_never_mended_for_is_flagged(history: History) -> None:
    """However late it is listed, and whatever else happens around it."""
    ledger = Ledger()
    for now in history.asked:
        ledger.run(history, now)
    flagged = {one.date for decision in ledger.decisions for one in decision.flagged if one.rule == "SPLIT_SUSPECT"}
    held = sorted(ledger.state.held.bars)
    for split in history.splits:
        step = next((day for day in held if day >= DAYS[split.on]), None)
        alone = not any(abs(other.on - split.on) < 3 for other in (*history.splits, *history.cells) if other != split)
        if split.mended == NEVER and alone:
            assert step in flagged


def test_the_histories_hold_what_they_are_to_try() -> None:
    """A wrong first ratio, a late listing, a mend that never comes: told as they are."""
    split = Split(5, (2, 1), 7, 9, NEVER)
    history = History((Dividend(4, 0.01, 6, 8, 4),), (split,), (Cell(3, 0.0, 6, late=True),), (5,))
    told = [[(one.kind, one.amount, one.numerator) for one in history.offers(now)] for now in (5, 6, 7, 9)]
    assert [[], [("dividend", 0.5, None)], [("dividend", 0.5, None), ("split", None, 7)], [("split", None, 2)]] == told
    assert (None, 50.15) == (history.bar(3, 5), getattr(history.bar(3, 6), "close", None))
