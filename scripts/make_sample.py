"""Write the bundled sample: four synthetic tickers, two years each, in the shape of Yahoo's chart answer.

    python scripts/make_sample.py [FOLDER]

The same bytes every time: seeded, no clock, gzip without a time stamp.
The names are real tickers so that the sample reads like the real thing; the prices are invented.
"""

import gzip
import math
import random
import struct
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ledger.market.sessions import sessions
from ledger.values import Window

FOLDER = Path(__file__).resolve().parent.parent / "ledger" / "ingest" / "providers" / "sample" / "data"
ZONE = ZoneInfo("America/Sao_Paulo")
WINDOW = Window(date(2024, 2, 14), date(2026, 2, 13))
OPENING = time(10)

DAILY_SPREAD = 0.011  # standard deviation of a day's move
DAILY_MOVE_MAX = 0.06
MEAN_SHARES = 30_000_000

DIVIDEND_DAY, DIVIDEND = date(2025, 3, 12), 2.0
SPLIT_DAY, SPLIT = date(2025, 4, 16), 2
PRICES = ("open", "high", "low", "close", "adj_close")
FRIDAY = 4

Row = dict[str, Any]


def walk(days: Sequence[date], *, seed: int, close: float) -> list[Row]:
    """Return a seeded walk in whole centavos that starts from `close`."""
    rng = random.Random(seed)  # noqa: S311 - reproducible data, not secrets
    rows = []
    for day in days:
        opened = _centavos(close * (1 + rng.uniform(-0.004, 0.004)))
        move = max(-DAILY_MOVE_MAX, min(DAILY_MOVE_MAX, rng.gauss(0, DAILY_SPREAD)))
        close = _centavos(close * (1 + move))
        high = _centavos(max(opened, close) * (1 + abs(rng.gauss(0, 0.004))) + 0.01)
        low = _centavos(min(opened, close) * (1 - abs(rng.gauss(0, 0.004))) - 0.01)
        shares = round(MEAN_SHARES * math.exp(rng.gauss(0, 0.35)) / 100) * 100
        prices = {"open": opened, "high": high, "low": low, "close": close, "adj_close": close}
        rows.append({"date": day, **prices, "volume": shares})
    return rows


def clean(days: Sequence[date]) -> dict[str, Any]:
    """Return a ticker that nothing happened to."""
    return body("PETR4.SA", walk(days, seed=4, close=38.5))


def with_dividend(days: Sequence[date]) -> dict[str, Any]:
    """Return a ticker that paid once: adjusted closes before that day lie lower by 1 - D / previous close."""
    rows = walk(days, seed=3, close=62.0)
    previous = next(row["close"] for row in reversed(rows) if row["date"] < DIVIDEND_DAY)
    for row in rows:
        if row["date"] < DIVIDEND_DAY:
            row["adj_close"] = row["close"] * (1 - DIVIDEND / previous)
    stamp = _stamp(DIVIDEND_DAY)
    return body("VALE3.SA", rows, dividends={str(stamp): {"amount": DIVIDEND, "date": stamp}})


def with_split(days: Sequence[date]) -> dict[str, Any]:
    """Return a ticker that was split 1:2: Yahoo's history is on today's scale all the way, so no price steps."""
    rows = walk(days, seed=7, close=55.0)
    for row in rows:
        before = row["date"] < SPLIT_DAY
        scaled = {name: row[name] / SPLIT for name in PRICES}
        row.update(scaled if before else {name: _centavos(price) for name, price in scaled.items()})
        row["volume"] *= SPLIT if before else 1
    stamp = _stamp(SPLIT_DAY)
    split = {"date": stamp, "numerator": SPLIT, "denominator": 1, "splitRatio": f"{SPLIT}:1"}
    return body("BBAS3.SA", rows, splits={str(stamp): split})


def with_bad_rows(days: Sequence[date]) -> dict[str, Any]:
    """Return a ticker with one row of each kind that validation turns away: zeros, a null, low > high, a Saturday."""
    rows = walk(days, seed=11, close=33.0)
    rows[60].update(open=0.0, high=0.0, low=0.0)
    rows[180]["open"] = None
    rows[300].update(high=rows[300]["low"], low=rows[300]["high"])
    friday = next(row for row in rows[400:] if row["date"].weekday() == FRIDAY)
    rows.insert(rows.index(friday) + 1, friday | {"date": friday["date"] + timedelta(days=1)})
    return body("ITUB4.SA", rows)


def body(symbol: str, rows: Sequence[Row], **events: dict[str, Any]) -> dict[str, Any]:
    """Return Yahoo's answer for `rows`, prices widened from float32 as Yahoo's are."""
    quote = {name: [_widened(row[name]) for row in rows] for name in ("open", "high", "low", "close")}
    quote["volume"] = [row["volume"] for row in rows]
    adjusted = {"adjclose": [_widened(row["adj_close"]) for row in rows]}
    result = {
        "meta": meta(symbol, rows[-1]["date"]),
        "timestamp": [_stamp(row["date"]) for row in rows],
        "events": events,
        "indicators": {"quote": [quote], "adjclose": [adjusted]},
    }
    return {"chart": {"result": [result], "error": None}}


def meta(symbol: str, last: date) -> dict[str, Any]:
    """Return what Yahoo says of a series of B3."""
    return {
        "currency": "BRL",
        "symbol": symbol,
        "exchangeName": "SAO",
        "instrumentType": "EQUITY",
        "regularMarketTime": int(datetime.combine(last, time(17, 7), ZONE).timestamp()),
        "gmtoffset": -10800,
        "timezone": "BRT",
        "exchangeTimezoneName": "America/Sao_Paulo",
        "priceHint": 2,
        "dataGranularity": "1d",
    }


def _centavos(price: float) -> float:
    return round(price, 2)


def _widened(price: float | None) -> float | None:
    return None if price is None else float(struct.unpack("f", struct.pack("f", price))[0])


def _stamp(day: date) -> int:
    return int(datetime.combine(day, OPENING, ZONE).timestamp())


MAKERS: dict[str, Callable[[Sequence[date]], dict[str, Any]]] = {
    "PETR4.SA": clean,
    "VALE3.SA": with_dividend,
    "BBAS3.SA": with_split,
    "ITUB4.SA": with_bad_rows,
}


def write(folder: Path) -> None:
    """Write one `<ticker>.json.gz` a ticker into `folder`."""
    days = sessions(WINDOW)
    folder.mkdir(parents=True, exist_ok=True)
    for ticker, make in MAKERS.items():
        plain = msgspec.json.encode(make(days))
        (folder / f"{ticker}.json.gz").write_bytes(gzip.compress(plain, mtime=0))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
