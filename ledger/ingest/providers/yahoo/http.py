"""The HTTP session yfinance is given: it records the chart call and keeps to Yahoo's hosts and a deadline.

yfinance keeps one session for the whole process, the last one it was handed, whichever thread asks.
So the session itself holds nothing of a fetch: each thread's `Exchange` does, found through a context variable.
Importing this imports curl_cffi; nothing but a call to Yahoo should.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
from curl_cffi import requests
from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from curl_cffi.requests.exceptions import RequestException, Timeout, TooManyRedirects

from ledger.ingest.providers.headers import http_date_us
from ledger.ingest.providers.port import ANSWER_MAX_BYTES

YAHOO_DOMAIN = "yahoo.com"
CHART_PATH = "/v8/finance/chart/"
REDIRECTS_MAX = 5
REDIRECT_CODES = (301, 302, 303, 307, 308)
KEEPS_METHOD_CODES = (307, 308)
SHORTEST_CALL_S = 0.001
CRUMB_CHARS_MAX = 200  # Yahoo's have 11; one that makes the address too long to send would cost every ticker its chart

# The chart answers without cookie and crumb; a host that hangs over those must leave it time to.
SIDE_CALL_SHARE = 0.25


class ForeignHostError(RequestException):
    """Something sent us to a host that is not Yahoo's."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        super().__init__(f"got sent to {parts.scheme}://{parts.hostname or ''}, want https://*.{YAHOO_DOMAIN}")


class TooLongError(RequestException):
    """An answer went on past its bound, unpacked; what came of it was not kept."""

    def __init__(self, body: bytes, limit_bytes: int) -> None:
        came = f"{len(body)} bytes and more (sha256 of those: {hashlib.sha256(body).hexdigest()})"
        super().__init__(f"got an answer of {came}, want at most {limit_bytes}")


NOT_THE_WIRE = (ForeignHostError, TooLongError, TooManyRedirects)  # refused by us, or by what was sent


class Body:
    """The body of one answer as curl unpacks it, up to a bound; past it curl is made to stop."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._chunks: list[bytes] = []
        self._bytes = 0

    def take(self, chunk: bytes) -> int:
        """Keep `chunk`; curl goes on only if its length is returned."""
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        return CURL_WRITEFUNC_ERROR if self.is_too_long else len(chunk)

    @property
    def is_too_long(self) -> bool:
        """Whether more came than may."""
        return self._bytes > self._limit_bytes

    def whole(self) -> bytes:
        """Return what came."""
        return b"".join(self._chunks)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back from the chart call."""

    status: int
    body: bytes
    retry_after: str | None
    http_date: int | None  # microseconds UTC
    duration_s: float


class Exchange(msgspec.Struct, kw_only=True):
    """One fetch on the wire: its bounds, and the last chart call it made."""

    base_url: str | None
    timeout_s: float
    deadline: float  # on time.monotonic()'s scale
    answer_max_bytes: int = ANSWER_MAX_BYTES
    params: dict[str, str] = {}
    reply: Reply | None = None
    error: RequestException | None = None  # why there is no reply

    def left_s(self) -> float:
        """Return the seconds left, at most 0 once the deadline has passed."""
        return self.deadline - time.monotonic()


_exchange: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def recording(
    *, base_url: str | None, timeout_s: float, answer_max_bytes: int = ANSWER_MAX_BYTES
) -> Iterator[Exchange]:
    """Make every request of this thread part of the exchange that is yielded."""
    exchange = Exchange(
        base_url=base_url,
        timeout_s=timeout_s,
        deadline=time.monotonic() + timeout_s,
        answer_max_bytes=answer_max_bytes,
    )
    token = _exchange.set(exchange)
    try:
        yield exchange
    finally:
        _exchange.reset(token)


@cache
def session() -> "RecordingSession":
    """Return the session of this process; it is as good for every thread as one of its own."""
    return RecordingSession(impersonate="chrome")


class RecordingSession(requests.Session[requests.Response]):
    """A session that belongs to whichever exchange the calling thread has in force."""

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> requests.Response:
        """Answer as curl_cffi's session does, and record the call when it is for a chart.

        Raises: RequestException; ForeignHostError for a host that is not Yahoo's, Timeout past the deadline.
        """
        exchange = _exchange.get()
        if not urlsplit(url).path.startswith(CHART_PATH):
            return self._follow(method, url, *args, share=SIDE_CALL_SHARE, **options)
        exchange.params, exchange.reply, exchange.error = wire_params(options.get("params")), None, None
        started = time.monotonic()
        try:
            response = self._follow(method, url, *args, **options | {"params": exchange.params})
        except RequestException as error:
            exchange.error = error
            raise
        exchange.reply = Reply(
            status=response.status_code,
            body=response.content,
            retry_after=response.headers.get("Retry-After"),
            http_date=http_date_us(response.headers.get("Date")),
            duration_s=time.monotonic() - started,
        )
        return response

    def _follow(self, method: Any, url: str, *args: Any, share: float = 1.0, **options: Any) -> requests.Response:
        """Follow redirects here and not inside curl, so that every hop is held to the same rules."""
        exchange = _exchange.get()
        for _ in range(REDIRECTS_MAX):
            target, left_s = wire_url(url, exchange.base_url), exchange.left_s() * share
            # curl counts in whole milliseconds and takes 0 for no limit at all.
            if left_s < SHORTEST_CALL_S:
                raise Timeout("got no time left, want an answer before the deadline")
            bounds = {"timeout": left_s, "allow_redirects": False}
            response = self._bounded(method, target, *args, **options | bounds)
            # yfinance looks at the host to tell a consent page; a base URL must not hide it.
            response.url = url
            location = response.headers.get("Location")
            if response.status_code not in REDIRECT_CODES or location is None:
                return response
            url = urljoin(url, location)
            if response.status_code not in KEEPS_METHOD_CODES:
                method, options = "GET", options | {"data": None, "json": None}
            options = options | {"params": None}
        raise TooManyRedirects(f"got more than {REDIRECTS_MAX} redirects, want an answer")

    def _bounded(self, method: Any, url: str, *args: Any, **options: Any) -> requests.Response:
        limit_bytes = _exchange.get().answer_max_bytes
        body = Body(limit_bytes)
        try:
            options["content_callback"] = body.take
            response = super().request(method, url, *args, **options)
        except RequestException as error:
            if body.is_too_long:
                raise TooLongError(body.whole(), limit_bytes) from error
            raise
        response.content = body.whole()
        return response


def wire_url(url: str, base_url: str | None) -> str:
    """Return where a request for `url` really goes: there, or to the same host's place under `base_url`.

    Raises: ForeignHostError for a host that is not Yahoo's.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or not (host == YAHOO_DOMAIN or host.endswith("." + YAHOO_DOMAIN)):
        raise ForeignHostError(url)
    if base_url is None:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{base_url.rstrip('/')}/{host}{parts.path}{query}"


def wire_params(params: dict[str, object] | None) -> dict[str, str]:
    """Return query parameters as the text that goes out; a bool is lower-case, as curl_cffi writes it.

    A crumb that is none is left out: the chart answers without.
    """
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in (params or {}).items()
    }
    return {name: text for name, text in texts.items() if name != "crumb" or len(text) <= CRUMB_CHARS_MAX}
