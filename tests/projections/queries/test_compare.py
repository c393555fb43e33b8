"""Two providers on one basis: agreement within a centavo, across splits, whatever was paid."""

from datetime import date, timedelta
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values import Action, Bar, Basis
from projections.queries.compare import FIELDS, Comparison, Field, PriceDifference, Reported, compare
from tests.support.actions import paid, parted

FIRST = date(2025, 1, 1)


def day(number: int) -> date:
    """Return the day of that number; a comparison knows no calendar."""
    return FIRST + timedelta(days=number)


def bar(number: int, close: int) -> Bar:
    """Return a bar that stood at `close` millionths."""
    return Bar(day(number), close, close, close, close, None, 100)


def told(closes: dict[int, int], basis: Basis = "split_adjusted", *actions: Action) -> Reported:
    """Return a series of those closes."""
    return Reported(bars={day(n): bar(n, close) for n, close in closes.items()}, actions=actions, basis=basis)


def split(number: int, numerator: int, denominator: int = 1) -> Action:
    """Return a split of `denominator` shares into `numerator`."""
    return parted(day(number), numerator, denominator)


def dividend(number: int, amount: int) -> Action:
    """Return a payment."""
    return paid(day(number), amount)


@pytest.mark.parametrize(
    ("close", "differs"), [(30_000_000, 0), (30_010_000, 0), (29_990_000, 0), (30_010_001, 1), (29_989_999, 1)]
)
def test_a_centavo_is_tolerated_and_no_more(close: int, differs: int) -> None:
    """Either way."""
    found = compare(told({0: 30_000_000}), told({0: close}, "as_traded"))
    assert (differs, 1 - differs) == (len(found.differing), found.agreeing)


@pytest.mark.parametrize(("adjusted", "differs"), [(40_000, 1), (31_289, 0), (31_290, 1), (31_211, 0), (31_210, 1)])
def test_a_centavo_is_one_of_the_price_as_traded(adjusted: int, differs: int) -> None:
    """R$ 8.00 before a split of 256: R$ 0.03125 of today's, and a centavo then is 39.0625 millionths now."""
    told_a = told({0: adjusted, 1: 31_000}, "split_adjusted", split(1, 256))
    assert differs == len(compare(told_a, told({0: 8_000_000, 1: 31_000}, "as_traded")).differing)


@pytest.mark.parametrize(("close", "differs"), [(50_005, 0), (50_006, 1), (49_995, 0), (49_994, 1), (60_000, 1)])
def test_below_ten_centavos_the_ratio_counts(close: int, differs: int) -> None:
    """A centavo would be a fifth of the price."""
    assert differs == len(compare(told({0: close}), told({0: 50_000}, "as_traded")).differing)


@pytest.mark.parametrize(("close", "differs"), [(30_003_000, 0), (30_003_001, 1)])
def test_where_neither_is_as_traded_the_ratio_counts(close: int, differs: int) -> None:
    """Nobody knows how many centavos there were to one."""
    assert differs == len(compare(told({0: 30_000_000}), told({0: close})).differing)


def test_days_are_counted_once_each() -> None:
    """In both, or in one of them."""
    a, b = told({0: 10, 1: 10, 2: 10, 5: 10}), told({1: 10, 2: 50_000, 3: 10})
    expected = Comparison(
        both=(day(1), day(2)),
        differing=(day(2),),
        only_a=(day(0), day(5)),
        only_b=(day(3),),
        differences=(PriceDifference(date=day(2), field="close", a=10, b=50_000, apart=49_990),),
    )
    assert expected == compare(a, b)


@pytest.mark.parametrize(("start", "end", "days"), [(None, 2, 3), (1, None, 3), (1, 2, 2), (4, None, 0)])
def test_start_and_end_are_inclusive(start: int | None, end: int | None, days: int) -> None:
    """Of both series."""
    series = told(dict.fromkeys(range(4), 10))
    bounds = {"start": None if start is None else day(start), "end": None if end is None else day(end)}
    assert (days, (), ()) == (
        len((found := compare(series, series, **bounds)).both),
        found.only_a,
        found.only_b,
    )


def test_a_split_brings_the_series_as_traded_down() -> None:
    """Before its day by the ratio, from its day on as they stand."""
    adjusted = told({0: 27_500_000, 1: 27_600_000, 2: 27_700_000}, "split_adjusted", split(1, 2))
    traded = told({0: 55_000_000, 1: 27_600_000, 2: 27_700_000}, "as_traded")
    assert (3, 3) == (compare(adjusted, traded).agreeing, compare(traded, adjusted).agreeing)


def test_a_grouping_brings_it_up() -> None:
    """Ten shares became one."""
    adjusted = told({0: 13_500_000, 1: 13_450_000}, "split_adjusted", split(1, 1, 10))
    assert 2 == compare(adjusted, told({0: 1_350_000, 1: 13_450_000}, "as_traded")).agreeing


def test_only_the_splits_that_the_adjusted_series_knows_count() -> None:
    """It is adjusted for those; what the other one claims changes nothing."""
    adjusted = told({0: 55_000_000, 1: 55_000_000})
    assert 2 == compare(adjusted, told({0: 55_000_000, 1: 55_000_000}, "as_traded", split(1, 2))).agreeing


def test_a_split_after_the_last_session_counts() -> None:
    """The adjusted series was rescaled when it came."""
    adjusted = told({0: 27_500_000}, "split_adjusted", split(3, 2))
    assert 1 == compare(adjusted, told({0: 55_000_000}, "as_traded")).agreeing


def test_dividends_change_nothing() -> None:
    """The closes compared are those that were traded."""
    adjusted = told({0: 30_000_000, 1: 28_000_000}, "split_adjusted", dividend(1, 2_000_000))
    assert 2 == compare(adjusted, told({0: 30_000_000, 1: 28_000_000}, "as_traded")).agreeing


@pytest.mark.parametrize("basis", ["as_traded", "split_adjusted"])
def test_two_series_of_one_basis_are_compared_as_they_stand(basis: Basis) -> None:
    """Splits and all."""
    series = told({0: 55_000_000, 1: 27_500_000}, basis, split(1, 2))
    assert 2 == compare(series, series).agreeing


def test_the_worst_comes_first() -> None:
    """Then the oldest; each on the basis compared, rounded to a millionth."""
    adjusted = told({0: 10_000_000, 1: 20_000_000, 2: 30_000_000}, "split_adjusted", split(3, 3))
    traded = told({0: 31_000_000, 1: 61_000_000, 2: 96_000_000}, "as_traded")
    expected = (
        PriceDifference(date=day(2), field="close", a=30_000_000, b=32_000_000, apart=2_000_000),
        PriceDifference(date=day(0), field="close", a=10_000_000, b=10_333_333, apart=333_333),
        PriceDifference(date=day(1), field="close", a=20_000_000, b=20_333_333, apart=333_333),
    )
    assert expected == compare(adjusted, traded).differences


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_is_compared_when_it_is_asked_for(field: Field) -> None:
    """And no other: a day differs once however many of its fields do."""
    prices = dict.fromkeys(FIELDS, 30000000) | {field: 31_000_000}
    a = Reported(bars={day(0): bar(0, 30_000_000)}, actions=(), basis="split_adjusted")
    b = Reported(bars={day(0): Bar(day(0), *prices.values(), None, 100)}, actions=(), basis="as_traded")
    others = tuple(name for name in FIELDS if name != field)
    assert ([field], 1, 1, 0) == (
        [one.field for one in compare(a, b, fields=FIELDS).differences],
        len(compare(a, b, fields=FIELDS).differing),
        len(compare(a, b, fields=(field,)).differing),
        len(compare(a, b, fields=others).differing),
    )


RATIOS = st.sampled_from([(2, 1), (3, 1), (10, 1), (1, 10), (3, 2), (1, 4)])


@given(
    st.lists(st.integers(1_000_000, 90_000_000), min_size=2, max_size=12),
    st.dictionaries(st.integers(0, 13), RATIOS, max_size=4),
    st.integers(0, 11),
)
def test_random_splits_are_undone_exactly(closes: list[int], ratios: dict[int, tuple[int, int]], at: int) -> None:
    """Held to the product of the ratios, taken day by day; a price moved past the tolerance then shows, alone."""
    scales = []
    for number in range(len(closes)):
        scale = Fraction(1)
        for on, (new, old) in ratios.items():
            scale *= Fraction(old, new) if on > number else 1
        scales.append(scale)
    rescaled = {n: round(close * scale) for n, (close, scale) in enumerate(zip(closes, scales, strict=True))}
    splits = [split(on, new, old) for on, (new, old) in ratios.items()]
    traded = told(dict(enumerate(closes)), "as_traded")
    assert () == compare(told(rescaled, "split_adjusted", *splits), traded).differences
    moved = at % len(closes)
    rescaled[moved] += round(10_000 * scales[moved]) + 2
    found = compare(told(rescaled, "split_adjusted", *splits), traded)
    assert (day(moved),) == found.differing


def adjusting(closes: dict[int, tuple[int, int]]) -> Reported:
    """Return a provider's series by its closes and the adjusted closes of its own."""
    bars = {day(n): msgspec.structs.replace(bar(n, close), adj_close=own) for n, (close, own) in closes.items()}
    return Reported(bars=bars, actions=(), basis="split_adjusted")


PAID = {day(0): Fraction(9, 10), day(1): Fraction(9, 10), day(2): Fraction(1)}


@pytest.mark.parametrize("level", [Fraction(1), Fraction(3, 4)])
@pytest.mark.parametrize("first", ["own", "ours"])
def test_adjusted_closes_are_compared_as_ratios(level: Fraction, first: str) -> None:
    """To the newest session's: what a provider paid after the last one lowers all of its adjusted closes alike."""
    own = adjusting({n: (100, round(close * level)) for n, close in enumerate((900_000, 890_000, 1_000_000))})
    ours = msgspec.structs.replace(told(dict.fromkeys(range(3), 1_000_000), "as_traded"), adjusted=PAID)
    found = compare(*((ours, own) if first == "ours" else (own, ours)), fields=["adj_close"])
    a, b = round(890_000 * level), round(900_000 * level)
    assert [(day(1), "adj_close", *((b, a) if first == "ours" else (a, b)))] == [
        (one.date, one.field, one.a, one.b) for one in found.differences
    ]


def test_sessions_without_both_adjusted_closes_are_not_compared() -> None:
    """Neither what the provider has none of, nor what is before an action of no known size."""
    own = adjusting({0: (100, 123), 1: (100, 1_000_000), 2: (100, 1_000_000)})
    ours = msgspec.structs.replace(
        told(dict.fromkeys(range(3), 1_000_000), "as_traded"), adjusted={day(1): Fraction(1), day(2): Fraction(1)}
    )
    assert () == compare(own, ours, fields=["adj_close"]).differences


@pytest.mark.parametrize(("volume", "differs"), [(1_000_000, 0), (1_000_100, 0), (1_000_101, 1), (999_899, 1)])
def test_volumes_are_of_the_shares_of_today(volume: int, differs: int) -> None:
    """A split of two for one doubles those from before it."""
    a = told({0: 15_000_000, 1: 15_000_000}, "split_adjusted", split(1, 2))
    a = msgspec.structs.replace(a, bars={d: msgspec.structs.replace(one, volume=volume) for d, one in a.bars.items()})
    b = told({0: 30_000_000, 1: 15_000_000}, "as_traded")
    of_b = {day(0): 500_000, day(1): 1_000_000}
    b = msgspec.structs.replace(b, bars={d: msgspec.structs.replace(one, volume=of_b[d]) for d, one in b.bars.items()})
    found = compare(a, b, fields=["volume"])
    assert 2 * differs == len(found.differing)
    assert {"volume"} >= {one.field for one in found.differences}
