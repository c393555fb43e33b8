"""A person's CSV of corporate actions: a header that names its columns, then an action and its reason per line. Pure.

Amounts and strikes are plain decimals of reais per share as traded on the day before, exact to 10^-12; a ratio is
`after:before`, of a subscription `new:held`. A line labelled `withdrawn` without amount and ratio says that nothing of
that kind is on that day, whoever says otherwise.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import cast, get_args

import msgspec

from ledger.ingest.providers.port import BodyError
from ledger.ingest.rules.actions import CURRENCY, SIZED, WITHDRAWN
from ledger.ingest.rules.reading import Offer, Reading
from ledger.market.price import LIMIT_MICROS, amount_from_text, amount_text
from ledger.market.sessions import covers, is_session
from ledger.market.ticker import TickerError, normalize
from ledger.values import Action, ActionKind, Identity, RawBar, Window

VERSION = "1"
COLUMNS = (
    *("ticker", "ex_date", "kind", "amount", "ratio", "com_date", "pay_date", "isin", "label", "strike", "reason"),
)
NEEDED = ("ticker", "ex_date", "kind", "reason")
KINDS: tuple[str, ...] = get_args(ActionKind)
CASH = frozenset({"dividend", "interest_on_capital", "income", "amortization", "capital_gain"})
OF_PAPER = frozenset({"spin_off", "redemption"})  # their amount is the value of what was delivered, where it is known
ISIN_CHARS = 12
BELOW = amount_text(LIMIT_MICROS)
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # of what is brought now, as the other providers have it


class SheetError(BodyError):
    """A line is none of a sheet's: got `found` in `column`, want `wanted`; `line` counts from 1, the header's."""

    def __init__(self, line: int, column: str, *, found: str, wanted: str) -> None:
        super().__init__(f"got {found} in column {column} of line {line}, want {wanted}")
        self.line, self.column, self.found, self.wanted = line, column, found, wanted


class SheetLine(msgspec.Struct, frozen=True):
    """One action as a person wrote it, why, and the bytes of the line."""

    number: int
    ticker: str
    action: Action
    reason: str
    text: bytes


class Cell(msgspec.Struct, frozen=True):
    """One cell of a line, and where it is."""

    line: int
    column: str
    text: str

    def refused(self, wanted: str) -> SheetError:
        """Return the error that this cell is not what is `wanted`."""
        return SheetError(self.line, self.column, found=repr(self.text) if self.text else "nothing", wanted=wanted)

    def day(self) -> date | None:
        """Return the day in it, None where it is empty.

        Raises: SheetError.
        """
        if not self.text:
            return None
        try:
            found = date.fromisoformat(self.text)
        except ValueError as error:
            raise self.refused("a day as YYYY-MM-DD") from error
        if found.isoformat() != self.text:
            raise self.refused("a day as YYYY-MM-DD")
        return found

    def amount(self, *, least: int = 1) -> int | None:
        """Return the 10^-12 of a real in it, None where it is empty.

        At `least` 0 where a change of rights that gave nothing has to be named all the same.

        Raises: SheetError for fewer than `least`, or no plain decimal of at most 12 places.
        """
        if not self.text:
            return None
        wanted = f"a plain decimal {'above 0' if least else 'of 0 or more'}, of at most 12 places, below {BELOW}"
        try:
            found = amount_from_text(self.text)
        except ValueError as error:
            raise self.refused(wanted) from error
        if not least <= found < LIMIT_MICROS:
            raise self.refused(wanted)
        return found

    def ratio(self) -> tuple[int, int] | None:
        """Return both sides of the ratio in it in lowest terms, None where it is empty.

        Raises: SheetError.
        """
        if not self.text:
            return None
        wanted = f"two numbers above 0, of at most 12 places, below {BELOW}, such as 11:10"
        sides = self.text.split(":")
        try:
            new, old = (amount_from_text(side) for side in sides)
            found = Fraction(new, old)
        except (ValueError, ZeroDivisionError) as error:
            raise self.refused(wanted) from error
        if not (0 < found.numerator < LIMIT_MICROS and found.denominator < LIMIT_MICROS):
            raise self.refused(wanted)
        return found.numerator, found.denominator


def raw_bars(body: bytes) -> tuple[RawBar, ...]:
    """Return no sessions: a sheet has none.

    Raises: SheetError for a body that is no sheet.
    """
    header(body)
    return ()


def reading(body: bytes) -> Reading:
    """Return the actions of a recorded answer: the header of a person's file, and the lines of one ticker.

    Raises: SheetError for any other body.
    """
    found = tuple(lines(body))
    return Reading(
        offers=tuple(Offer(date=one.action.ex_date, kind=one.action.kind, exact=one.action) for one in found),
        every_session=False,
        identity=Identity(symbol=", ".join(sorted({one.ticker for one in found})) or None),
    )


def window(actions: Sequence[Action]) -> Window:
    """Return the days that some actions are of, at least one of them."""
    days = [action.ex_date for action in actions]
    return Window(min(days), max(days))


def header(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the first line of a sheet as it is, and the columns that it names.

    Raises: SheetError.
    """
    first = next(iter(body.splitlines(keepends=True)), b"")
    named = tuple(name.strip() for name in _cells(first.removeprefix(b"\xef\xbb\xbf"), 1, COLUMNS[0]))
    for name in named:
        if name not in COLUMNS or named.count(name) > 1:
            raise SheetError(1, repr(name[:40]), found="that column", wanted=f"each of {', '.join(COLUMNS)} once")
    for name in NEEDED:
        if name not in named:
            raise SheetError(1, name, found="no such column", wanted=f"{', '.join(NEEDED)} at least")
    return first, named


def lines(body: bytes) -> Iterator[SheetLine]:
    """Yield the action of every line but empty ones.

    Raises: SheetError naming line and column.
    """
    _, named = header(body)
    for number, text in enumerate(body.splitlines(keepends=True)[1:], 2):
        if not text.strip():
            continue
        cells = _cells(text, number, named[0])
        for name, cell in zip(named, cells, strict=False):
            if fault := _unprintable(cell):
                raise SheetError(number, name, found=fault, wanted="UTF-8 text")
        if len(cells) != len(named):
            column = named[min(len(cells), len(named) - 1)]
            raise SheetError(
                number,
                column,
                found=f"{len(cells)} cells",
                wanted=f"{len(named)}, as the header has; one with a comma in it stands in quotes",
            )
        given = {name: Cell(number, name, cell.strip()) for name, cell in zip(named, cells, strict=True)}
        by_name = {name: given.get(name, Cell(number, name, "")) for name in COLUMNS}
        try:
            ticker = normalize(by_name["ticker"].text)
        except TickerError as error:
            raise by_name["ticker"].refused("a ticker such as PETR4") from error
        if not by_name["reason"].text:
            raise by_name["reason"].refused("why")
        yield SheetLine(number, ticker, _action(by_name), by_name["reason"].text, text)


def of_sessions(body: bytes) -> tuple[SheetLine, ...]:
    """Return the lines of a sheet that is brought now; what was recorded once is read by any calendar.

    Raises: SheetError for a day on which B3 does not trade, and one that no calendar is of, too.
    """
    found = tuple(lines(body))
    for one in found:
        for name in ("ex_date", "com_date", "pay_date"):
            day: date | None = getattr(one.action, name)
            if day is not None and not FIRST_DAY <= day <= LAST_DAY:
                raise SheetError(one.number, name, found=f"{day}", wanted=f"a day from {FIRST_DAY} to {LAST_DAY}")
        day = one.action.ex_date
        if covers(day) and not is_session(day):
            raise SheetError(
                one.number, "ex_date", found=f"{day}, a {day:%A} without trading", wanted="a session of B3"
            )
    return found


def _cells(line: bytes, number: int, first: str) -> list[str]:
    """Return the cells of a line; bytes in them that are no UTF-8 stand as lone surrogates.

    Raises: SheetError of the `first` column where the line cannot be taken apart.
    """
    try:
        return next(csv.reader([line.decode("utf-8", "surrogateescape").rstrip("\r\n")], strict=True), [])
    except csv.Error as error:
        raise SheetError(number, first, found=f"no CSV ({error})", wanted="cells separated by commas") from error


def _unprintable(cell: str) -> str | None:
    """Return what keeps a cell from being a text, None when nothing does."""
    if cell.replace("\t", "").isprintable():
        return None
    is_utf8 = cell.isascii() or not any("\udc80" <= char <= "\udcff" for char in cell)
    return "a control character" if is_utf8 else "bytes that are no UTF-8"


def _action(cells: Mapping[str, Cell]) -> Action:
    """Return the action of one line, held to what its kind has and has not."""
    if cells["kind"].text not in KINDS:
        raise cells["kind"].refused(f"one of {', '.join(KINDS)}")
    kind = cast("ActionKind", cells["kind"].text)
    ex_date, com_date, pay_date = (cells[name].day() for name in ("ex_date", "com_date", "pay_date"))
    if ex_date is None:
        raise cells["ex_date"].refused("the first day traded without the right, as YYYY-MM-DD")
    if com_date is not None and com_date >= ex_date:
        raise cells["com_date"].refused(f"a day before {ex_date}")
    if pay_date is not None and pay_date < ex_date:
        raise cells["pay_date"].refused(f"{ex_date} or later")
    isin, label = cells["isin"], cells["label"]
    if isin.text and not (len(isin.text) == ISIN_CHARS and isin.text.isascii() and isin.text.isalnum()):
        raise isin.refused(f"an ISIN of {ISIN_CHARS} letters and digits")
    amount, ratio = cells["amount"].amount(least=int(kind != "spin_off")), cells["ratio"].ratio()
    check_size(kind, cells, ratio)
    numerator, denominator = ratio or (None, None)
    return Action(
        ex_date,
        kind,
        amount,
        numerator,
        denominator,
        CURRENCY,
        com_date,
        pay_date,
        isin.text or None,
        label.text or None,
        cells["strike"].amount(),
    )


def check_size(kind: ActionKind, cells: Mapping[str, Cell], ratio: tuple[int, int] | None) -> None:
    """Return quietly when the line gives what makes up the size of its kind, and nothing else; withdrawn it has none.

    Raises: SheetError.
    """
    wanted = {"amount"} if kind in CASH else {"ratio", "strike"} if kind == "subscription" else {"ratio"}
    if kind in OF_PAPER:
        wanted = {"amount"} if cells["amount"].text else set()
    if cells["label"].text == WITHDRAWN:
        wanted = set()
    for name in ("amount", "ratio", "strike"):
        if (name in wanted) is not bool(cells[name].text):
            raise cells[name].refused(f"{'one' if name in wanted else 'nothing'} of a {kind}")
    if kind in SIZED and ratio is not None:
        more = ratio[0] > ratio[1]
        if ratio[0] == ratio[1] or (kind == "bonus" and not more) or (kind == "grouping" and more):
            other = "more" if kind == "bonus" else "fewer" if kind == "grouping" else "another number of"
            raise cells["ratio"].refused(f"{other} shares after than before, as after:before")
