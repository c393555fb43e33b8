"""A server on loopback that speaks Yahoo's chart format, for the real yfinance to talk to.

    with YahooServer() as server:
        server.series["PETR4.SA"] = make_series(days, seed=1)
        server.faults["PETR4.SA"] = [Status(code=429, retry_after="1")]
        run("--ticker", "PETR4.SA", env={"YAHOO_BASE_URL": server.url})
        assert [Window(...)] * 3 == server.windows("PETR4.SA")

A series or a list of faults put in takes effect from the next request on.
"""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from ledger.values import Window
from tests.support.yahoo_series import ZONE, Series, chart_body, columns, stamp

CHART_PREFIX = "/v8/finance/chart/"
NOT_FOUND = "No data found, symbol may be delisted"
NO_DATA_THEN = "Data doesn't exist for startDate = {period1}, endDate = {period2}"
TOO_MANY = b"Too Many Requests\r\n"

# yfinance answers any status from 400 up by asking once more, with another crumb.
REQUESTS_A_REFUSAL = 2


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the next `times` chart requests of a ticker; None: to all from then on."""

    times: int | None = 1


class Status(Fault, frozen=True, kw_only=True):
    """An HTTP status with a body; `times` counts one attempt of yfinance."""

    code: int
    retry_after: str | None = None
    location: str | None = None
    body: bytes | None = None
    encoding: str | None = None  # that `body` is packed in
    times: int | None = REQUESTS_A_REFUSAL


class Html(Fault, frozen=True, kw_only=True):
    """A page for people, status 200."""


class Truncated(Fault, frozen=True, kw_only=True):
    """The first half of the JSON, complete as HTTP goes."""


class Ragged(Fault, frozen=True, kw_only=True):
    """One column is a row short."""


class MissingKey(Fault, frozen=True, kw_only=True):
    """One key of the answer is not there."""

    key: str = "volume"


class Hang(Fault, frozen=True, kw_only=True):
    """No answer until the server closes."""


class Reset(Fault, frozen=True, kw_only=True):
    """The connection is reset before a byte of answer."""


class Empty(Fault, frozen=True, kw_only=True):
    """An answer with meta and no rows."""


class NoResult(Fault, frozen=True, kw_only=True):
    """An answer whose list of results is empty."""


class Seen(msgspec.Struct, frozen=True):
    """One request as it arrived: the Yahoo host it was meant for, its path and its query."""

    host: str
    path: str
    query: dict[str, str]


class YahooServer:
    """The server, its data and what it was asked; a context manager."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[Seen] = []
        self.now: datetime | None = None  # what the `Date` header says; None: the real time
        self.delay_s = 0.0  # before each chart answer
        self.hanging_hosts: set[str] = set()
        self.revoked_crumbs: set[str] = set()
        self._crumbs = 0
        self._lock = threading.Lock()
        self.closing = threading.Event()
        bound = type("_BoundHandler", (_Handler,), {"yahoo": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), bound)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The value for `YAHOO_BASE_URL`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def charts(self, ticker: str) -> list[Seen]:
        """Return the requests for prices of `ticker`, those that yfinance repeats included."""
        path = CHART_PREFIX + ticker
        with self._lock:
            return [seen for seen in self.requests if seen.path == path and "period1" in seen.query]

    def windows(self, ticker: str) -> list[Window]:
        """Return the days that were asked of `ticker`, both ends inclusive, one a request."""
        return [_window(seen.query) for seen in self.charts(ticker)]

    def see(self, seen: Seen) -> None:
        """Note a request."""
        with self._lock:
            self.requests.append(seen)

    def new_crumb(self) -> str:
        """Return a crumb that was never given out."""
        with self._lock:
            self._crumbs += 1
            return f"crumb-{self._crumbs}"

    def next_fault(self, ticker: str) -> Fault | None:
        """Return what befalls this request of `ticker`, counted down."""
        with self._lock:
            queue = self.faults.get(ticker)
            if not queue:
                return None
            fault = queue[0]
            if fault.times is not None:
                rest = [] if fault.times == 1 else [msgspec.structs.replace(fault, times=fault.times - 1)]
                self.faults[ticker] = rest + queue[1:]
            return fault


def _window(query: Mapping[str, str]) -> Window:
    first, after = (datetime.fromtimestamp(int(query[key]), ZONE).date() for key in ("period1", "period2"))
    return Window(first, after - timedelta(days=1))


def error_body(name: str, code: str, description: str) -> bytes:
    """Return Yahoo's way to say no; `name` is `chart`, or `finance` at the front door."""
    return msgspec.json.encode({name: {"result": None, "error": {"code": code, "description": description}}})


class _Handler(BaseHTTPRequestHandler):
    """One request: /<host>/<path>?<query>."""

    yahoo: YahooServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        host, _, path = parts.path.lstrip("/").partition("/")
        seen = Seen(host, f"/{unquote(path)}", dict(parse_qsl(parts.query)))
        self.yahoo.see(seen)
        if host in self.yahoo.hanging_hosts:
            self.yahoo.closing.wait()
        elif seen.path.startswith(CHART_PREFIX):
            self._chart(seen, seen.path.removeprefix(CHART_PREFIX))
        elif seen.path == "/v1/test/getcrumb":
            self._send(200, self.yahoo.new_crumb().encode(), "text/plain")
        else:
            self._send(200, b"<html></html>", "text/html", {"Set-Cookie": "A3=synthetic; Path=/"})

    def _chart(self, seen: Seen, ticker: str) -> None:
        self.yahoo.closing.wait(self.yahoo.delay_s)
        if seen.query.get("crumb") in self.yahoo.revoked_crumbs:
            self._refuse(Status(code=401), seen)
            return
        series = self.yahoo.series.get(ticker)
        fault = self.yahoo.next_fault(ticker)
        if fault is None and series is None:
            fault = Status(code=404)
        if isinstance(fault, Status):
            self._refuse(fault, seen)
        elif isinstance(fault, Hang):
            self.yahoo.closing.wait()
        elif isinstance(fault, Reset):
            self._reset()
        else:
            self._answer(_damaged(_answer(ticker, series or Series(days=()), seen.query), fault))

    def _refuse(self, fault: Status, seen: Seen) -> None:
        asked = {"Retry-After": fault.retry_after, "Location": fault.location, "Content-Encoding": fault.encoding}
        headers = {name: value for name, value in asked.items() if value is not None}
        body = _refusal_body(fault.code, seen.query) if fault.body is None else fault.body
        self._send(fault.code, body, "application/json", headers)

    def _answer(self, body: bytes) -> None:
        self._send(200, body, "text/html" if body.startswith(b"<") else "application/json")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send(self, code: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the server's own clock where a test has set one."""
        return super().date_time_string(timestamp) if self.yahoo.now is None else _http_date(self.yahoo.now)

    def log_message(self, *args: object) -> None:
        """Stay quiet: `requests` is the log."""


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _answer(ticker: str, series: Series, query: Mapping[str, str]) -> dict[str, Any]:
    if "period1" in query:
        return chart_body(ticker, series, start=int(query["period1"]), stop=int(query["period2"]))
    last = stamp(series.days[-1].date, 0) if series.days else 0
    return chart_body(ticker, series, start=last, stop=last + 86_400)


def _refusal_body(code: int, query: Mapping[str, str]) -> bytes:
    if code == 429:
        return TOO_MANY
    if code == 404:
        return error_body("chart", "Not Found", NOT_FOUND)
    if code == 401:
        return error_body("finance", "Unauthorized", "Invalid Crumb")
    if code == 400:
        return error_body("chart", "Bad Request", NO_DATA_THEN.format(**{"period1": 0, "period2": 0} | dict(query)))
    return b"<html><body>Something went wrong</body></html>"


def _damaged(answer: dict[str, Any], fault: Fault | None) -> bytes:
    if isinstance(fault, Html):
        return b"<!doctype html><html><body>Yahoo</body></html>"
    if isinstance(fault, NoResult):
        answer["chart"]["result"] = []
        return msgspec.json.encode(answer)
    result = answer["chart"]["result"][0]
    if isinstance(fault, Empty):
        answer["chart"]["result"][0] = {"meta": result["meta"], **columns([])}
    if isinstance(fault, Ragged):
        result["indicators"]["quote"][0]["close"].pop()
    if isinstance(fault, MissingKey):
        _holder(result, fault.key).pop(fault.key)
    body = msgspec.json.encode(answer)
    return body[: len(body) // 2] if isinstance(fault, Truncated) else body


def _holder(node: Any, key: str) -> dict[str, Any]:
    """Return the first object under `node` that has `key`."""
    return next(_objects_with(node, key))


def _objects_with(node: Any, key: str) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if key in node:
            yield node
        for child in node.values():
            yield from _objects_with(child, key)
    if isinstance(node, list):
        for child in node:
            yield from _objects_with(child, key)
