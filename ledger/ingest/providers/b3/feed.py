"""The exchange's JSON, text by text: supplements of companies, funds and BDRs, and pages of the history of cash. Pure.

Numbers are text in the Brazilian form, exact; days are text too, and some of them stand for none.

Source: sistemaswebb3-listados.b3.com.br, listedCompaniesProxy/CompanyCall and fundsListedProxy/Search.
"""

import re
from contextlib import suppress
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

import msgspec

from ledger.ingest.providers.port import BodyError

SUPPLEMENT = "GetListedSupplementCompany"
BDR_SUPPLEMENT = "GetListedSupplementBDR"
FUND_EVENTS = "GetEventsCorporateActions"
SUPPLEMENTS = (SUPPLEMENT, BDR_SUPPLEMENT, FUND_EVENTS)
HISTORY = "GetListedCashDividends"
COMPANIES = "GetInitialCompanies"
UNSET_DAYS = frozenset({"", "31/12/9999", "01/01/1900"})
ENCODINGS_MAX = 3  # JSON inside a JSON text, as it comes

_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: \d{2}:\d{2}:\d{2})?", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", re.ASCII)
_DIGITS_MAX = 40

Read = TypeVar("Read")
Text = str | int | float | None


class FeedError(BodyError):
    """A text is none of the exchange's."""


class CashRow(msgspec.Struct, frozen=True, rename="camel"):
    """What a share pays, as the supplement tells of the last twelve months."""

    isin_code: str | None = None
    rate: Text = None
    label: str | None = None
    last_date_prior: str | None = None
    payment_date: str | None = None


class StockRow(msgspec.Struct, frozen=True, rename="camel"):
    """A split, a grouping, a bonus, or paper delivered or redeemed; repeated for each ISIN that the company had."""

    isin_code: str | None = None
    asset_issued: str | None = None
    factor: Text = None
    label: str | None = None
    last_date_prior: str | None = None


class SubscriptionRow(msgspec.Struct, frozen=True, rename="camel"):
    """A right to new shares: so many per hundred held, at a price."""

    isin_code: str | None = None
    percentage: Text = None
    price_unit: Text = None
    label: str | None = None
    last_date_prior: str | None = None
    subscription_date: str | None = None


class Supplement(msgspec.Struct, frozen=True, rename="camel"):
    """An issuer: who it is, and what it did; a list may be absent or null. A fund's does not say who it is."""

    code: str | None = None
    code_cvm: Text = msgspec.field(default=None, name="codeCVM")
    trading_name: str | None = None
    cash_dividends: tuple[CashRow, ...] | None = None
    stock_dividends: tuple[StockRow, ...] | None = None
    subscriptions: tuple[SubscriptionRow, ...] | None = None


class HistoryRow(msgspec.Struct, frozen=True, rename="camel"):
    """What a share of a class paid: neither ISIN nor day of payment, for so many shares as it was quoted for."""

    type_stock: str | None = None
    value_cash: Text = None
    ratio: Text = None
    corporate_action: str | None = None
    last_date_prior_ex: str | None = None
    quoted_per_shares: Text = None
    closing_price_prior_ex_date: Text = None  # of as many shares as the value
    date_closing_price_prior_ex_date: str | None = None


class PageCount(msgspec.Struct, frozen=True, rename="camel"):
    """Which page it is of how many, and of how many rows; null where the exchange found the question too large."""

    page_number: int | None = None
    total_records: int | None = None
    total_pages: int | None = None


class HistoryPage(msgspec.Struct, frozen=True):
    """One page of a history."""

    page: PageCount
    results: tuple[HistoryRow, ...] | None = None


class CompanyRow(msgspec.Struct, frozen=True, rename="camel"):
    """A company that is listed now, by its code and the number that its supervisor gives it."""

    issuing_company: str | None = None
    code_cvm: Text = msgspec.field(default=None, name="codeCVM")


class CompanyPage(msgspec.Struct, frozen=True):
    """One page of the companies that are listed now."""

    page: PageCount
    results: tuple[CompanyRow, ...] | None = None


def supplement(text: str) -> Supplement | None:
    """Return the company that `text` tells of, None where it tells of none.

    Raises: FeedError for any other text.
    """
    if not text.strip():
        return None
    plain = _plain(text)
    if isinstance(plain, list):
        if not plain:
            return None
        plain = plain[0]
    if not isinstance(plain, dict) or "results" in plain:
        raise FeedError(f"got {_shown(text)}, want a company's supplement")
    return _converted(plain, Supplement, "a company's supplement")


def sole_supplement(text: str) -> Supplement | None:
    """Return what `supplement` does, of an answer that is new: one of several issuers would be read of the first alone.

    Raises: FeedError, for several too.
    """
    found, plain = supplement(text), _plain(text) if text.strip() else None
    if isinstance(plain, list) and len(plain) > 1:
        raise FeedError(f"got {len(plain)} companies in one text, want one")
    return found


def history_page(text: str) -> HistoryPage:
    """Return the page that `text` is.

    Raises: FeedError for any other text.
    """
    return _converted(_plain(text), HistoryPage, "a page of the history of cash")


def company_page(text: str) -> CompanyPage:
    """Return the page of companies that `text` is.

    Raises: FeedError for any other text.
    """
    return _converted(_plain(text), CompanyPage, "a page of companies")


def is_history(text: str) -> bool:
    """Return whether `text` is a page of a history, and no supplement.

    Raises: FeedError for what is no JSON.
    """
    plain = _plain(text)
    return isinstance(plain, dict) and "results" in plain


def said(cell: str | None) -> str:
    """Return the text in a cell, without the space around it; empty where it has none."""
    return (cell or "").strip()


def number(cell: Text) -> Fraction | None:
    """Return the exact number in a cell, `4.900,00000000000` or `0,27`; None where it has none.

    Raises: FeedError for any other text.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    text = str(cell).strip()
    if isinstance(cell, int) and not isinstance(cell, bool):
        return Fraction(cell)
    if not isinstance(cell, str) or not _NUMBER.fullmatch(text) or len(text) > _DIGITS_MAX:
        raise FeedError(f"got {_shown(text)}, want a number such as 1.234,56")
    return Fraction(text.replace(".", "").replace(",", "."))


def day(cell: str | None) -> date | None:
    """Return the day in a cell, None where there is none or one that stands for none.

    Raises: FeedError for any other text.
    """
    text = said(cell)
    if text in UNSET_DAYS or text.partition(" ")[0] in UNSET_DAYS:
        return None
    if found := _DAY.fullmatch(text):
        with suppress(ValueError):
            return date(int(found[3]), int(found[2]), int(found[1]))
    raise FeedError(f"got {_shown(text)}, want a day as dd/mm/yyyy")


def _plain(text: str) -> Any:
    """Return the JSON in `text`, taken out of as many encodings as it came in."""
    plain: Any = text
    try:
        for _ in range(ENCODINGS_MAX):
            if not isinstance(plain, str):
                break
            plain = msgspec.json.decode(plain.removeprefix("\ufeff"))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise FeedError(f"got {_shown(text)}, want JSON ({error})") from error
    return plain


def _converted(plain: Any, kind: type[Read], wanted: str) -> Read:
    try:
        return msgspec.convert(plain, kind, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FeedError(f"got another shape ({error}), want {wanted}") from error


def _shown(text: str) -> str:
    return repr(text[:40])
