"""Prices on their way out lose nothing."""

from hypothesis import given
from hypothesis import strategies as st

from cli.render import money
from ledger.market.price import price_text
from projections.queries.bar_fields import field_number


@given(st.integers(0, 10**14))
def test_a_double_names_the_price_that_it_came_from(micros: int) -> None:
    """Up to a hundred million reais: back in millionths, and as decimal text."""
    shown = field_number("close", micros)
    assert shown is not None
    assert micros == round(shown * 1_000_000)
    assert float(price_text(micros)) == shown


def test_fields_are_shown_in_their_unit() -> None:
    """Shares are whole, a missing value is null, and a change without two values a dash."""
    assert [37.32, 1000, None] == [
        field_number(*pair) for pair in (("close", 37_320_000), ("volume", 1000), ("close", None))
    ]
    assert ["+1.2500%", "-0.5000%", "-"] == [money.change_text(change) for change in (0.0125, -0.005, None)]
