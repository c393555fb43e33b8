"""Adjusted series of random histories, as of each position, against the formulas written out day by day.

Several providers tell of all kinds of actions in any order: late, corrected, withdrawn by a person, quoted per thousand
once, in instalments. The reference knows nothing of witnesses as the product has them, of tables or of decisions.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codec import Draft
from ledger.market.series import Series
from ledger.memory_log import MemoryLog
from ledger.values import Action, ActionKind, Bar, Window
from projections.api.returns import adjusted_series
from projections.fold.folding import replayed
from projections.models.instruments import Instruments
from projections.models.prices import Prices
from projections.queries.adjusted import AdjustmentRule, held_factors
from tests.support.drafts import JOB, StepClock, decision

FIRST, SESSIONS = date(2024, 1, 1), 12
DAYS = [FIRST + timedelta(days=7 * number) for number in range(SESSIONS)]  # further apart than days are confused
TICKER, LISTED, OWN = "PETR4.SA", "b3", "manual"
PRICED = Series(TICKER, "cotahist")
CASH: tuple[ActionKind, ...] = ("dividend", "interest_on_capital", "income", "amortization")
REAL = 10**12
EVERY_DAY = Window(date(2000, 1, 1), date(2030, 1, 1))


class Word(msgspec.Struct, frozen=True):
    """One answer: whose, and all that it names."""

    provider: str
    actions: tuple[Action, ...]


@st.composite
def actions_of(draw: st.DrawFn, provider: str) -> Action:
    """Return an action of any kind; nearly all have a size."""
    day = draw(st.sampled_from(DAYS))
    kind = draw(st.sampled_from((*CASH, "split", "bonus", "grouping", "subscription", "spin_off", "gone")))
    if kind == "gone":
        what = draw(st.sampled_from(("dividend", "split")))
        return Action(day, what, None, None, None, "BRL", label="withdrawn" if provider == OWN else None)
    if kind in {"split", "bonus"}:
        return Action(day, kind, None, draw(st.integers(11, 80)), 10, "BRL")
    if kind == "grouping":
        return Action(day, kind, None, draw(st.integers(1, 9)), 10, "BRL")
    if kind == "subscription":
        return Action(day, kind, None, draw(st.integers(1, 9)), 10, "BRL", strike=draw(st.integers(1, 40)) * REAL)
    per = draw(st.sampled_from((1, 1000)))
    return Action(day, kind, draw(st.integers(1, 3000)) * REAL // 1000 // per, None, None, "BRL")


@st.composite
def histories(draw: st.DrawFn) -> list[Word]:
    """Return answers of both lists in any order, some of which correct what came before."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        provider = draw(st.sampled_from((LISTED, OWN)))
        told = draw(st.lists(actions_of(provider), max_size=5))
        instalments = told[:1] if draw(st.booleans()) else []
        kept = [one for one in told + instalments if one.kind in CASH or told.count(one) == 1]
        # A kind that is withdrawn is not named beside it.
        gone = {(one.ex_date, one.kind) for one in kept if one.label}
        found.append(Word(provider, tuple(one for one in kept if one.label or (one.ex_date, one.kind) not in gone)))
    return found


def recorded(words: Sequence[Word], closes: Sequence[int]) -> MemoryLog:
    """Return a log of the closes, then of each word."""
    log = MemoryLog(now=StepClock())
    bars = tuple(Bar(day, one, one, one, one, None, 1) for day, one in zip(DAYS, closes, strict=True))
    for number, (provider, of_bars, told) in enumerate(
        [(PRICED.provider, bars, ()), *((word.provider, (), word.actions) for word in words)]
    ):
        event = decision(
            TICKER, provider, EVERY_DAY, of_bars, basis="as_traded", rules_version=2, actions=told,
            before=bytes(32), after=bytes(32),
        )  # fmt: skip
        log.append([Draft(job_id=JOB, stream=TICKER, event=event)], append_id=number.to_bytes(16, "big"))
    return log


def reference(  # noqa: C901 - the formulas in one place, day by day
    words: Sequence[Word], closes: Sequence[int]
) -> dict[date, Fraction] | None:
    """Return the factor of each day by the formulas, None where nobody told of anything."""
    if not words:
        return None
    held: dict[str, dict[tuple[date, str], list[Action]]] = {LISTED: {}, OWN: {}}
    for word in words:
        for place in {(one.ex_date, one.kind) for one in word.actions}:
            held[word.provider][place] = [one for one in word.actions if (one.ex_date, one.kind) == place]
    gone = {place for place, some in held[OWN].items() if any(one.label for one in some)}
    factor, found = Fraction(1), {DAYS[-1]: Fraction(1)}
    for number in reversed(range(1, SESSIONS)):
        day, close = DAYS[number], Fraction(closes[number - 1], 10**6)
        own = [one for place, some in held[OWN].items() if place[0] == day and place not in gone for one in some]
        listed = [one for place, some in held[LISTED].items() if place[0] == day and place not in gone for one in some]
        known = True
        paid = added = worth = Fraction(0)
        became = Fraction(1)
        for kinds in ((*CASH, "capital_gain"), ("split", "bonus", "grouping"), ("subscription",), ("spin_off",)):
            of_kind = [[one for one in some if one.kind in kinds] for some in (own, listed)]
            for one in of_kind[0] or of_kind[1]:
                if one.kind in {"split", "bonus", "grouping"}:
                    known = known and one.numerator is not None
                    became *= Fraction(one.numerator or 1, one.denominator or 1)
                elif one.kind == "subscription":
                    if Fraction(one.strike or 0, REAL) < close:
                        added += Fraction(one.numerator or 0, one.denominator or 1)
                        worth += Fraction(one.numerator or 0, one.denominator or 1) * Fraction(one.strike or 0, REAL)
                else:
                    known = known and one.amount is not None
                    paid += Fraction(one.amount or 0, REAL)
        if not known:
            break
        factor *= (close + worth - (paid if paid < close else 0)) / (close * (became + added))
        found[DAYS[number - 1]] = factor
    return found


@settings(max_examples=60, deadline=None)
@given(words=histories(), closes=st.lists(st.integers(1_000_000, 60_000_000), min_size=SESSIONS, max_size=SESSIONS))
def test_adjusted_series_are_those_of_the_formulas_at_every_position(words: list[Word], closes: list[int]) -> None:
    """To the last digit: both are fractions."""
    log = recorded(words, closes)
    _, state = replayed(log.read(), [Prices(), Instruments()])
    for position in range(1, len(words) + 2):
        expected = reference(words[: position - 1], closes)
        found = held_factors(state, PRICED, position, AdjustmentRule(order=(OWN, LISTED)))
        if expected is None:
            assert found == {}
        else:
            assert expected == {day: factor for day, factor in found.items() if day in expected}
            assert set(expected) >= set(found)


@settings(max_examples=30, deadline=None)
@given(words=histories(), closes=st.lists(st.integers(1_000_000, 60_000_000), min_size=SESSIONS, max_size=SESSIONS))
def test_both_factors_of_a_series_are_those_of_each_scope(words: list[Word], closes: list[int]) -> None:
    """What is told of the actions is gathered once for both, and nothing of it depends on the scope."""
    log = recorded(words, closes)
    _, state = replayed(log.read(), [Prices(), Instruments()])
    for position in range(1, len(words) + 2):
        found = adjusted_series(state, PRICED, position, (OWN, LISTED))
        rules = (AdjustmentRule("splits", (OWN, LISTED)), AdjustmentRule("all", (OWN, LISTED)))
        expected = [held_factors(state, PRICED, position, rule) for rule in rules]
        assert expected == [found.splits, found.total]
