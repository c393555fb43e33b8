"""Actions that the exchange listed, by its own formula, to the digit: factors, and the returns of their days.

Closes are those of the last session with the right and the first one without.
Source: B3, index manual; the exchange's list of corporate actions and its files of prices.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.market.price import AMOUNTS_PER_REAL
from ledger.market.sessions import shift
from ledger.values import Action, ActionKind, Bar
from projections.api.returns import AdjustedSeries
from projections.queries.adjusted import factors


def cash(*amounts: str, kind: ActionKind = "dividend") -> list[tuple[ActionKind, str]]:
    """Return payments of one day."""
    return [(kind, amount) for amount in amounts]


def made(com: date, given: Sequence[tuple[ActionKind, str]]) -> list[Action]:
    """Return the actions whose last day with the right was `com`."""
    found = []
    for kind, text in given:
        value, _, strike = text.partition("@")
        ratio = Fraction(value)
        if kind in {"split", "bonus", "grouping"}:
            found.append(Action(shift(com, 1), kind, None, ratio.numerator, ratio.denominator, "BRL"))
        elif kind == "subscription":
            price = int(Fraction(strike) * AMOUNTS_PER_REAL)
            sides = ratio.numerator, ratio.denominator
            found.append(Action(shift(com, 1), kind, None, *sides, "BRL", strike=price))
        else:
            found.append(Action(shift(com, 1), kind, int(ratio * AMOUNTS_PER_REAL), None, None, "BRL"))
    return found


def bars(com: date, before: str, after: str) -> dict[date, Bar]:
    """Return both sessions."""
    closes = {com: int(Fraction(before) * 1_000_000), shift(com, 1): int(Fraction(after) * 1_000_000)}
    return {day: Bar(day, close, close, close, close, None, 1) for day, close in closes.items()}


def rounded(value: Fraction, places: int) -> Decimal:
    """Return a fraction to so many places."""
    return round(Decimal(value.numerator) / Decimal(value.denominator), places)


@pytest.mark.parametrize(
    ("com", "closes", "given", "total"),
    [
        (date(2024, 4, 15), ("56.46", "27.91"), [("split", "2")], "-1.13355"),  # BBAS3, 100
        (date(2024, 5, 24), ("1.32", "13.15"), [("grouping", "0.10")], "-0.37879"),  # MGLU3
        (date(2020, 10, 13), ("104.00", "25.59"), [("split", "4")], "-1.57692"),  # MGLU3, 300
        (date(2025, 12, 29), ("9.35", "8.94"), [("bonus", "1.05")], "0.39572"),  # MGLU3, 5
        (date(2021, 1, 13), ("16.17", "16.26"), cash("0.0767"), "1.0358"),  # ABEV3
        (date(2024, 12, 11), ("40.59", "38.34"), cash("1.55174293"), "-1.78865"),  # PETR4
        (date(2024, 12, 23), ("36.86", "35.77"), cash("0.65356508", "0.66410331", "0.01053822"), "0.67040"),  # PETR4
        (date(2026, 8, 21), ("49.34", "46.94"), cash("0.47156696", "0.67407131", "0.20250435"), "-2.19174"),  # PETR3
    ],
)
def test_the_total_return_of_an_ex_day_is_the_exchanges(
    com: date, closes: tuple[str, str], given: list[tuple[ActionKind, str]], total: str
) -> None:
    """The close without the right, over the theoretical one."""
    held, actions = bars(com, *closes), made(com, given)
    series = AdjustedSeries(
        bars=held,
        splits=factors(held, actions, "as_traded", "splits"),
        total=factors(held, actions, "as_traded"),
    )
    gained = series.gained()
    assert gained is not None
    assert gained.total is not None
    assert Decimal(total) == rounded(gained.total * 100, len(total.partition(".")[2]))


@pytest.mark.parametrize(
    ("com", "close", "given", "factor"),
    [
        (date(2021, 1, 13), "16.17", cash("0.0767"), ".9952566"),  # ABEV3
        (date(2021, 12, 17), "16.07", cash("0.1334", "0.4702"), ".96243933"),  # ABEV3: the sum, not the product
        (date(2024, 12, 11), "40.59", cash("1.55174293"), ".96177031"),  # PETR4
        (date(2024, 12, 23), "36.86", cash("1.32820661"), ".96396618"),  # PETR4
        (date(2024, 12, 23), "36.86", cash("1.356891"), ".96318798"),  # the same day by the daily provider's amount
        (date(2022, 11, 21), "30.28", cash("1.155823", "1.600192"), ".90898233"),  # PETR3
    ],
)
def test_the_factor_of_cash_is_the_exchanges(
    com: date, close: str, given: list[tuple[ActionKind, str]], factor: str
) -> None:
    """All cash of one day is one payment."""
    found = factors(bars(com, close, close), made(com, given), "as_traded")[com]
    assert Decimal(factor) == rounded(found, len(factor) - 1)


def test_factors_of_two_days_are_multiplied() -> None:
    """PETR4 of 11/12/2024 and, by the daily provider's amount, of 23/12/2024: 0.92636561, where it had 0.92636557."""
    first, second = date(2024, 12, 11), date(2024, 12, 23)
    held = bars(first, "40.59", "38.34") | bars(second, "36.86", "35.77")
    given = [*made(first, cash("1.55174293")), *made(second, cash("1.356891"))]
    assert Decimal("0.92636561") == rounded(factors(held, given, "as_traded")[first], 8)


def test_the_theoretical_price_is_the_exchanges() -> None:
    """BBAS3, MGLU3 three times, and a subscription at an invented close of 2.00."""
    for com, close, given, theoretical in (
        (date(2024, 4, 15), "56.46", [("split", "2")], "28.23"),
        (date(2024, 5, 24), "1.32", [("grouping", "0.10")], "13.20"),
        (date(2020, 10, 13), "104.00", [("split", "4")], "26.00"),
        (date(2025, 12, 29), "9.35", [("bonus", "1.05")], "8.904762"),
        (date(2024, 1, 31), "2.00", [("subscription", "0.095790177529@1.95")], "1.99562917"),
    ):
        found = factors(bars(com, close, close), made(com, given), "as_traded")[com]
        assert Decimal(theoretical) == rounded(found * Fraction(close), len(theoretical.partition(".")[2]))


def test_a_split_and_a_payment_of_one_day_are_by_the_old_share() -> None:
    """CSAN3 of 05/05/2021: 1.0306 for a share that became four; by price alone only the split."""
    com, given = date(2021, 5, 5), [*cash("1.0306"), ("split", "4")]
    held = bars(com, "92.00", "23.00")
    assert (1 - Fraction("1.0306") / 92) / 4 == factors(held, made(com, given), "as_traded")[com]
    assert Fraction(1, 4) == factors(held, made(com, given), "as_traded", "splits")[com]


@pytest.mark.parametrize(
    "legs",
    [("0.025", "80"), ("0.01", "100")],  # VIVT3 14/04/2025: 0,025 then 7.900; TIMS3 02/07/2025: 0,01 then 9.900
)
def test_a_grouping_and_a_split_of_one_day_are_multiplied(legs: tuple[str, str]) -> None:
    """They are there to gather odd lots: 2.0 and 1.0."""
    com = date(2025, 4, 14)
    given: list[tuple[ActionKind, str]] = [("grouping", legs[0]), ("split", legs[1])]
    expected = 1 / (Fraction(legs[0]) * Fraction(legs[1]))
    assert expected == factors(bars(com, "26.00", "13.00"), made(com, given), "as_traded")[com]


def test_three_bonuses_make_the_count_of_shares() -> None:
    """SBSP3: 683,509,869 shares became 3,524,534,028, to eight digits."""
    became = Fraction("1.029646975") * Fraction("1.00160980322") * 5
    assert Decimal("5.15652252") == rounded(became, 8)
    assert abs(became / Fraction(3_524_534_028, 683_509_869) - 1) < Fraction(1, 100_000_000)
    days = [date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 5)]
    ratios = ("1.029646975", "1.00160980322", "5")
    actions = [
        action for day, one in zip(days, ratios, strict=True) for action in made(shift(day, -1), [("bonus", one)])
    ]
    held = {day: Bar(day, 10**6, 10**6, 10**6, 10**6, None, 1) for day in (shift(days[0], -1), *days)}
    assert 1 / became == factors(held, actions, "as_traded")[shift(days[0], -1)]


def test_paper_delivered_of_known_value_is_taken_off() -> None:
    """V of the formula: ITUB4 of 01/10/2021, 29.67, with an invented 5.33 of value."""
    com = date(2021, 10, 1)
    held = bars(com, "29.67", "24.34")
    assert (
        1 - Fraction("5.33") / Fraction("29.67") == factors(held, made(com, [("spin_off", "5.33")]), "as_traded")[com]
    )


def test_what_is_quoted_per_thousand_is_the_same_share_of_the_price() -> None:
    """PETR PN of 21/03/1996: 5.1471 of 114.99 for a thousand is 4.476128 %."""
    com = date(1996, 3, 21)
    found = factors(bars(com, "0.11499", "0.11"), made(com, cash("0.0051471")), "as_traded")[com]
    assert Decimal("4.476128") == rounded((1 - found) * 100, 6)


def test_a_right_above_the_price_is_worth_nothing() -> None:
    """Nobody subscribes at more than a share costs."""
    com = date(2024, 1, 31)
    held = bars(com, "2.00", "2.00")
    assert 1 == factors(held, made(com, [("subscription", "0.1@2.00")]), "as_traded")[com]
