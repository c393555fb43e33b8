"""Adjusted prices against pandas, computed there from the definitions and by another road."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.events import AMOUNTS_PER_MICRO
from ledger.values import Action, Bar, Basis
from projections.queries.adjusted import adjusted, adjusted_micros, factors
from tests.support import actions

FIRST = date(2024, 1, 1)


def day(number: int) -> date:
    """Return the day `number` days after the first."""
    return FIRST + timedelta(days=number)


def bars(closes: dict[int, int]) -> dict[date, Bar]:
    """Return flat bars by day."""
    return {day(number): Bar(day(number), close, close, close, close, None, 1) for number, close in closes.items()}


def paid(number: int, amount: int) -> Action:
    """Return a dividend."""
    return actions.paid(day(number), amount)


def parted(number: int, new: int, old: int) -> Action:
    """Return a split of `old` shares into `new`."""
    return actions.parted(day(number), new, old)


@pytest.mark.parametrize(
    ("actions", "basis", "expected"),
    [
        ([], "as_traded", [1, 1, 1]),
        ([paid(1, 1_000_000)], "as_traded", [Fraction(9, 10), 1, 1]),
        ([paid(2, 2_000_000)], "as_traded", [Fraction(9, 10), Fraction(9, 10), 1]),
        ([paid(1, 1_000_000), paid(1, 1_000_000)], "as_traded", [Fraction(8, 10), 1, 1]),
        ([paid(1, 1_000_000), paid(2, 2_000_000)], "as_traded", [Fraction(81, 100), Fraction(9, 10), 1]),
        ([paid(3, 3_000_000)], "as_traded", [Fraction(9, 10)] * 3),  # the session of the action is not held yet
        ([paid(0, 1_000_000)], "as_traded", [1, 1, 1]),  # nothing before it
        ([paid(1, 9_999_999)], "as_traded", [Fraction(1, 10_000_000), 1, 1]),
        ([paid(1, 10_000_000)], "as_traded", [1, 1, 1]),  # the whole close: no price is left
        ([paid(1, 0)], "as_traded", [1, 1, 1]),
        ([paid(1, -1)], "as_traded", [1, 1, 1]),
        ([parted(1, 2, 1)], "as_traded", [Fraction(1, 2), 1, 1]),
        ([parted(1, 2, 1)], "split_adjusted", [1, 1, 1]),
        ([parted(2, 1, 10)], "as_traded", [10, 10, 1]),
        ([parted(1, 2, 1), paid(1, 1_000_000)], "as_traded", [Fraction(9, 20), 1, 1]),
        ([parted(1, 2, 1), paid(1, 1_000_000)], "split_adjusted", [Fraction(9, 10), 1, 1]),
    ],
)
def test_factors_by_hand(actions: Sequence[Action], basis: Basis, expected: list[Fraction]) -> None:
    """Closes of 10, 20 and 30 reais."""
    held = bars({0: 10_000_000, 1: 20_000_000, 2: 30_000_000})
    assert expected == list(factors(held, actions, basis).values())


def test_a_capital_gain_is_a_payment() -> None:
    """Funds pay them; a share before that day was worth it too."""
    gain = actions.paid(day(1), 1_000_000, "capital_gain")
    assert [Fraction(9, 10), 1] == list(factors(bars({0: 10_000_000, 1: 9_000_000}), [gain], "split_adjusted").values())


def test_an_adjusted_price_is_rounded_once_and_half_to_even() -> None:
    """As a double, and in millionths of a real."""
    third = Fraction(1, 3)
    assert (10 / 3, 3_333_333) == (adjusted(10_000_000, third), adjusted_micros(10_000_000, third))
    assert [0, 2] == [adjusted_micros(micros, Fraction(1, 2)) for micros in (1, 3)]


@given(st.integers(1, 10**14), st.fractions(Fraction(1, 10**9), 10**6) | st.fractions(0, 1, max_denominator=10**40))
def test_an_adjusted_price_is_the_double_nearest_to_the_product(micros: int, factor: Fraction) -> None:
    """As fractions have it, which are exact until they become one."""
    assert float(Fraction(micros, 1_000_000) * factor) == adjusted(micros, factor)


def by_pandas(held: dict[date, Bar], actions: Sequence[Action], basis: Basis) -> list[float]:
    """Return the adjusted closes by cumulative products over a reversed series of daily factors, in doubles.

    Amounts stay whole millionths until the end: what is left of a close that was nearly paid out is exact.
    """
    closes = pd.Series({pd.Timestamp(on): float(bar.close) for on, bar in held.items()}).sort_index()
    told = pd.DataFrame(
        [(pd.Timestamp(one.ex_date), one.kind, (one.amount or 0) // AMOUNTS_PER_MICRO, _ratio(one)) for one in actions],
        columns=["date", "kind", "amount", "ratio"],
    )
    days = closes.index.union(pd.DatetimeIndex(told["date"])).unique()
    previous = closes.reindex(days).ffill().shift(1)
    payments = told[told["kind"] == "dividend"].groupby("date")["amount"].sum().reindex(days).fillna(0.0)
    steps = ((previous - payments) / previous).where(payments < previous, 1.0).fillna(1.0)
    if basis == "as_traded":
        ratios = told[told["kind"] == "split"].groupby("date")["ratio"].prod().reindex(days).fillna(1.0)
        steps /= ratios.where(previous.notna(), 1.0)
    later = steps[::-1].cumprod()[::-1].shift(-1).fillna(1.0)
    adjusted_closes: list[float] = (closes * later.reindex(closes.index) / 1e6).tolist()
    return adjusted_closes


def _ratio(action: Action) -> float:
    return action.numerator / action.denominator if action.numerator and action.denominator else 1.0


ACTIONS = st.lists(
    st.one_of(
        st.builds(paid, st.integers(0, 62), st.integers(1, 30_000_000)),
        st.builds(parted, st.integers(0, 62), st.integers(1, 20), st.integers(1, 20)),
    ),
    max_size=12,
)


@given(
    st.dictionaries(st.integers(0, 60), st.integers(10_000, 200_000_000), min_size=1, max_size=40),
    ACTIONS,
    st.sampled_from(["as_traded", "split_adjusted"]),
)
def test_adjusted_closes_agree_with_pandas(closes: dict[int, int], actions: list[Action], basis: Basis) -> None:
    """To a billionth, over random histories of dividends and splits."""
    held = bars(closes)
    found = factors(held, actions, basis)
    ours = [adjusted(held[on].close, found[on]) for on in sorted(held)]
    theirs = by_pandas(held, actions, basis)
    assert sorted(held) == list(found)
    assert pytest.approx(theirs, rel=1e-9) == ours
