"""Answer for Yahoo on this machine, from a COTAHIST file: the standard library, nothing else.

    python stand_in.py FILE.ZIP CODE --close DATE=PRICE --now TIME

Prints the address for YAHOO_BASE_URL once it listens there, then answers, until it is killed or an hour has passed.
`--close` makes its close of one day another than the exchange's; `--now` is what it takes for the time, as the ledger
does B3_LEDGER_NOW.
"""

import argparse
import json
import signal
import struct
import sys
import time
import zipfile
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

PATIENCE_S = 3600
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
CHART = "/v8/finance/chart/"
# Where B3's layout has each price of a quote, in centavos, and the shares traded.
PRICES = {"open": 56, "high": 69, "low": 82, "close": 108}
PRICE_DIGITS = 13
VOLUME = slice(152, 170)


def quotes(file: str, code: str, closes: dict[str, float]) -> list[dict[str, Any]]:
    """Return the file's quotes of `code` as Yahoo would have them: a time of day, float32 prices, shares."""
    with zipfile.ZipFile(file) as packed:
        lines = packed.read(packed.namelist()[0]).decode("latin-1").splitlines()
    found = []
    for line in lines:
        if line[:2] == "01" and line[12:24].strip() == code:
            day = datetime.strptime(line[2:10], "%Y%m%d").replace(hour=10, tzinfo=SAO_PAULO)
            prices = {name: int(line[at : at + PRICE_DIGITS]) / 100 for name, at in PRICES.items()}
            prices["close"] = closes.get(f"{day:%Y-%m-%d}", prices["close"])
            # Yahoo's prices have been through a float32: 37.32 is 37.31999969482422 there.
            widened = {name: struct.unpack("f", struct.pack("f", price))[0] for name, price in prices.items()}
            found.append({"at": int(day.timestamp()), "volume": int(line[VOLUME]), **widened})
    return sorted(found, key=lambda quote: quote["at"])


def chart(ticker: str, rows: list[dict[str, Any]]) -> bytes:
    """Return `rows` as Yahoo's chart of `ticker`."""
    columns = {name: [row[name] for row in rows] for name in (*PRICES, "volume")}
    meta = {
        "currency": "BRL",
        "symbol": ticker,
        "exchangeName": "SAO",
        "instrumentType": "EQUITY",
        "gmtoffset": -10800,
        "timezone": "BRT",
        "exchangeTimezoneName": "America/Sao_Paulo",
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "1y", "max"],
    }
    adjusted = [{"adjclose": columns["close"]}]
    found = {
        "meta": meta,
        "timestamp": [row["at"] for row in rows],
        "indicators": {"quote": [columns], "adjclose": adjusted},
    }
    return json.dumps({"chart": {"result": [found], "error": None}}).encode()


def handler(code: str, known: list[dict[str, Any]], now: float | None) -> type[BaseHTTPRequestHandler]:
    """Return what answers one request, /HOST/PATH?QUERY."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path, query = f"/{parts.path.lstrip('/').partition('/')[2]}", parse_qs(parts.query)
            if path == f"{CHART}{code}.SA":
                first, stop = (int(query.get(name, [at])[0]) for name, at in (("period1", 0), ("period2", 2**40)))
                rows = [row for row in known if first <= row["at"] < stop]
                self.answer(200, chart(f"{code}.SA", rows), "application/json")
            elif path.startswith(CHART):
                said = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
                self.answer(404, json.dumps({"chart": {"result": None, "error": said}}).encode(), "application/json")
            else:  # the cookie and the crumb that yfinance asks for first
                self.answer(200, b"crumb", "text/plain")

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Set-Cookie", "A3=stand-in; Path=/")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(now if timestamp is None else timestamp)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main() -> int:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("code")
    parser.add_argument("--close", default=[], action="append", metavar="DATE=PRICE")
    parser.add_argument("--now", type=lambda text: datetime.fromisoformat(text).timestamp(), metavar="TIME")
    asked = parser.parse_args()
    closes = {day: float(price) for day, _, price in (one.partition("=") for one in asked.close)}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = HTTPServer(("127.0.0.1", 0), handler(asked.code, quotes(asked.file, asked.code, closes), asked.now))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.timeout, until = 1.0, time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        server.handle_request()
    return 0


if __name__ == "__main__":
    sys.exit(main())
