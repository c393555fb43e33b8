"""Canonical prices, held to numpy's and decimal's idea of the shortest decimal."""

import math
import struct
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ledger.market.price import (
    LIMIT_MICROS,
    price_from_text,
    price_micros,
    price_text,
    prices_micros,
    reais,
    split_ratio,
)

properties = settings(derandomize=True, deadline=None)
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**40), max_value=2.0**40)
FLOAT64 = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)
MICROS = st.integers(-LIMIT_MICROS, LIMIT_MICROS)


def half_even(text: str) -> int:
    """Return the millionths of a decimal the way decimal rounds them."""
    return int(Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_EVEN) * 1_000_000)


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        (37.31999969482422, 37_320_000),
        (37.32, 37_320_000),
        (37.5, 37_500_000),
        (0.012339999899268150, 12_340),
        (30.219999313354492, 30_220_000),
        (1e-7, 0),
        (0.0000005, 0),
        (0.0000015, 2),
        (12.3456785, 12_345_678),
        (12.3456775, 12_345_678),
        (-0.0, 0),
        (-1.1, -1_100_000),
    ],
)
def test_known_floats_become_the_price_they_were_meant_to_be(value: float, micros: int) -> None:
    """Widened float32 and plain float64 both give the decimal a person would write."""
    assert micros == price_micros(value)


@properties
@given(FLOAT32)
@example(2.0**-20)
@example(16777216.0)
@example(16777218.0)
def test_a_widened_float32_is_read_as_numpy_prints_it(value: float) -> None:
    """Numpy's shortest float32 is the reference."""
    text = np.format_float_positional(np.float32(value), unique=True, trim="0")
    assert half_even(text) == price_micros(value)


@properties
@given(st.integers(1, 10_000_000))
def test_every_price_in_centavos_survives_the_trip_through_float32(centavos: int) -> None:
    """Up to R$ 100,000 a float32 has room for centavos, and they come back exactly."""
    (widened,) = struct.unpack("f", struct.pack("f", centavos / 100))
    assert centavos * 10_000 == price_micros(widened)


@properties
@given(FLOAT64)
def test_any_other_float_is_read_as_its_repr(value: float) -> None:
    """The repr of a float64 is its shortest decimal."""
    assume(float(np.float32(value)) != value)
    assert half_even(repr(value)) == price_micros(value)


@properties
@given(st.integers(-65_537_000_000, 65_537_000_000), st.integers(-3, 3), st.sampled_from([0.5, 0.4989, 0.499, 0.4991]))
def test_a_float_near_the_middle_of_two_millionths_is_read_as_its_repr(whole: int, steps: int, part: float) -> None:
    """The float nearest to it, and those beside that one."""
    value = (whole + part) / 1_000_000
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.copysign(math.inf, steps))
    assume(struct.unpack("f", struct.pack("f", value))[0] != value)
    assert half_even(repr(value)) == price_micros(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e13, -1e300, 9.3e12])
def test_what_is_no_price_is_refused(value: float) -> None:
    """NaN, infinities and numbers past 63 bits raise ValueError."""
    with pytest.raises(ValueError, match=r"^got price .*, want "):
        price_micros(value)


@pytest.mark.parametrize(
    ("value", "ratio"),
    [
        (0.1, (1, 10)),
        (2.0, (2, 1)),
        (1.0, (1, 1)),
        (0.5, (1, 2)),
        (1.05, (21, 20)),
        (1.333333, (4, 3)),
        (0.333333, (1, 3)),
        (0.001, (1, 1000)),
        (100.0, (100, 1)),
    ],
)
def test_split_ratios_are_small_whole_numbers_of_shares(value: float, ratio: tuple[int, int]) -> None:
    """The float names the nearest ratio of at most 1000 old shares."""
    assert ratio == split_ratio(value)


@properties
@given(st.integers(1, 1000), st.integers(1, 1000))
def test_every_split_of_up_to_a_thousand_shares_is_exact(new: int, old: int) -> None:
    """Dividing and coming back gives the fraction in lowest terms."""
    assert Fraction(new, old).as_integer_ratio() == split_ratio(new / old)


@pytest.mark.parametrize("value", [0.0, -2.0, math.nan, math.inf, 1e-9, 1e300])
def test_what_is_no_ratio_is_refused(value: float) -> None:
    """Zero, negatives, NaN and ratios out of all proportion raise ValueError."""
    with pytest.raises(ValueError, match=r"^got split ratio .*, want "):
        split_ratio(value)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (37_320_000, "37.32"),
        (37_500_000, "37.50"),
        (37_000_000, "37.00"),
        (12_340, "0.01234"),
        (1, "0.000001"),
        (0, "0.00"),
        (-1_100_000, "-1.10"),
    ],
)
def test_prices_are_written_as_people_write_them(micros: int, text: str) -> None:
    """Two places at least, and no zeros at the end after them."""
    assert text == price_text(micros)


@properties
@given(MICROS)
def test_a_price_written_out_is_read_back_exactly(micros: int) -> None:
    """The text names the same number to decimal too."""
    text = price_text(micros)
    assert (micros, Decimal(micros).scaleb(-6)) == (price_from_text(text), Decimal(text))


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".5", "1e3", "+1", "--1", " 1", "1,5", "1.0000001", "\u0661.\u0662", "nan"]
)
def test_text_that_is_no_plain_decimal_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"^got price .*, want a plain decimal"):
        price_from_text(text)


def test_importing_canonical_loads_nothing_slow() -> None:
    """Neither numpy nor fractions is paid for by those who only print prices."""
    code = "import sys, ledger.market.price; print(sorted({'numpy', 'fractions', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


@properties
@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_every_price_of_15_digits_has_a_float_that_means_it(micros: int) -> None:
    """What an exact source says survives the evidence's floats."""
    assert micros == price_micros(reais(micros))


@pytest.mark.parametrize("micros", [1_048_576_250_000, 1_024_031_250, 128_015_625, 37_320_000, 0])
def test_a_price_that_a_float32_would_shorten_keeps_its_last_digit(micros: int) -> None:
    """Each is a float32, and a shorter decimal names the same one."""
    assert micros == price_micros(reais(micros))


def test_a_price_that_no_float_means_is_refused() -> None:
    """At a hundred thousand million reais two floats lie 15 millionths apart."""
    with pytest.raises(ValueError, match="at most 15 digits"):
        reais(10**17 + 1)


CENTAVOS = st.integers(-6_600_000, 6_600_000).map(lambda whole: whole / 100)
ODD = st.integers(-65_537_000_000, 65_537_000_000).map(lambda micros: (micros + 0.5) / 1_000_000)
SENT = st.one_of(CENTAVOS, CENTAVOS.map(lambda value: float(np.float32(value))), ODD, FLOAT32, FLOAT64)


@given(st.lists(st.one_of(SENT, SENT, SENT, st.floats()), max_size=12))
@example([65_535.99, -65_536.0])
def test_many_prices_are_read_as_each_of_them_is(values: list[float]) -> None:
    """A column of them, in which one may be no price."""
    try:
        expected = [price_micros(value) for value in values]
    except ValueError:
        with pytest.raises(ValueError, match="want"):
            prices_micros(values)
    else:
        assert expected == prices_micros(values)
