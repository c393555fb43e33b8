"""A judgement over the years that it needs is the judgement over the whole series, whatever happened to it before."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import projections.audit.open_years
from ledger.events import ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.ingest.plan import Plan, SeriesState, known, window
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.judge import judge, reach, uncommitted
from ledger.ingest.rules.reading import Reading
from ledger.market.series import Series
from ledger.market.sessions import sessions, shift
from ledger.values import Basis, RawAction, RawBar, Window
from projections.audit.open_years import OpenYears
from projections.fold.folding import replayed
from projections.fold.memory_tables import MemoryTable
from projections.models import prices
from projections.models.prices import Prices
from projections.queries.snapshot_csv import render
from projections.store import windows
from projections.store.mending import Mending
from projections.store.windows import Windows
from tests.ledger.ingest.answers import TICKER, evidence
from tests.ledger.ingest.bench import PLAN
from tests.support.committed import EXCHANGE, SERIES, CommittedLog

# Both ends of each year, where what is beside a session lies in another leaf, and a year of which nothing comes.
YEARS = (2019, 2020, 2021, 2023, 2024, 2025)
DAYS = [
    day
    for year in YEARS
    for whole in [sessions(Window(date(year, 1, 1), date(year, 12, 31)))]
    for day in (*whole[:4], *whole[120:122], *whole[-4:])
]
SPANS = [(first, last) for first in range(len(DAYS)) for last in range(first, min(first + 14, len(DAYS)))]
FINISHED = "2026-01-20T12:00:00+00:00"
Answered = tuple[list[RawBar], list[RawAction], Window, Reading]

closes = st.sampled_from([10.0, 10.0, 10.0, 10.1, 14.0, 5.0, 0.1, 1000.0])


@st.composite
def rows(draw: st.DrawFn, first: int, last: int) -> list[RawBar]:
    """Draw rows of the days from `first` to `last`, some years on end alike, one outside now and then."""
    flat = draw(st.integers(0, 2)) == 0
    days = [day for day in DAYS[first : last + 1] if draw(st.integers(0, 6))]
    if not draw(st.integers(0, 9)):
        days.append(draw(st.sampled_from(DAYS)))
    return [
        RawBar(day, close, close, close, close, close * draw(st.sampled_from([1.0, 1.0, 1.0, 0.9])), volume)
        for day in sorted(set(days))
        for close, volume in [(10.0, 1000) if flat else (draw(closes), draw(st.sampled_from([0, 1000, 1000])))]
    ]


@st.composite
def answers(draw: st.DrawFn) -> Answered:
    """Draw an answer over part of the series or all of it; its actions may lie anywhere."""
    whole = (0, len(DAYS) - 1)
    first, last = draw(st.one_of(st.sampled_from(SPANS), st.sampled_from(SPANS), st.just(whole)))
    spread = st.tuples(
        st.sampled_from(DAYS[first : last + 1] * 3 + DAYS),
        st.sampled_from(["dividend", "capital_gain", "split"]),
        st.sampled_from([0.5, 2.0, 3.0, 9.0]),
    )
    actions = [RawAction(day, kind, size) for day, kind, size in draw(st.lists(spread, max_size=2))]  # type: ignore[arg-type] - one of the three kinds
    reading = Reading(every_session=draw(st.booleans()), first_day=draw(st.none() | st.sampled_from(DAYS)))
    return draw(rows(first, last)), actions, Window(DAYS[first], DAYS[last]), reading


def alike(*days: date, volume: int = 1000) -> list[RawBar]:
    """Return sessions that differ by their volume alone."""
    return [RawBar(day, 10.0, 10.0, 10.0, 10.0, 10.0, volume) for day in days]


# A run that the last year would go on with, were the one between them left out.
YEARS_APART: list[Answered] = [
    (alike(*DAYS[17:20]), [], Window(DAYS[10], DAYS[19]), Reading()),
    ([*alike(*DAYS[45:50], volume=0), *alike(DAYS[51])], [], Window(DAYS[44], DAYS[51]), Reading()),
    (alike(*DAYS[16:18]), [], Window(DAYS[5], DAYS[17]), Reading()),
]


class Part:
    """What a store hands out of the series of a log in memory, and what it keeps from one view to the next."""

    def __init__(self, ledger: CommittedLog) -> None:
        self._ledger = ledger
        self._kept = MemoryTable()

    def view(self) -> Windows:
        """Return a view of the log as it is now."""
        state = replayed(self._ledger.log.read(), [Prices()])[1]
        mending = Mending(Path(), state, fold_again=dict, departure=lambda *_: "a part that does not hold")
        return Windows(self._ledger.log, state, self._kept, mending)

    def keep(self, view: Windows) -> None:
        """Keep what the view noted."""
        for key, value in view.noted.items():
            self._kept.put(key, value)


@pytest.mark.parametrize("basis", ["split_adjusted", "as_traded"])
@settings(max_examples=60)
@given(st.lists(st.tuples(answers(), st.booleans()), min_size=1, max_size=6))
@example([(one, False) for one in YEARS_APART])
def test_a_part_is_judged_as_the_whole(basis: Basis, told: list[tuple[Answered, bool]]) -> None:
    """The same decision with the same states, or the same wider question; leaves kept at any time or never."""
    ledger = CommittedLog(basis)
    part, everything = Part(ledger), dict[date, RawBar]()
    for (bars, actions, asked, reading), kept in told:
        answer = evidence(bars, actions, window=asked, finished=FINISHED)
        whole, view = ledger.held(), part.view()
        if ledger.decisions:
            held = view.held(SERIES, reach(answer, basis=basis, reading=reading))
            assert held.reach is not None
            assert whole.actions == held.actions
            terms: dict[str, Any] = {"basis": basis, "exchange": EXCHANGE, "reading": reading}
            assert judge(answer, whole, **terms) == judge(answer, held, **terms)
            every = part.view().held(SERIES, None)
            assert (whole.bars, whole.actions) == (every.bars, every.actions)
        if kept:
            part.keep(view)
        everything |= {bar.date: bar for bar in bars}
        ledger.answer(bars, actions, asked, [everything[day] for day in sorted(everything)])


@pytest.mark.parametrize("basis", ["split_adjusted", "as_traded"])
@settings(max_examples=60)
@given(st.lists(answers(), min_size=1, max_size=6), st.booleans())
def test_the_sessions_nearby_are_judged_as_the_whole(basis: Basis, told: list[Answered], forgetful: bool) -> None:
    """The audit holds an answer against what lies beside it, and folds the states: the same decision, and the same."""
    ledger, everything, seen = CommittedLog(basis), dict[date, RawBar](), 0
    with ScratchMap() as scratch, ScratchMap() as texts, pytest.MonkeyPatch.context() as patched:
        if forgetful:
            patched.setattr(projections.audit.open_years, "BARS_KEPT", 0)
        years = OpenYears(scratch, texts)
        for bars, actions, asked, reading in told:
            answer, whole = evidence(bars, actions, window=asked, finished=FINISHED), ledger.held()
            near = years.near(SERIES, reach(answer, basis=basis, reading=reading))
            terms: dict[str, Any] = {"exchange": EXCHANGE, "reading": reading, "threshold_percent": 10.0}
            assert uncommitted(answer, whole, basis=basis, **terms) == uncommitted(answer, near, basis=basis, **terms)
            everything |= {bar.date: bar for bar in bars}
            ledger.answer(bars, actions, asked, [everything[day] for day in sorted(everything)])
            for decision in ledger.decisions[seen:]:
                assert (decision.before, decision.after) == years.apply(seen, decision, committing=True)
                seen += 1
            found, held = years.snapshot(SERIES), ledger.held().bars
            csv = render(TICKER, held) if held else None
            assert (None if csv is None else (csv.name, csv.rows, csv.sha256)) == found
            assert held == years.whole(SERIES).bars


@settings(max_examples=30)
@given(
    st.lists(answers(), min_size=1, max_size=4),
    st.sampled_from([shift(DAYS[-1], 1), shift(DAYS[-1], 70), *DAYS[30::7]]),
    st.booleans(),
)
def test_what_is_asked_for_is_the_same(told: list[Answered], today: date, whole_is_due: bool) -> None:
    """Missing sessions, the overlap and the first day: the window of a job over a part is that over the whole."""
    ledger = CommittedLog()
    for bars, actions, asked, _ in told:
        ledger.answer(bars, actions, asked, bars)
    view = Part(ledger).view()
    whole_on = date(2020, 1, 2) if whole_is_due else None

    def state(series: Series, reach: Reach) -> SeriesState:
        return SeriesState(view.held(series, reach), whole_on=whole_on)

    plan: Plan = PLAN
    found = known(state, SERIES, today)
    assert window(plan, TICKER, SeriesState(ledger.held(), whole_on=whole_on), today) == window(
        plan, TICKER, found, today
    )


def test_a_run_of_sessions_alike_is_followed_over_years() -> None:
    """It is one finding, which names its first session."""
    ledger = CommittedLog("as_traded")
    alike = [RawBar(day, 10.0, 10.0, 10.0, 10.0, None, 1000) for day in DAYS]
    ledger.answer([RawBar(DAYS[0], 11.0, 11.0, 11.0, 11.0, None, 1000), *alike[1:-1]], [], Window(DAYS[0], DAYS[-2]))
    part, answer = Part(ledger), evidence(alike[-1:], finished=FINISHED)
    for _ in range(2):
        view = part.view()
        found = view.held(SERIES, reach(answer, basis="as_traded"))
        whole, held = (judge(answer, one, basis="as_traded", exchange=EXCHANGE) for one in (ledger.held(), found))
        assert whole == held
        assert isinstance(held, ValidationCompleted)
        assert any(f"from {DAYS[1]}" in finding.detail for finding in held.warned)
        part.keep(view)


def test_a_part_reads_nothing_of_the_other_years(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once leaves are kept: the first year, the year asked for, and no other."""
    ledger = CommittedLog()
    bars = [RawBar(day, 10.0, 10.0, 10.0, 10.0, 10.0, 1000 + n) for n, day in enumerate(DAYS)]
    ledger.answer(bars, [], Window(DAYS[0], DAYS[-1]))
    part, wanted = Part(ledger), Reach(Window(DAYS[-2], DAYS[-1]), ends=True)
    view = part.view()
    view.held(SERIES, wanted)
    part.keep(view)
    read: list[tuple[int, int]] = []
    real = prices.held_years

    def noting(*given: Any) -> Any:
        read.append(given[2:])
        return real(*given)

    monkeypatch.setattr(windows.prices, "held_years", noting)
    view = part.view()
    held = view.held(SERIES, wanted)
    assert [(YEARS[-1], YEARS[-1]), (YEARS[0], YEARS[0])] == read
    assert {YEARS[0], YEARS[-1]} == {day.year for day in held.bars}
    assert {} == view.noted


def test_a_part_that_lacks_what_is_looked_at_is_refused() -> None:
    """Whoever hands it over made a mistake; no rule is quietly left out."""
    answer = evidence([], window=Window(DAYS[0], DAYS[1]))
    short = Held({}, reach=Reach(Window(DAYS[1], DAYS[1]), ends=True))
    with pytest.raises(ValueError, match="want it for"):
        judge(answer, short, basis="split_adjusted", exchange=None)
