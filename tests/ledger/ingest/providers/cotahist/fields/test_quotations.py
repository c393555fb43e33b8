"""Every field of the exchange's layout is decoded exactly, beside an independent parse by the layout's own columns."""

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ingest.providers.cotahist.fields import quotations
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.market.quotation import Quotation
from tests.support.cotahist import line
from tests.support.listed import bar

# The layout's table: first and last column, counted from 1.
COLUMNS = {
    "TIPREG": (1, 2), "DATA": (3, 10), "CODBDI": (11, 12), "CODNEG": (13, 24), "TPMERC": (25, 27), "NOMRES": (28, 39),
    "ESPECI": (40, 49), "PRAZOT": (50, 52), "MODREF": (53, 56), "PREABE": (57, 69), "PREMAX": (70, 82),
    "PREMIN": (83, 95), "PREMED": (96, 108), "PREULT": (109, 121), "PREOFC": (122, 134), "PREOFV": (135, 147),
    "TOTNEG": (148, 152), "QUATOT": (153, 170), "VOLTOT": (171, 188), "PREEXE": (189, 201), "INDOPC": (202, 202),
    "DATVEN": (203, 210), "FATCOT": (211, 217), "PTOEXE": (218, 230), "CODISI": (231, 242), "DISMES": (243, 245),
}  # fmt: skip
NUMBERS = ("PREMED", "PREOFC", "PREOFV", "TOTNEG", "VOLTOT", "PREEXE", "PTOEXE", "DISMES", "PRAZOT")
PRICES = ("PREABE", "PREMAX", "PREMIN", "PREULT", "QUATOT")
TEXTS = ("CODBDI", "CODNEG", "TPMERC", "NOMRES", "ESPECI", "MODREF", "INDOPC", "CODISI")


def width(name: str) -> int:
    """Return how many columns a field has."""
    first, last = COLUMNS[name]
    return last - first + 1


def parsed(text: str) -> dict[str, Any]:
    """Return the 26 fields of a line, by the table alone: in reais per share, None for what is no number."""
    raw = {name: text[first - 1 : last] for name, (first, last) in COLUMNS.items()}
    found: dict[str, Any] = {name: raw[name].rstrip(" ") for name in ("TIPREG", *TEXTS)}
    for name in ("TOTNEG", "QUATOT", "FATCOT", "PTOEXE", "DISMES", "PRAZOT"):
        found[name] = int(raw[name]) if all(one in "0123456789" for one in raw[name]) else None
    for name in ("PREABE", "PREMAX", "PREMIN", "PREMED", "PREULT", "PREOFC", "PREOFV", "PREEXE", "VOLTOT"):
        centavos = int(raw[name]) if all(one in "0123456789" for one in raw[name]) else None
        shares = 1 if name == "VOLTOT" else found["FATCOT"]
        found[name] = None if centavos is None else per_share(centavos, shares)
    for name in ("DATA", "DATVEN"):
        try:
            found[name] = date(int(raw[name][:4]), int(raw[name][4:6]), int(raw[name][6:]))
        except ValueError:
            found[name] = None
    return found


def per_share(centavos: int, shares: int) -> int:
    """Return millionths of a real per share, half-even."""
    exact = Decimal(centavos) * 10_000 / Decimal(shares)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def fields(quotation: Quotation) -> dict[str, Any]:
    """Return a quotation by the layout's names."""
    listing = quotation.listing
    return {
        "TIPREG": "01",
        "DATA": quotation.date,
        "CODBDI": listing.bdi,
        "CODNEG": quotation.code,
        "TPMERC": listing.market,
        "NOMRES": listing.name,
        "ESPECI": listing.specification,
        "PRAZOT": listing.term,
        "MODREF": listing.currency,
        "PREABE": quotation.open,
        "PREMAX": quotation.high,
        "PREMIN": quotation.low,
        "PREMED": quotation.average,
        "PREULT": quotation.close,
        "PREOFC": quotation.bid,
        "PREOFV": quotation.ask,
        "TOTNEG": quotation.trades,
        "QUATOT": quotation.volume,
        "VOLTOT": quotation.value,
        "PREEXE": listing.strike,
        "INDOPC": quotation.correction,
        "DATVEN": listing.expiry,
        "FATCOT": listing.factor,
        "PTOEXE": quotation.strike_points,
        "CODISI": listing.isin,
        "DISMES": listing.distribution,
    }


def none_where_absent(found: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with None for what the layout writes where there is none: no strike, no term, no expiry."""
    never = date(9999, 12, 31)
    return found | {
        "PREEXE": found["PREEXE"] or None,
        "PRAZOT": found["PRAZOT"] or None,
        "DATVEN": None if found["DATVEN"] == never else found["DATVEN"],
    }


LETTERS = st.text(st.characters(min_codepoint=32, max_codepoint=255, blacklist_categories=["Cc"]), max_size=12)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line of the layout: numbers of any size, texts of any letter, and blanks where an old file has them."""
    cells = {"TIPREG": "01", "DATA": draw(st.dates(date(1986, 1, 2), date(2199, 12, 30))).strftime("%Y%m%d")}
    for name in TEXTS:
        cells[name] = draw(LETTERS)[: width(name)].ljust(width(name))
    for name in PRICES:
        # What a float holds: larger ones are refused before anything is decoded.
        cells[name] = f"{draw(st.integers(0, 10 ** min(width(name), 12) - 1)):0{width(name)}d}"
    for name in NUMBERS:
        number = f"{draw(st.integers(0, 10 ** width(name) - 1)):0{width(name)}d}"
        cells[name] = draw(st.sampled_from([number, number, number, " " * width(name)]))
    cells["FATCOT"] = f"{draw(st.sampled_from([1, 1, 10, 1000, 3, 7]) | st.integers(1, 9_999_999)):07d}"
    expiry = draw(st.dates(date(1986, 1, 2), date(9999, 12, 31)))
    cells["DATVEN"] = draw(st.sampled_from([expiry.strftime("%Y%m%d"), "99991231", "00000000", " " * 8, "20240230"]))
    return "".join(cells[name] for name in COLUMNS).encode("latin-1")


@given(lines())
def test_every_field_equals_an_independent_parse(written: bytes) -> None:
    """All 26, exact to a millionth of a real a share; blanks and days that do not exist are None."""
    assert len(written) == 245
    held = bar(written)
    (found,) = quotations.quotations(written + b"\r\n", {held.date: held})
    assert none_where_absent(parsed(written.decode("latin-1"))) == fields(found)
    assert [(found.date, found.listing)] == [*quotations.listings(written + b"\r\n", {held.date: held}).items()]


def test_the_prices_of_a_quotation_are_those_of_the_bar() -> None:
    """Open, high, low, close and volume, whatever the quotation factor."""
    for factor in (1, 3, 10, 1000):
        written = line(date(2024, 6, 12), open=3701, high=3802, low=3603, close=3704, factor=factor)
        held = bar(written)
        (one,) = quotations.quotations(written, {held.date: held})
        assert (one.open, one.high, one.low, one.close, one.volume) == (
            *(held.open, held.high, held.low, held.close),
            held.volume,
        )


def test_the_line_of_the_bar_is_chosen_among_several_of_a_session() -> None:
    """The last one with its prices; the last of all where none has them."""
    day = date(2024, 6, 12)
    written = [line(day, close=100, trades=1), line(day, close=200, trades=2), line(day, close=200, trades=3)]
    written.append(line(day, close=300, trades=4))
    for close, trades in ((0, 1), (1, 3), (3, 4)):
        held = bar(written[close])
        (one,) = quotations.quotations(b"".join(written), {day: held})
        assert trades == one.trades
    held = bar(line(day, close=999))
    assert [4] == [one.trades for one in quotations.quotations(b"".join(written), {day: held})]


def test_only_the_sessions_asked_for_are_decoded() -> None:
    """In the file's order; a day that has no line is left out."""
    days = [date(2024, 6, 12) + timedelta(days=number) for number in range(3)]
    body = b"".join(line(day) for day in days)
    bars = {day: bar(line(day)) for day in (days[2], days[0], date(2024, 1, 2))}
    assert [days[0], days[2]] == [one.date for one in quotations.quotations(body, bars)]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Return some quotes of one code, sound or damaged: described alike or not, in any order, of any line end."""
    days = st.integers(10, 28).map(lambda number: date(2024, 6, number))
    listed = st.tuples(days, st.sampled_from(["PN", "ON", "ON ED"]), st.sampled_from([100, 101]))
    unique = draw(st.booleans())
    sessions = draw(st.lists(listed, max_size=8, unique_by=(lambda one: one[0]) if unique else None))
    lines = [line(day, specification=text, distribution=number) for day, text, number in sessions]
    body = bytearray(b"".join(lines))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2])) if body else 0):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.sampled_from(b"\r\n019 \xe7"))
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r"]))
    return bytes(body).replace(b"\r\n", end).removesuffix(draw(st.sampled_from([b"", b"", end])))


@given(bodies(), st.sets(st.integers(1, 30)))
def test_listings_are_those_of_the_quotations(body: bytes, left_out: set[int]) -> None:
    """Session by session in the same order, or the same refusal: lines cut together and one by one say the same."""
    numbers = set(range(1, 31)) - left_out
    bars = {day: bar(line(day)) for day in (date(2024, 6, number) for number in numbers)}
    try:
        expected: object = [(one.date, one.listing) for one in quotations.quotations(body, bars)]
    except LayoutError as error:
        expected = str(error)
    try:
        found: object = list(quotations.listings(body, bars).items())
    except LayoutError as error:
        found = str(error)
    assert expected == found


@pytest.mark.parametrize("at", [2, 12, 30, 60, 100, 150, 244])
@pytest.mark.parametrize("byte", [b"\r", b"\n"])
def test_a_line_end_inside_a_line_is_no_description(at: int, byte: bytes) -> None:
    """Whatever column it is in: what is cut out at once would hide that there are two lines."""
    body = line(date(2024, 6, 12)) + line(date(2024, 6, 13))
    with pytest.raises(LayoutError):
        quotations.listings(body[:at] + byte + body[at + 1 :], {})


@pytest.mark.parametrize("body", [b"{}", line(date(2024, 6, 12))[:200], b"00" + line(date(2024, 6, 12))[2:]])
def test_another_body_is_refused(body: bytes) -> None:
    """By the error that every reader of bodies raises."""
    with pytest.raises(LayoutError, match="want the quote 01"):
        quotations.listings(body, {})
