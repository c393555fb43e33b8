"""The exchange's list as a provider: a few questions per issuer, recorded together as one answer.

Nothing is asked twice within two seconds, and nothing that is empty is believed: an unknown code and a question that
the exchange did not like both come back as 200 with no body, and an issuer that is there tells which it was. Codes are
used again: whose supplement it is has to be the company that has the code now.
"""

import base64
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from ledger.ingest.providers.b3 import DESCRIPTION, feed, joined
from ledger.ingest.providers.b3.feed import FeedError, Supplement
from ledger.ingest.providers.b3.joined import CompanyAnswer, WantedShare
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import Access, Fetched, Probe, ProviderError
from ledger.market.sessions import trading_day
from ledger.urls import masked_line
from ledger.values import ErrorKind, Identity, Request, Source, Window

if TYPE_CHECKING:
    from curl_cffi.requests import Response

HOST = "https://sistemaswebb3-listados.b3.com.br"
COMPANY_PATH, FUND_PATH = "/listedCompaniesProxy/CompanyCall/", "/fundsListedProxy/Search/"
LANGUAGE = "pt-br"
PAGE_SIZE = 100  # from 200 on the exchange answers with nothing
PAGES_MAX = 200
CANARY = "PETR"  # a company that is always there
CANARIES = {feed.SUPPLEMENT: CANARY, feed.BDR_SUPPLEMENT: "AAPL", feed.FUND_EVENTS: "KNRI"}  # and a BDR, and a fund
APART_S = 2.0  # between two questions to the exchange's own host
WORDS_MAX = 300
KIND_BY_STATUS: dict[int, ErrorKind] = {
    HTTPStatus.TOO_MANY_REQUESTS: "rate-limit",
    HTTPStatus.FORBIDDEN: "rate-limit",
    HTTPStatus.NOT_FOUND: "bad-answer",
}


class Call(msgspec.Struct, kw_only=True):
    """One fetch: what was answered so far, how much of it, and until when."""

    request: Request
    deadline: float  # on time.monotonic()'s scale
    timeout_s: float
    answers: list[CompanyAnswer] = []
    came_bytes: int = 0
    status: int | None = None
    http_date: int | None = None

    def refused(self, kind: ErrorKind, message: str, *, retry_after_s: int | None = None) -> ProviderError:
        """Return the error that the fetch ends with, with all that did come."""
        return ProviderError(
            kind,
            masked_line(message, WORDS_MAX),
            request=self.request,
            status_code=self.status,
            retry_after_s=retry_after_s,
            http_date=self.http_date,
            answer=answer(joined.lines_of(self.answers)) if self.answers else None,
        )


class B3Provider:
    """Asks the exchange of one company at a time."""

    name = DESCRIPTION.name

    def __init__(self, access: Access) -> None:
        self._access = access
        self._turn = threading.Lock()  # several tickers may be asked for at once
        self._next_at = 0.0  # on time.monotonic()'s scale

    def fetch(self, ticker: str, window: Window, *, timeout_s: float) -> Fetched:
        """Return all that the exchange lists of a ticker, whatever the `window`: its answers have no bounds.

        Raises: ProviderError.
        """
        share = joined.share_of(ticker)
        request = Request(ticker=ticker, window=window)
        call = Call(request=request, deadline=time.monotonic() + timeout_s, timeout_s=timeout_s)
        if share is None:
            raise call.refused("not-found", f"got {ticker}, want a share or unit of a company")
        share, issuer = self._issuer(call, ticker[: joined.ROOT_CHARS], share)
        # Only a slash keeps the exchange from finding a name, and a name is never cut: a shorter one is another's.
        name = feed.said(issuer.trading_name).replace("/", "") if share not in {joined.QUOTA, joined.BDR} else ""
        if name:
            self._history(call, name)
        isins = joined.isins_of(issuer, share)
        body = joined.body(WantedShare(ticker=ticker, share=share, isins=isins, isins_by=self.name), call.answers)
        try:
            days = joined.window(body, trading_day(self._access.now()))
        except FeedError as error:
            raise call.refused("bad-answer", str(error)) from error
        return Fetched(
            request=Request(ticker=ticker, window=days, params={"issuing_company": ticker[:4], "trading_name": name}),
            source=Source(library=self.name, version=joined.VERSION, http_status=call.status, http_date=call.http_date),
            answer=answer(body),
            identity=Identity(symbol=ticker),
            bars=(),
            actions=(),
        )

    def probe(self, *, timeout_s: float) -> Probe:
        """Return how the exchange answers about a company that is always there."""
        started = time.monotonic()
        today = trading_day(self._access.now())
        request = Request(ticker=CANARY, window=Window(today, today))
        call = Call(request=request, deadline=started + timeout_s, timeout_s=timeout_s)
        kind: ErrorKind | None = None
        message = None
        try:
            if self._supplement(call, feed.SUPPLEMENT, CANARY) is None:
                kind, message = "bad-answer", f"got nothing about {CANARY}, want the company"
        except ProviderError as error:
            kind, message = error.kind, error.message
        return Probe(latency_ms=round((time.monotonic() - started) * 1000), error_kind=kind, message=message)

    def _issuer(self, call: Call, code: str, share: str) -> tuple[str, Supplement]:
        """Return whose actions they are, and of which class: what has a unit's number may be a fund's quota.

        Raises: ProviderError.
        """
        method = feed.BDR_SUPPLEMENT if share == joined.BDR else feed.SUPPLEMENT
        found, asked = self._supplement(call, method, code), [method]
        if share == joined.UNIT and (found is None or not joined.isins_of(found, share)):
            asked.append(feed.FUND_EVENTS)
            fund = self._supplement(call, feed.FUND_EVENTS, code)
            if fund is not None and joined.isins_of(fund, joined.QUOTA):
                return joined.QUOTA, fund
        if found is not None:
            if share != joined.BDR:
                self._require_listed(call, code, found)
            return share, found
        for method in asked:
            canary = CANARIES[method]
            if code == canary or self._supplement(call, method, canary) is None:
                raise call.refused("bad-answer", f"got nothing about {code} nor about {canary}, want an answer")
        known = " and ".join(CANARIES[method] for method in asked)
        raise call.refused(
            "not-found",
            f"got nothing about {code} where {known} {'is' if len(asked) == 1 else 'are'} known, want a listed code",
        )

    def _supplement(self, call: Call, method: str, code: str) -> Supplement | None:
        name = "idCEM" if method == feed.FUND_EVENTS else "issuingCompany"
        text = self._asked(call, method, {name: code, "language": LANGUAGE})
        try:
            return feed.sole_supplement(text)
        except FeedError as error:
            raise call.refused("bad-answer", f"{code}: {error}") from error

    def _require_listed(self, call: Call, code: str, company: Supplement) -> None:
        """Return where the company is the one that has the code now, or nobody has it.

        Raises: ProviderError for another's supplement: the code was used again.
        """
        params: dict[str, str | int] = {"language": LANGUAGE, "pageNumber": 1, "pageSize": PAGE_SIZE, "company": code}
        try:
            page = feed.company_page(self._asked(call, feed.COMPANIES, params))
        except FeedError as error:
            raise call.refused("bad-answer", f"{code}: {error}") from error
        # The question is for a part of a code or name: others come along.
        listed = {str(one.code_cvm) for one in page.results or () if feed.said(one.issuing_company) == code}
        if listed and company.code_cvm is not None and str(company.code_cvm) not in listed:
            wanted = f"want {' or '.join(sorted(listed))}, whose code it is now"
            raise call.refused("bad-answer", f"got the company {company.code_cvm} under {code}, {wanted}")

    def _history(self, call: Call, name: str) -> None:
        """Ask for page after page until as many rows came as the exchange counts."""
        rows, number = 0, 0
        while True:
            number += 1
            params: dict[str, str | int] = {"language": LANGUAGE, "pageNumber": number, "pageSize": PAGE_SIZE}
            params["tradingName"] = name
            try:
                page = feed.history_page(self._asked(call, feed.HISTORY, params))
            except FeedError as error:
                raise call.refused("bad-answer", f"{name}: {error}") from error
            total, came = page.page.total_records, len(page.results or ())
            if total is None:
                raise call.refused("bad-answer", f"got no count of the history of {name}, want one")
            rows += came
            if rows >= total:
                break
            if not came or number >= PAGES_MAX:
                raise call.refused("bad-answer", f"got {rows} rows of the history of {name}, want {total}")
        if rows != total:
            raise call.refused("bad-answer", f"got {rows} rows of the history of {name}, want {total}")

    def _asked(self, call: Call, method: str, params: dict[str, str | int]) -> str:
        """Return the text of one answer, which joins those of the call.

        Raises: ProviderError for none, for a status other than 200, and for one past the bound.
        """
        from curl_cffi.requests.exceptions import RequestException, Timeout

        token = base64.b64encode(msgspec.json.encode(params)).decode("ascii")
        self._wait(call)
        came: list[bytes] = []
        try:
            response = self._got(
                call, f"{FUND_PATH if method == feed.FUND_EVENTS else COMPANY_PATH}{method}/{token}", came
            )
        except Timeout as error:
            raise call.refused("timeout", f"got no answer within {call.timeout_s:g} s") from error
        except RequestException as error:
            if call.came_bytes > self._access.answer_max_bytes:
                raise call.refused("bad-answer", _too_long(came, self._access.answer_max_bytes)) from error
            raise call.refused("connection", str(error).partition(". See https://curl")[0]) from error
        self._note(call, response)
        try:
            text = b"".join(came).decode("utf-8")
        except UnicodeDecodeError as error:
            raise call.refused("bad-answer", f"got an answer to {method} that is no UTF-8, want JSON") from error
        call.answers.append(CompanyAnswer(method=method, params=params, text=text))
        return text

    def _got(self, call: Call, path: str, came: list[bytes]) -> "Response":
        from curl_cffi import requests
        from curl_cffi.curl import CURL_WRITEFUNC_ERROR

        def take(chunk: bytes) -> int:
            call.came_bytes += len(chunk)
            came.append(chunk)
            return CURL_WRITEFUNC_ERROR if call.came_bytes > self._access.answer_max_bytes else len(chunk)

        base = (
            HOST if self._access.base_url is None else f"{self._access.base_url.rstrip('/')}/{urlsplit(HOST).hostname}"
        )
        return requests.get(
            base + path,
            impersonate="chrome",
            timeout=max(call.deadline - time.monotonic(), 0.001),
            allow_redirects=False,
            content_callback=take,
        )

    def _note(self, call: Call, response: "Response") -> None:
        """Keep what the answer says of itself.

        Raises: ProviderError for a status other than 200.
        """
        from ledger.ingest.providers.headers import http_date_us, retry_after_s

        call.status, call.http_date = response.status_code, http_date_us(response.headers.get("Date"))
        if response.status_code != HTTPStatus.OK:
            kind = KIND_BY_STATUS.get(response.status_code, "bad-answer")
            now_us = self._access.now() if call.http_date is None else call.http_date
            after_s = retry_after_s(response.headers.get("Retry-After"), now_us=now_us)
            raise call.refused(kind, f"got status {response.status_code}, want 200", retry_after_s=after_s)

    def _wait(self, call: Call) -> None:
        """Leave the exchange's own host alone between two questions; a mirror needs no such manners."""
        if self._access.base_url is not None:
            return
        with self._turn:
            slot = max(self._next_at, time.monotonic())
            self._next_at = slot + APART_S
        time.sleep(max(min(slot, call.deadline) - time.monotonic(), 0))


def opened(access: Access) -> B3Provider:
    """Return the provider."""
    return B3Provider(access)


def _too_long(came: list[bytes], limit_bytes: int) -> str:
    from hashlib import sha256

    digest = sha256(b"".join(came)).hexdigest()
    return (
        f"got answers of {sum(map(len, came))} bytes and more (sha256 of those: {digest}), want at most {limit_bytes}"
    )
