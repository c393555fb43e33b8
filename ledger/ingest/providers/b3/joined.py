"""One ticker's actions out of the answers about its company: the supplement and the history of cash joined. Pure.

A recorded body is a line that says whose actions are wanted, then a line per answer with its text as it came. The
supplement has ISINs and days of payment, of the last twelve months; the history goes back to 1995 and lags, by class of
share alone. So each is taken where the other has less: what both have counts once, and equal rows of either are
instalments, each of which was paid.

Source: docs/validation.md, "Actions from the exchange".
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from fractions import Fraction
from typing import TypeVar

import msgspec

from ledger.ingest.providers.b3 import feed
from ledger.ingest.providers.b3.feed import (
    CashRow,
    FeedError,
    HistoryPage,
    HistoryRow,
    StockRow,
    SubscriptionRow,
    Supplement,
)
from ledger.ingest.rules.actions import CURRENCY
from ledger.ingest.rules.reading import Offer, Reading
from ledger.market.price import AMOUNTS_PER_REAL, LIMIT_MICROS, MICROS_PER_REAL
from ledger.market.sessions import shift
from ledger.market.ticker import SUFFIX
from ledger.values import Action, ActionKind, Identity, RawBar, Window

VERSION = "1"
UNIT, QUOTA, BDR = "UNT", "CI", "BDR"
CLASSES = {"3": "ON", "4": "PN", "5": "PNA", "6": "PNB", "7": "PNC", "8": "PND", "11": UNIT}
BDR_NUMBERS = ("31", "32", "33", "34", "35", "39")
ROOT_CHARS = 4
# What an ISIN of each class has in its places 7 to 11.
KINDS_OF_ISIN = {"ON": "OR", "PN": "PR", "PNA": "PA", "PNB": "PB", "PNC": "PC", "PND": "PD"}
ORDINARY = "ACN"  # the type of an ISIN that stays, among those of one class
SHARE_TYPES = re.compile(r"ACN|ARN|A\d\d", re.ASCII)  # what else there is of a class are rights, receipts and bonuses
TYPES_OF_ISIN = {UNIT: ("CDA", "UNT"), QUOTA: ("CTF",), BDR: ("BDR",)}
CASH: dict[str, ActionKind] = {
    "DIVIDENDO": "dividend",
    "JRS CAP PROPRIO": "interest_on_capital",
    "RENDIMENTO": "income",
    "REST CAP DIN": "amortization",
    "AMORTIZACAO RF": "amortization",
    "JUROS RF": "income",
    "AT MONETARIA": "income",
}
SHARES: dict[str, ActionKind] = {"DESDOBRAMENTO": "split", "BONIFICACAO": "bonus", "GRUPAMENTO": "grouping"}
REDEEMED = frozenset({"INCORPORACAO", "RESG TOTAL RV"})
EVERY_DAY = Window(date(1900, 1, 1), date(2199, 12, 31))
HUNDRED = 100


class WantedShare(msgspec.Struct, frozen=True, kw_only=True):
    """Whose actions are wanted: ticker, class of share and ISINs, the newest first, and who told of the ISINs."""

    ticker: str
    share: str
    isins: tuple[str, ...]
    isins_by: str


class CompanyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: what was asked, with which parameters, and its text as it came."""

    method: str
    params: dict[str, str | int]
    text: str


class PaidRow(msgspec.Struct, frozen=True):
    """A payment, from either list: its com date, label, and reais per share."""

    com_date: date
    label: str
    amount: Fraction


DatedRow = TypeVar("DatedRow", CashRow, StockRow)

_decode_wanted = msgspec.json.Decoder(WantedShare).decode
_decode_answered = msgspec.json.Decoder(CompanyAnswer).decode
_encode = msgspec.json.Encoder().encode


def body(wanted: WantedShare, answers: Iterable[CompanyAnswer]) -> bytes:
    """Return what is recorded of a ticker: who is wanted, then every answer."""
    return lines_of((wanted, *answers))


def lines_of(parts: Iterable[WantedShare | CompanyAnswer]) -> bytes:
    """Return the lines of a body, one for each of its parts."""
    return b"".join(_encode(one) + b"\n" for one in parts)


def share_of(ticker: str) -> str | None:
    """Return the class of share that a code's number names, None for one of another kind.

    A fund's quota has the number of a unit: only who lists it tells.
    """
    number = ticker.removesuffix(SUFFIX)[ROOT_CHARS:]
    return BDR if number in BDR_NUMBERS else CLASSES.get(number)


def isins_of(company: Supplement, share: str) -> tuple[str, ...]:
    """Return the ISINs of a class that the company's own rows name, the one of its ordinary series first."""
    codes = (
        *(row.isin_code for row in company.cash_dividends or ()),
        *(row.isin_code for row in company.stock_dividends or ()),
        *(row.isin_code for row in company.subscriptions or ()),
    )
    named = {isin for code in codes if (isin := feed.said(code)) and _is_of(isin, share)}
    return tuple(sorted(named, key=lambda isin: (isin[6:9] != ORDINARY, isin)))


def shares_of(company: Supplement, pages: Iterable[HistoryPage] = ()) -> tuple[tuple[str, str], ...]:
    """Return every ticker that the issuer's rows can be about, with its class; all numbers of a BDR, which none tells.

    A fund's rows name its code by their ISINs alone, and the `pages` of a history a class without any.
    """
    paying = {feed.said(row.type_stock) for page in pages for row in page.results or ()}
    named = {share: isins_of(company, share) or paying & {share} for share in (*CLASSES.values(), QUOTA, BDR)}
    isins = [isin for share in named for isin in isins_of(company, share)]
    code = feed.said(company.code) or "".join(isins[:1])[2 : 2 + ROOT_CHARS]
    numbers = [*CLASSES.items(), ("11", QUOTA), *((one, BDR) for one in BDR_NUMBERS)]
    return tuple((f"{code}{number}{SUFFIX}", share) for number, share in numbers if code and named[share])


def raw_bars(recorded: bytes) -> tuple[RawBar, ...]:
    """Return no sessions: the list has none.

    Raises: FeedError for another body.
    """
    answers(recorded)
    return ()


def answers(recorded: bytes) -> tuple[WantedShare, tuple[CompanyAnswer, ...]]:
    """Return whose actions a body is about, and what was answered.

    Raises: FeedError for another body.
    """
    first, *rest = recorded.splitlines() or [b""]
    try:
        return _decode_wanted(first), tuple(map(_decode_answered, rest))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise FeedError(f"got a body of another kind ({error}), want the exchange's answers line by line") from error


def reading(recorded: bytes) -> Reading:
    """Return the actions of the ticker that a body is about; one that cannot be read is an offer at fault.

    Raises: FeedError for another body.
    """
    wanted, answered = answers(recorded)
    supplements = (feed.supplement(one.text) for one in answered if one.method in feed.SUPPLEMENTS)
    companies = [company for company in supplements if company is not None]
    pages = [feed.history_page(one.text) for one in answered if one.method == feed.HISTORY]
    history = [row for page in pages for row in page.results or () if feed.said(row.type_stock) == wanted.share]
    offers = [
        *_paid(wanted, [row for one in companies for row in one.cash_dividends or ()], history),
        *_parted(wanted, [row for one in companies for row in one.stock_dividends or ()]),
        *_subscribed(wanted, [row for one in companies for row in one.subscriptions or ()]),
    ]
    rows = sum(len(page.results or ()) for page in pages)
    # A history without a row is that of nobody who paid, or of another name: it says nothing of what is held.
    complete = bool(companies and rows and rows == pages[0].page.total_records)
    return Reading(
        offers=tuple(offers),
        every_session=False,
        identity=Identity(symbol=wanted.ticker),
        all_actions_of=EVERY_DAY if complete else None,
    )


def closes(recorded: bytes) -> dict[date, frozenset[int]]:
    """Return the closes of the wanted class that the history gives, in millionths of a real a share, by their day.

    They are no prices to go by, but tell whose history it is. One that cannot be read is none.

    Raises: FeedError for another body.
    """
    wanted, answered = answers(recorded)
    found: dict[date, set[int]] = defaultdict(set)
    for page in (feed.history_page(one.text) for one in answered if one.method == feed.HISTORY):
        for row in page.results or ():
            if feed.said(row.type_stock) != wanted.share:
                continue
            with suppress(FeedError):
                day, close = (
                    feed.day(row.date_closing_price_prior_ex_date),
                    feed.number(row.closing_price_prior_ex_date),
                )
                quoted = _quoted(row)
                if day is not None and close and quoted > 0:
                    found[day].add(round(close / quoted * MICROS_PER_REAL))
    return {day: frozenset(some) for day, some in found.items()}


def window(recorded: bytes, today: date) -> Window:
    """Return the days that the actions of a body are of, `today` among them.

    Raises: FeedError for another body.
    """
    days = [today, *(offer.date for offer in reading(recorded).offers if offer.date is not None)]
    return Window(min(days), max(days))


def _paid(wanted: WantedShare, cash: Sequence[CashRow], history: Sequence[HistoryRow]) -> Iterator[Offer]:
    """Yield every payment: the supplement's, with what only it knows, and those that the history has more of."""
    told = Counter[PaidRow]()
    for row in _of_one_isin(wanted, cash):
        try:
            paid = _payment(row.last_date_prior, row.label, feed.number(row.rate), Fraction(1))
            pay_date = feed.day(row.payment_date)
        except FeedError as error:
            yield _fault("dividend", row.last_date_prior, error)
            continue
        told[paid] += 1
        yield _offer(paid, pay_date=pay_date, isin=feed.said(row.isin_code))
    for line in history:
        try:
            value = feed.number(line.value_cash)
            paid = _payment(line.last_date_prior_ex, line.corporate_action, value, _quoted(line))
        except FeedError as error:
            yield _fault("dividend", line.last_date_prior_ex, error)
            continue
        if told[paid] > 0:
            told[paid] -= 1
        else:
            yield _offer(paid)


def _quoted(row: HistoryRow) -> Fraction:
    """Return how many shares the value and the close of a row are of."""
    return feed.number(row.quoted_per_shares) or feed.number(row.ratio) or Fraction(1)


def _payment(com: str | None, label: str | None, value: Fraction | None, quoted: Fraction) -> PaidRow:
    com_date, named = feed.day(com), feed.said(label)
    if com_date is None:
        raise FeedError(f"got {named or 'a payment'} of no day, want its last day with the right")
    if named not in CASH:
        raise FeedError(f"got a payment labelled {named[:40]!r}, want one of {', '.join(CASH)}")
    if value is None or quoted <= 0:
        raise FeedError(f"got {named} of {com_date} of no amount, want one")
    return PaidRow(com_date, named, value / quoted)


def _offer(paid: PaidRow, *, pay_date: date | None = None, isin: str | None = None) -> Offer:
    ex_date, amount = shift(paid.com_date, 1), round(paid.amount * AMOUNTS_PER_REAL)
    kind = CASH[paid.label]
    if not abs(amount) < LIMIT_MICROS:
        return Offer(date=ex_date, kind=kind, fault=f"got {paid.label} of more than can be held")
    exact = Action(ex_date, kind, amount, None, None, CURRENCY, paid.com_date, pay_date, isin, paid.label)
    return Offer(date=ex_date, kind=kind, exact=exact)


def _of_one_isin(wanted: WantedShare, rows: Sequence[DatedRow]) -> Iterator[DatedRow]:
    """Yield the rows of each event of the first ISIN wanted that has any: it is repeated for each that there was."""
    events: dict[tuple[str, str], list[DatedRow]] = defaultdict(list)
    for row in rows:
        events[feed.said(row.last_date_prior), feed.said(row.label)].append(row)
    for copies in events.values():
        named = {feed.said(row.isin_code) for row in copies}
        isin = next((one for one in wanted.isins if one in named), None)
        yield from (row for row in copies if isin is not None and feed.said(row.isin_code) == isin)


def _parted(wanted: WantedShare, rows: Sequence[StockRow]) -> Iterator[Offer]:
    for row in _of_one_isin(wanted, rows):
        try:
            yield _parting(row, feed.said(row.label), feed.said(row.isin_code))
        except FeedError as error:
            yield _fault("split", row.last_date_prior, error)


def _parting(row: StockRow, label: str, isin: str) -> Offer:
    com_date, factor = feed.day(row.last_date_prior), feed.number(row.factor)
    if com_date is None:
        raise FeedError(f"got {label} of no day, want its last day with the right")
    ex_date = shift(com_date, 1)
    kind, ratio = SHARES.get(label, "redemption" if label in REDEEMED else "spin_off"), None
    if kind == "bonus" and feed.said(row.asset_issued) != isin:
        kind = "spin_off"  # paper of another class was delivered, worth what nobody says
    if kind in {"split", "bonus", "grouping"}:
        if factor is None or factor <= 0:
            raise FeedError(f"got {label} of {com_date} with the factor {row.factor!r}, want one above 0")
        # The one field is a percentage of new shares for two labels, and the ratio itself for the third.
        ratio = factor if kind == "grouping" else 1 + factor / HUNDRED
        if not max(ratio.numerator, ratio.denominator) < LIMIT_MICROS:
            raise FeedError(f"got {label} of {com_date} with a factor that cannot be held, want a ratio of shares")
    numerator, denominator = (None, None) if ratio is None else (ratio.numerator, ratio.denominator)
    exact = Action(ex_date, kind, None, numerator, denominator, CURRENCY, com_date, isin=isin, label=label or None)
    return Offer(date=ex_date, kind=kind, exact=exact)


def _subscribed(wanted: WantedShare, rows: Sequence[SubscriptionRow]) -> Iterator[Offer]:
    for row in rows:
        if feed.said(row.isin_code) in wanted.isins[:1]:
            try:
                yield _subscription(row, wanted.isins[0])
            except FeedError as error:
                yield _fault("subscription", row.last_date_prior, error)


def _subscription(row: SubscriptionRow, isin: str) -> Offer:
    com_date, percentage = feed.day(row.last_date_prior), feed.number(row.percentage)
    strike = feed.number(row.price_unit)
    label = feed.said(row.label)
    if com_date is None or percentage is None or percentage <= 0:
        raise FeedError(f"got {label or 'a subscription'} without day or percentage, want both")
    ratio, ex_date = percentage / HUNDRED, shift(com_date, 1)
    price = None if not strike or strike < 0 else round(strike * AMOUNTS_PER_REAL)
    exact = Action(
        ex_date,
        "subscription",
        None,
        ratio.numerator,
        ratio.denominator,
        CURRENCY,
        com_date,
        isin=isin,
        label=label or None,
        strike=price,
    )
    return Offer(date=ex_date, kind="subscription", exact=exact)


def _fault(kind: ActionKind, com: str | None, error: FeedError) -> Offer:
    try:
        com_date = feed.day(com)
    except FeedError:
        com_date = None
    return Offer(
        date=None if com_date is None else shift(com_date, 1), kind=kind, fault=str(error).partition(", want")[0]
    )


def _is_of(isin: str, share: str) -> bool:
    if types := TYPES_OF_ISIN.get(share):
        return isin[6:9] in types
    return SHARE_TYPES.fullmatch(isin[6:9]) is not None and isin[9:11] == KINDS_OF_ISIN[share]
