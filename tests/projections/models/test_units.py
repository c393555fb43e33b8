"""What the ledger holds of a value names what Python and JSON get of it, exactly."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.market.price import price_text
from projections.models import units

TIMES_US = st.integers(0, 4_102_444_800_000_000)  # to the year 2100


@given(st.integers(-(10**14), 10**14) | st.integers(-(10**10), 10**10).map((10_000).__mul__))
def test_a_price_is_exact_in_python_and_the_nearest_double_in_json(micros: int) -> None:
    """Two places at least, so that it is never taken for a number of shares."""
    price = units.reais(micros)
    assert (micros, price_text(micros)) == (int(price.scaleb(6)), str(price))
    assert (micros / 1_000_000, float) == (units.number(price), type(units.number(price)))


@pytest.mark.parametrize("micros", [0, 1, 10_000, 37_500_000, -37_500_000, 123_456_789_010_000, 10**14])
def test_a_price_is_exact_in_any_context_of_decimals(micros: int) -> None:
    """A caller who reckons with three digits gets all of them."""
    with localcontext(prec=3):
        assert price_text(micros) == str(units.reais(micros))


@given(st.integers(0, 2**63))
def test_shares_stay_whole(count: int) -> None:
    """An int in JSON, however many."""
    assert (count, int) == (units.number(Decimal(count)), type(units.number(Decimal(count))))


@given(TIMES_US)
def test_a_time_loses_no_microsecond(at_us: int) -> None:
    """Aware and UTC; its text to the second is cut off, not rounded."""
    at = units.instant(at_us)
    assert (at_us, UTC) == ((at - units.EPOCH) // timedelta(microseconds=1), at.tzinfo)
    assert at == datetime.fromisoformat(units.exact_text(at))
    assert at.replace(microsecond=0) == datetime.fromisoformat(units.second_text(at))
    assert units.second_text(at) == units.second_text_us(at_us)
