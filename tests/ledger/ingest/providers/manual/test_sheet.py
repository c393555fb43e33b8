"""A person's sheet: every kind of action exactly as it is written, and what is wrong named by line and column."""

from datetime import date

import pytest

from ledger.ingest.providers.manual import sheet
from ledger.ingest.providers.manual.sheet import SheetError
from ledger.ingest.rules import actions
from ledger.values import Action

HEADER = "ticker,ex_date,kind,amount,ratio,com_date,pay_date,isin,label,strike,reason\n"
DAY = date(2025, 3, 19)


def read(*lines: str) -> list[Action]:
    """Return the actions of these lines, as the reader of recorded bodies has them."""
    body = (HEADER + "".join(f"{line}\n" for line in lines)).encode()
    return [actions.canonical(offer) for offer in sheet.reading(body).offers]


@pytest.mark.parametrize("kind", ["dividend", "interest_on_capital", "income", "amortization", "capital_gain"])
def test_a_payment_is_exact_to_twelve_places(kind: str) -> None:
    """No float on the way: KLBN11 paid 0.22798586124 per unit."""
    (found,) = read(f"KLBN11,2025-03-19,{kind},0.227985861245,,,,,,,notice")
    assert (kind, 227_985_861_245, None, None) == (found.kind, found.amount, found.numerator, found.denominator)


@pytest.mark.parametrize(
    ("kind", "ratio", "shares"),
    [
        ("split", "80:1", (80, 1)),
        ("split", "1:100", (1, 100)),
        ("bonus", "11:10", (11, 10)),
        ("bonus", "1.03:1", (103, 100)),
        ("grouping", "0.06666666667:1", (6_666_666_667, 100_000_000_000)),
    ],
)
def test_a_ratio_is_after_to_before_in_lowest_terms(kind: str, ratio: str, shares: tuple[int, int]) -> None:
    """Decimals too."""
    (found,) = read(f"MGLU3,2025-03-19,{kind},,{ratio},2025-03-18,,BRMGLUACNOR2,X,,notice")
    expected = (kind, None, *shares, "BRL", date(2025, 3, 18), None, "BRMGLUACNOR2", "X", None)
    assert Action(DAY, *expected) == found


def test_a_subscription_has_its_strike() -> None:
    """MGLU3 of 31/01/2024: 9.5790177529 % at 1.95."""
    (found,) = read("MGLU3,2024-02-01,subscription,,0.095790177529:1,,,,,1.95,notice")
    assert (95_790_177_529, 1_000_000_000_000, 1_950_000_000_000) == (found.numerator, found.denominator, found.strike)


@pytest.mark.parametrize("kind", ["spin_off", "redemption"])
def test_what_was_delivered_in_paper_may_be_of_unknown_value(kind: str) -> None:
    """Then it has no size at all, and is none that withdraws."""
    valued, unknown = read(f"A1AP3,2025-03-19,{kind},5.33,,,,,,,notice", f"A1AP3,2025-03-19,{kind},,,,,,,,notice")
    assert (5_330_000_000_000, None, False) == (valued.amount, unknown.amount, actions.is_withdrawal(unknown))


def test_a_withdrawal_has_no_size() -> None:
    """Of any kind."""
    found = read(*(f"PETR4,2025-03-19,{kind},,,,,,withdrawn,,never paid" for kind in sheet.KINDS))
    assert all(actions.is_withdrawal(one) for one in found)
    assert len(sheet.KINDS) == len(found)


def test_columns_come_in_any_order_and_lines_may_be_empty() -> None:
    """As spreadsheets write them: a byte order mark, ends of lines of either kind, quotes."""
    body = b'\xef\xbb\xbfreason,kind,ticker,ex_date,amount\r\n\r\n"filed, late",dividend,petr4,2025-03-19,1.5\r\n'
    (one,) = sheet.lines(body)
    assert ("PETR4.SA", "filed, late", 1_500_000_000_000) == (one.ticker, one.reason, one.action.amount)


@pytest.mark.parametrize(
    ("line", "column", "wanted"),
    [
        ("PETR,2025-03-19,dividend,1,,,,,,,x", "ticker", "a ticker such as PETR4"),
        ("PETR4,19/03/2025,dividend,1,,,,,,,x", "ex_date", "a day as YYYY-MM-DD"),
        ("PETR4,20250319,dividend,1,,,,,,,x", "ex_date", "a day as YYYY-MM-DD"),
        ("PETR4,,dividend,1,,,,,,,x", "ex_date", "the first day traded without the right"),
        ("PETR4,2025-03-19,dividends,1,,,,,,,x", "kind", "one of dividend, "),
        ("PETR4,2025-03-19,dividend,,,,,,,,x", "amount", "one of a dividend"),
        ("PETR4,2025-03-19,dividend,0,,,,,,,x", "amount", "above 0"),
        ("PETR4,2025-03-19,dividend,-1,,,,,,,x", "amount", "above 0"),
        ("PETR4,2025-03-19,dividend,1e3,,,,,,,x", "amount", "a plain decimal"),
        ("PETR4,2025-03-19,dividend,0.1234567890123,,,,,,,x", "amount", "at most 12 places"),
        ("PETR4,2025-03-19,dividend,1,2:1,,,,,,x", "ratio", "nothing of a dividend"),
        ("PETR4,2025-03-19,dividend,1,,,,,,3,x", "strike", "nothing of a dividend"),
        ("PETR4,2025-03-19,split,,,,,,,,x", "ratio", "one of a split"),
        ("PETR4,2025-03-19,split,,2,,,,,,x", "ratio", "such as 11:10"),
        ("PETR4,2025-03-19,split,,2:0,,,,,,x", "ratio", "such as 11:10"),
        ("PETR4,2025-03-19,split,,0:2,,,,,,x", "ratio", "above 0"),
        ("PETR4,2025-03-19,split,,3:3,,,,,,x", "ratio", "another number of shares after than before"),
        ("PETR4,2025-03-19,bonus,,1:2,,,,,,x", "ratio", "more shares after than before"),
        ("PETR4,2025-03-19,grouping,,2:1,,,,,,x", "ratio", "fewer shares after than before"),
        ("PETR4,2025-03-19,subscription,,1:2,,,,,,x", "strike", "one of a subscription"),
        ("PETR4,2025-03-19,dividend,1,,2025-03-19,,,,,x", "com_date", "a day before 2025-03-19"),
        ("PETR4,2025-03-19,dividend,1,,,2025-03-18,,,,x", "pay_date", "2025-03-19 or later"),
        ("PETR4,2025-03-19,dividend,1,,,,BRPETR,,,x", "isin", "an ISIN of 12 letters and digits"),
        ("PETR4,2025-03-19,dividend,1,,,,,withdrawn,,x", "amount", "nothing of a dividend"),
        ("PETR4,2025-03-19,dividend,1,,,,,,,", "reason", "why"),
        ("PETR4,2025-03-19,dividend,1,3,,,,,,,x", "reason", "11, as the header has"),
        ("PETR4,2025-03-19,dividend", "amount", "11, as the header has"),
        ('"PETR4,2025-03-19,dividend,1,,,,,,,x', "ticker", "cells separated by commas"),
        ("PETR4,2025-03-19,dividend,9223372.036854775808,,,,,,,x", "amount", "below 9223372.036854775808"),
        ("PETR4,2025-03-19,dividend,99999999,,,,,,,x", "amount", "below 9223372.036854775808"),
        ("PETR4,2025-03-19,split,,99999999:1,,,,,,x", "ratio", "below 9223372.036854775808, such as 11:10"),
        ("PETR4,2025-03-19,split,,9999999.999999999999:1,,,,,,x", "ratio", "below 9223372.036854775808"),
        ("PETR4,2025-03-19,dividend,1,,,,,\x1b[2J,,x", "label", "UTF-8 text"),
        ("PETR4,2025-03-19,dividend,1,,,,,,,x\0y", "reason", "UTF-8 text"),
        ('PETR4,2025-03-19,dividend,1,,,,,"a, b\x07",,x', "label", "UTF-8 text"),
        ("\x7fPETR4,2025-03-19,dividend,1,,,,,,,x", "ticker", "UTF-8 text"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(line: str, column: str, wanted: str) -> None:
    """With what was found in it, and what is wanted."""
    with pytest.raises(SheetError, match="got ") as caught:
        read("PETR4,2025-03-19,dividend,1,,,,,,,x", line)
    assert (3, column, True) == (caught.value.line, caught.value.column, wanted in caught.value.wanted)


@pytest.mark.parametrize("column", range(len(sheet.COLUMNS)))
@pytest.mark.parametrize(("bad", "found"), [(b"\x01", "a control character"), (b"\xc7", "bytes that are no UTF-8")])
def test_a_cell_that_is_no_text_is_named_by_its_column(column: int, bad: bytes, found: str) -> None:
    """Whichever it is; a sheet that was saved in Latin-1 has such bytes in its labels."""
    cells = b"PETR4,2025-03-19,dividend,1,,,,,,,x".split(b",")
    cells[column] += bad
    with pytest.raises(SheetError) as caught:
        list(sheet.lines(HEADER.encode() + b",".join(cells)))
    assert (2, sheet.COLUMNS[column], found) == (caught.value.line, caught.value.column, caught.value.found)


@pytest.mark.parametrize(
    ("ex_date", "com_date", "pay_date", "column"),
    [
        ("0001-01-02", "", "", "ex_date"),
        ("1899-12-29", "", "", "ex_date"),
        ("9999-12-31", "", "", "ex_date"),
        ("2025-03-19", "1899-12-31", "", "com_date"),
        ("2025-03-19", "", "2200-01-01", "pay_date"),
    ],
)
def test_a_day_that_no_calendar_is_of_is_refused_now(ex_date: str, com_date: str, pay_date: str, column: str) -> None:
    """A body that was recorded once is read all the same."""
    body = (HEADER + f"PETR4,{ex_date},dividend,1,,{com_date},{pay_date},,,,x\n").encode()
    assert 1 == len(list(sheet.lines(body)))
    with pytest.raises(SheetError, match="want a day from 1900-01-01 to 2199-12-31") as caught:
        sheet.of_sessions(body)
    assert (2, column) == (caught.value.line, caught.value.column)


@pytest.mark.parametrize(
    ("header", "column"),
    [("ticker,ex_date,kind\n", "reason"), ("ticker,ex_date,kind,reason,price\n", "'price'"), ("kind,kind\n", "'kind'")],
)
def test_a_header_names_known_columns_once_each(header: str, column: str) -> None:
    """And the four that are needed."""
    with pytest.raises(SheetError) as caught:
        sheet.header(header.encode())
    assert (1, column) == (caught.value.line, caught.value.column)


def test_a_day_without_trading_is_refused_when_it_is_brought_and_not_when_it_is_read_again() -> None:
    """A later calendar must not make evidence unreadable."""
    body = (HEADER + "PETR4,2025-03-22,dividend,1,,,,,,,x\n").encode()
    with pytest.raises(SheetError, match="2025-03-22, a Saturday without trading in column ex_date of line 2"):
        sheet.of_sessions(body)
    assert 1 == len(sheet.reading(body).offers)
