"""The layout, column by column: vectors put together by hand, and what is refused."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.layout import Header, LayoutError, QuoteLine
from ledger.market.price import price_micros
from ledger.values import RawBar
from tests.support.cotahist import line

# One quote, field by field with its columns, as the layout counts them.
FIELDS = {
    "TIPREG 1-2": "01",
    "DATA 3-10": "20240612",
    "CODBDI 11-12": "02",
    "CODNEG 13-24": "ABCD4       ",
    "TPMERC 25-27": "010",
    "NOMRES 28-39": "SINT\xc9TICA   ",
    "ESPECI 40-49": "PN  ED  N2",
    "PRAZOT 50-52": "   ",
    "MODREF 53-56": "R$  ",
    "PREABE 57-69": "0000000003701",
    "PREMAX 70-82": "0000000003802",
    "PREMIN 83-95": "0000000003603",
    "PREMED 96-108": "0000000009999",
    "PREULT 109-121": "0000000003704",
    "PREOFC 122-134": "0000000003705",
    "PREOFV 135-147": "0000000003706",
    "TOTNEG 148-152": "00042",
    "QUATOT 153-170": "000000000000123400",
    "VOLTOT 171-188": "000000000457073600",
    "PREEXE 189-201": "0000000000000",
    "INDOPC 202": "0",
    "DATVEN 203-210": "99991231",
    "FATCOT 211-217": "0000001",
    "PTOEXE 218-230": "0000000000000",
    "CODISI 231-242": "BRABCDACNPR0",
    "DISMES 243-245": "123",
}
VECTOR = "".join(FIELDS.values()).encode("latin-1")
HEADER = b"00COTAHIST.2024BOVESPA 20241230".ljust(245)
TRAILER = b"99COTAHIST.2024BOVESPA 2024123000000000007".ljust(245)
KNOWN = Header(b"COTAHIST.2024BOVESPA 20241230", b"2024", date(2024, 12, 30))


def changed(**fields: str) -> bytes:
    """Return the vector with some fields written otherwise."""
    written = {name: fields.get(name.split()[0], value) for name, value in FIELDS.items()}
    return "".join(written.values()).encode("latin-1")


def test_the_vector_fills_the_columns_that_its_names_say() -> None:
    """The vector is right before anything is read from it."""
    at = 0
    for name, value in FIELDS.items():
        first, _, last = name.split()[1].partition("-")
        assert (name, at + 1, at + len(value)) == (name, int(first), int(last or first))
        at += len(value)
    assert 245 == at


def test_a_quote_is_read_from_its_columns() -> None:
    """Open, high, low, close and shares: not the mean, which may lie anywhere, nor the offers."""
    bar = RawBar(date(2024, 6, 12), 37.01, 38.02, 36.03, 37.04, None, 123_400)
    assert QuoteLine(bar, b"R$  ") == layout.quote(VECTOR)


def test_a_quotes_names_are_read_from_their_columns() -> None:
    """Type, market, code, and the day in the year of its file."""
    assert (b"01", b"010", "ABCD4", date(2024, 6, 12)) == (
        layout.kind(VECTOR),
        layout.market(VECTOR),
        layout.code(VECTOR),
        layout.session(VECTOR, KNOWN),
    )


def test_the_scripts_line_reads_as_it_was_written() -> None:
    """The synthetic files are of this layout."""
    quote = layout.quote(line(date(2025, 1, 2), "ZAAA3", 153, open=150, high=155, low=149, shares=400, factor=10))
    assert QuoteLine(RawBar(date(2025, 1, 2), 0.15, 0.155, 0.149, 0.153, None, 400), b"R$  ") == quote


@pytest.mark.parametrize(
    ("centavos", "factor", "micros"),
    [
        (3732, 1, 37_320_000),
        (3732, 10, 3_732_000),
        (3732, 1000, 37_320),
        (1, 1000, 10),
        (1, 3, 3_333),
        (2, 3, 6_667),
        (1, 20_000, 0),
        (3, 20_000, 2),
        (5, 20_000, 2),
        (7, 20_000, 4),
    ],
)
def test_a_share_costs_the_price_over_the_factor(centavos: int, factor: int, micros: int) -> None:
    """Exact where the factor divides it; a half goes to the even millionth."""
    assert micros == layout.micros_a_share(centavos, factor)


@given(st.integers(0, 10**13 - 1), st.integers(1, 9_999_999))
def test_the_division_is_that_of_fractions(centavos: int, factor: int) -> None:
    """`round` of a Fraction is half-even too."""
    assert round(Fraction(centavos * 10_000, factor)) == layout.micros_a_share(centavos, factor)


@given(st.integers(1, 99_999_999), st.sampled_from([1, 10, 100, 1000]))
def test_evidence_carries_every_price_exactly(centavos: int, factor: int) -> None:
    """The float in the evidence means the very millionths that the file says."""
    close = layout.quote(changed(PREULT=f"{centavos:013d}", FATCOT=f"{factor:07d}")).bar.close
    assert Fraction(centavos * 10_000, factor) == price_micros(close)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"PREABE": " 000000003701"}, "PREABE ' 000000003701'"),
        ({"PREMAX": "+000000003802"}, "PREMAX '+000000003802'"),
        ({"PREMIN": "00000000_3603"}, "PREMIN '00000000_3603'"),
        ({"PREULT": "0000000003,70"}, "PREULT '0000000003,70'"),
        ({"QUATOT": " " * 18}, f"QUATOT {' ' * 18!r}"),
        ({"FATCOT": "       "}, "FATCOT '       '"),
        ({"FATCOT": "0000000"}, "FATCOT 0"),
        ({"DATA": "20240230"}, "the day '20240230'"),
        ({"DATA": "2024 612"}, "the day '2024 612'"),
        ({"PREABE": "9" * 13, "FATCOT": "0000007"}, "price 9999999999999 for 7 shares"),
    ],
)
def test_a_field_that_is_none_is_named(fields: dict[str, str], found: str) -> None:
    """A file with one of these is no COTAHIST file, or a damaged one."""
    with pytest.raises(LayoutError) as refusal:
        layout.quote(changed(**fields))
    assert found == refusal.value.found


def test_the_header_says_year_and_day() -> None:
    """And the stamp that the trailer repeats."""
    assert KNOWN == layout.header(HEADER)


@pytest.mark.parametrize(
    "first", [VECTOR, TRAILER, HEADER.replace(b"COTAHIST", b"COTAHISX"), HEADER.replace(b"2024B", b"AAAAB"), b""]
)
def test_another_first_line_is_no_header(first: bytes) -> None:
    """A file is known by it."""
    with pytest.raises(LayoutError, match=r"want the header 00COTAHIST\.AAAA"):
        layout.header(first)


def test_the_trailer_counts() -> None:
    """Columns 32 to 42."""
    assert 7 == layout.counted(TRAILER, KNOWN)


@pytest.mark.parametrize(
    ("trailer", "found"),
    [
        (TRAILER.replace(b"2024B", b"2023B"), "the trailer of COTAHIST.2023BOVESPA 20241230"),
        (TRAILER.replace(b"20241230", b"20241227"), "the trailer of COTAHIST.2024BOVESPA 20241227"),
        (TRAILER.replace(b"00000000007", b"          7"), "count '          7'"),
    ],
)
def test_another_files_trailer_is_refused(trailer: bytes, found: str) -> None:
    """Two files one after the other, or a count that is none."""
    with pytest.raises(LayoutError) as refusal:
        layout.counted(trailer, KNOWN)
    assert found == refusal.value.found


def test_a_quote_of_another_year_is_refused() -> None:
    """The header names one year."""
    with pytest.raises(LayoutError, match="got a record of 20230612, want one of 2024"):
        layout.session(changed(DATA="20230612"), KNOWN)


def test_a_recorded_answer_is_read_line_by_line() -> None:
    """With either line end; the lines of a day are given as they are, their padding aside."""
    body = VECTOR + b"\r\n" + VECTOR + b"\n"
    assert (layout.quote(VECTOR).bar,) * 2 == layout.raw_bars(body)
    assert (VECTOR.decode("latin-1"),) * 2 == layout.lines_of(body, date(2024, 6, 12))
    assert () == layout.lines_of(body, date(2024, 6, 13))


def test_a_recorded_answer_holds_quotes_only() -> None:
    """A header in it was never recorded by an import."""
    with pytest.raises(LayoutError, match="want the quote 01"):
        layout.raw_bars(VECTOR + b"\n00COTAHIST.2024\n")
