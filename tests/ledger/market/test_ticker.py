"""A ticker has one spelling, and nothing that is none gets any further."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.market.ticker import TickerError, code, currency, expiry, is_contract, is_index, normalize, short


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        ("PETR4", "PETR4.SA"),
        ("petr4.sa", "PETR4.SA"),
        (" PETR4.SA\n", "PETR4.SA"),
        ("TAEE11", "TAEE11.SA"),
        ("B3SA3", "B3SA3.SA"),
        ("A1B2C3D4", "A1B2C3D4.SA"),
        ("^BVSP", "^BVSP"),
        ("^ifix.", None),
        ("^AB", "^AB"),
        ("^ABCDEFGHI0", "^ABCDEFGHI0"),
        ("^A", None),
        ("^ABCDEFGHIJK", None),
        ("PETR", None),
        ("PETRO", None),
        ("PET4", None),
        ("ABCDEFGH9", None),
        ("", None),
        (".SA", None),
        ("PETR4.SA.SA", None),
        ("PETR4.US", None),
        ("../../x", None),
        ("PETR4/..", None),
        ("PETR4\0", None),
        ("PETR\u0664", None),
        ("PE\u017fR4", None),
        ("bbasa45@2016-01-18", "BBASA45@2016-01-18.SA"),
        ("PETR4T@T030.SA", "PETR4T@T030.SA"),
        ("PETR4@M017", "PETR4@M017.SA"),
        ("VAL4~brr", "VAL4~BRR.SA"),
        ("ABCDEFGH0123@9999-12-31~BRR.SA", "ABCDEFGH0123@9999-12-31~BRR.SA"),
        ("ABCDEFGH01234@9999-12-31", None),
        ("PET@M017", None),
        ("PETR4@2024-02-30", None),
        ("PETR4@2024-2-3", None),
        ("PETR4@0000-01-01", None),
        ("PETR4@T30", None),
        ("PETR4@T0300", None),
        ("PETR4@", None),
        ("PETR4~", None),
        ("PETR4~BRL", None),
        ("PETR4~XXX", None),
        ("PETR4~BRR@M017", None),
        ("PETR4@M010", None),
        ("PETR4@M070", None),
        ("^BVSP@M017", None),
        ("../@M017", None),
        ("PETR4@M\u0660\u0661\u0667", None),
    ],
)
def test_a_text_has_one_spelling_or_is_refused(text: str, ticker: str | None) -> None:
    """Just inside and just outside of what a B3 code and an index may be."""
    if ticker is not None:
        assert ticker == normalize(text)
        return
    with pytest.raises(TickerError) as refused:
        normalize(text)
    assert text == refused.value.text


@given(st.text(max_size=14) | st.from_regex(r"[A-Za-z0-9@~./\\^ -]{4,30}"))
def test_what_is_accepted_is_fixed_and_safe_in_a_path(text: str) -> None:
    """Normalizing twice changes nothing, and a normalized ticker holds no separator."""
    try:
        ticker = normalize(text)
    except TickerError:
        return
    assert ticker == normalize(ticker)
    assert not set(ticker) - set("^.@~-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


@pytest.mark.parametrize(
    ("ticker", "contract"),
    [
        ("BBASA45@2024-11-14.SA", True),
        ("PETR4T@T030.SA", True),
        ("PETR4@M017.SA", False),
        ("PETR4~BRR.SA", False),
        ("PETR4.SA", False),
        ("^BVSP", False),
    ],
)
def test_a_contract_ends_on_a_day_agreed_on(ticker: str, *, contract: bool) -> None:
    """Options, their exercises and forwards; not what shares a code by its market or its currency."""
    assert contract == is_contract(ticker)


def test_the_short_form_drops_the_suffix() -> None:
    """File names carry the code alone."""
    assert ["PETR4", "^BVSP"] == [short("PETR4.SA"), short("^BVSP")]


@pytest.mark.parametrize("name", ["IFIX", "ifix.sa", "SMLL.SA", "IDIV.sa"])
def test_an_index_that_yahoo_has_under_sa_is_a_ticker(name: str) -> None:
    """It has no digit, and nobody trades it."""
    assert normalize(name) == name.upper().removesuffix(".SA") + ".SA"
    assert is_index(normalize(name))
    assert not is_index("PETR4.SA")


@pytest.mark.parametrize(
    ("ticker", "said"),
    [
        ("PETR4.SA", ("PETR4", None, "BRL")),
        ("^BVSP", ("^BVSP", None, "BRL")),
        ("BBASA45@2016-01-18.SA", ("BBASA45", date(2016, 1, 18), "BRL")),
        ("PETR4T@T030.SA", ("PETR4T", None, "BRL")),
        ("VALEA10@1994-06-20~BRR.SA", ("VALEA10", date(1994, 6, 20), "BRR")),
        ("VAL4~BRC.SA", ("VAL4", None, "BRC")),
    ],
)
def test_a_ticker_says_code_expiry_and_currency(ticker: str, said: tuple[str, date | None, str]) -> None:
    """Prices are in reais where it names no other currency."""
    assert said == (code(ticker), expiry(ticker), currency(ticker))
