"""Yahoo Finance, through yfinance: what the library made of the answer, and the answer itself.

The library's exceptions carry neither status nor body and its names for failures mislead, so every
failure is classified by what the session recorded on the wire; an exception counts only where that looks sound.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import shortage
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import ANSWER_MAX_BYTES, Access, Fetched, Probe, ProviderError
from ledger.ingest.providers.yahoo import DESCRIPTION, chart
from ledger.urls import masked_line
from ledger.values import ErrorKind, RawBar, Request, Source, Window

if TYPE_CHECKING:
    from ledger.ingest.providers.yahoo.http import Exchange, Reply

LIBRARY = "yfinance"
TIMEZONE = "America/Sao_Paulo"
PROBE_URL = "https://query2.finance.yahoo.com/v8/finance/chart/PETR4.SA"
PROBE_PARAMS = {"range": "1d", "interval": "1d"}
NO_DATA_THEN = "data doesn't exist"
WORDS_MAX = 200
SECRET_PARAMS = frozenset({"crumb"})  # as good as the cookie that it belongs to: in no event

_SETTING_UP = threading.Lock()

Refusal = tuple[ErrorKind, str]
KIND_BY_STATUS: dict[int, ErrorKind] = {
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.TOO_MANY_REQUESTS: "rate-limit",
}

# What a library that indexes into somebody else's JSON raises when that JSON has another shape.
SHAPE_ERRORS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, OSError)


class YahooProvider:
    """Daily bars of B3 from Yahoo; safe to share between threads."""

    name = DESCRIPTION.name

    def __init__(
        self,
        *,
        base_url: str | None,
        cache_dir: Path,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
        answer_max_bytes: int = ANSWER_MAX_BYTES,
    ) -> None:
        self._base_url = base_url
        self._answer_max_bytes = answer_max_bytes
        self._cache_dir = cache_dir
        self._now = now  # microseconds UTC; only where Yahoo sends no clock of its own

    def fetch(self, ticker: str, window: Window, *, timeout_s: float) -> Fetched:
        """Return Yahoo's answer for `ticker` over `window`, cookie and crumb within `timeout_s` too.

        Raises: ProviderError.
        """
        from ledger.ingest.providers.headers import retry_after_s

        with self._recording(timeout_s) as exchange:
            frame, trouble = _history(ticker, window, self._cache_dir)
            if exchange.reply is not None and exchange.reply.status == HTTPStatus.UNAUTHORIZED:
                _forget_crumb()
                frame, trouble = _history(ticker, window, self._cache_dir)
        params = {name: value for name, value in exchange.params.items() if name not in SECRET_PARAMS}
        request = Request(ticker=ticker, window=window, params=params)
        if exchange.reply is None:
            kind, message = _no_answer(exchange, trouble)
            raise ProviderError(kind, message, request=request) from trouble
        refusal = _refusal(exchange.reply, trouble)
        if refusal is not None:
            reply = exchange.reply
            now_us = self._now() if reply.http_date is None else reply.http_date
            raise ProviderError(
                *refusal,
                request=request,
                status_code=reply.status,
                retry_after_s=retry_after_s(reply.retry_after, now_us=now_us),
                http_date=reply.http_date,
                answer=answer(reply.body) if reply.body else None,
            ) from trouble
        return _fetched(request, exchange.reply, frame)

    def _recording(self, timeout_s: float) -> AbstractContextManager[Exchange]:
        from ledger.ingest.providers.yahoo import http

        return http.recording(base_url=self._base_url, timeout_s=timeout_s, answer_max_bytes=self._answer_max_bytes)

    def probe(self, *, timeout_s: float) -> Probe:
        """Return how Yahoo answers for one day of one liquid ticker; imports neither yfinance nor pandas."""
        from curl_cffi.requests.exceptions import RequestException

        from ledger.ingest.providers.yahoo import http

        started = time.monotonic()
        trouble = None
        with self._recording(timeout_s) as exchange:
            try:
                http.session().get(PROBE_URL, params=PROBE_PARAMS)
            except RequestException as error:
                trouble = error
        latency_ms = round((time.monotonic() - started) * 1000)
        reply = exchange.reply
        refusal = _no_answer(exchange, trouble) if reply is None else _refusal(reply, None)
        kind, message = refusal or (None, None)
        return Probe(latency_ms=latency_ms, error_kind=kind, message=message)


def opened(access: Access) -> YahooProvider:
    """Return the provider; nothing of yfinance is loaded before it is asked."""
    return YahooProvider(
        base_url=access.base_url,
        cache_dir=access.cache_dir,
        now=access.now,
        answer_max_bytes=access.answer_max_bytes,
    )


def _library(cache_dir: Path) -> Any:
    """Return yfinance, set up by the first thread that asks for it; the others wait."""
    # The filters of warnings are no thread's own: two that set them at once undo each other's, and yfinance is heard.
    with _SETTING_UP:
        return _set_up(cache_dir)


@cache
def _set_up(cache_dir: Path) -> Any:
    """Return yfinance, set up so that it hides nothing, logs nothing and keeps nothing in the user's home."""
    import logging
    import warnings

    import yfinance
    from yfinance.cache import _CookieCacheManager

    from ledger.ingest.providers.yahoo.cookies import CookieMemory

    logging.getLogger(LIBRARY).disabled = True
    # Importing it turns its own deprecation warnings on, for whoever runs the program to read.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="^yfinance")
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(str(cache_dir))
    _CookieCacheManager._Cookie_cache = CookieMemory()  # noqa: SLF001 - yfinance has no public door to it
    return yfinance


def _history(ticker: str, window: Window, cache_dir: Path) -> tuple[Any, Exception | None]:
    """Return the frame that yfinance makes of `window`, or the error it gives up with."""
    yfinance = _library(cache_dir)
    from curl_cffi.requests.exceptions import RequestException
    from yfinance.exceptions import YFException

    from ledger.ingest.providers.yahoo.http import session

    # yfinance remembers answers, failures among them: a retry would send nothing and fail for ever.
    yfinance.data.YfData.cache_get.cache_clear()
    try:
        asked = yfinance.Ticker(ticker, session=session())
        # Else it costs one more request, and a SQLite file.
        asked._tz = TIMEZONE  # noqa: SLF001 - yfinance has no public door to it
        return asked.history(
            start=window.start.isoformat(),
            end=(window.end + timedelta(days=1)).isoformat(),
            auto_adjust=False,
            actions=True,
            repair=False,
            keepna=True,
        ), None
    except (YFException, RequestException, *SHAPE_ERRORS) as error:
        if lacking := shortage(error):
            raise lacking from error
        return None, error


def _forget_crumb() -> None:
    """Make yfinance ask for cookie and crumb again: the ones it holds have gone stale."""
    from yfinance.cache import get_cookie_cache
    from yfinance.data import YfData

    get_cookie_cache().store("curlCffi", None)
    data = YfData()
    with data._cookie_lock:  # noqa: SLF001 - yfinance has no public door to it
        data._cookie = data._crumb = None  # noqa: SLF001 - yfinance has no public door to it


def _refusal(reply: Reply, trouble: Exception | None) -> Refusal | None:
    """Return why the reply is no answer, None when it is one, with rows or without."""
    status, complaint = reply.status, chart.complaint(reply.body)
    # That Yahoo has nothing for those days is an answer to the question.
    answered = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST) if NO_DATA_THEN in (complaint or "").lower() else ()
    if status not in (answered if complaint is not None else (HTTPStatus.OK,)):
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "(no standard status)"
        return KIND_BY_STATUS.get(status, "bad-answer"), _one_line(f"{status} {complaint or phrase}")
    try:
        rows = chart.rows(reply.body)
        chart.actions(reply.body)
    except chart.ChartError as error:
        return "bad-answer", _one_line(f"{status}, but {error}")
    if rows and trouble is not None and not chart.trips_library(reply.body):
        return "bad-answer", _one_line(f"{status}, but {LIBRARY} failed on it: {trouble!r}")
    return None


def _no_answer(exchange: Exchange, trouble: Exception | None) -> Refusal:
    from curl_cffi.requests.exceptions import RequestException, Timeout

    from ledger.ingest.providers.yahoo.http import NOT_THE_WIRE

    error = exchange.error or trouble
    words = _one_line(str(error).removeprefix("Failed to perform, ").partition(". See https://curl")[0])
    if isinstance(error, Timeout):
        return "timeout", f"got no answer within {exchange.timeout_s:g} s"
    if isinstance(error, RequestException) and not isinstance(error, NOT_THE_WIRE):
        return "connection", words
    return "bad-answer", words


def _one_line(text: str) -> str:
    return masked_line(text, WORDS_MAX)


def _fetched(request: Request, reply: Reply, frame: Any) -> Fetched:
    import yfinance

    # Where the library gave up, the rows are the body's own.
    bars = chart.raw_bars(reply.body)
    if frame is not None:
        columns = (frame[name].tolist() for name in ("Open", "High", "Low", "Close", "Adj Close", "Volume"))
        days = (stamp.date() for stamp in frame.index)
        bars = tuple(RawBar(*cells) for cells in zip(days, *columns, strict=True))
    return Fetched(
        request=request,
        source=Source(
            library=LIBRARY, version=yfinance.__version__, http_status=reply.status, http_date=reply.http_date
        ),
        answer=answer(reply.body),
        identity=chart.identity(reply.body),
        bars=bars,
        # From the body: the frame has no place for an action on a day without a row.
        actions=chart.actions(reply.body),
    )
