"""Synthetic daily series in the shape Yahoo ships them, and the edits that history makes to them.

Series are frozen: an edit returns another series.
"""

import random
import struct
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

ZONE = ZoneInfo("America/Sao_Paulo")


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One row as Yahoo would send it; None is a null."""

    date: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adj_close: float | None
    volume: int | None
    hour: int = 10  # local time of its timestamp


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """All that the server knows of one ticker."""

    days: tuple[Day, ...]
    dividends: tuple[tuple[date, float], ...] = ()
    splits: tuple[tuple[date, int, int], ...] = ()  # day, numerator, denominator
    currency: str | None = "BRL"
    exchange: str | None = "SAO"
    timezone: str = "America/Sao_Paulo"
    symbol: str | None = None  # None: the one asked for
    first_day: date | None = None  # of its whole history; None: its first row


def widened(price: float) -> float:
    """Return the price after a trip through float32, as Yahoo ships it: 37.32 -> 37.31999969482422."""
    return float(struct.unpack("f", struct.pack("f", price))[0])


def make_series(days: Sequence[date], *, seed: int = 0, close: float = 30.0) -> Series:
    """Return a random walk over `days`: under 3 % a day, in centavos, no dividend and no split."""
    rng = random.Random(seed)
    made = []
    for day in days:
        opened, close = close, round(max(1.0, close * (1 + rng.uniform(-0.02, 0.02))), 2)
        high = round(max(opened, close) + rng.randrange(1, 20) / 100, 2)
        low = round(max(0.01, min(opened, close) - rng.randrange(1, 20) / 100), 2)
        made.append(row(day, opened, high, low, close, volume=rng.randrange(10_000, 900_000) * 100))
    return Series(days=tuple(made))


def row(day: date, opened: float, high: float, low: float, close: float, *, volume: int) -> Day:
    """Return one row in float32 prices, adjusted close equal to close."""
    o, h, l, c = map(widened, (opened, high, low, close))  # noqa: E741 - the four prices of a bar
    return Day(date=day, open=o, high=h, low=l, close=c, adj_close=c, volume=volume)


def flat(day: date, price: float, *, volume: int = 1_000) -> Day:
    """Return a row that opened, closed and stayed at `price`."""
    return row(day, price, price, price, price, volume=volume)


def split(series: Series, on: date, numerator: int, denominator: int = 1) -> Series:
    """Return the series after a split on `on`: Yahoo rescales every row before it, and all the closes shrink."""
    factor = denominator / numerator
    days = tuple(_scaled(day, factor) if day.date < on else day for day in series.days)
    return msgspec.structs.replace(series, days=days, splits=(*series.splits, (on, numerator, denominator)))


def dividend(series: Series, on: date, amount: float) -> Series:
    """Return the series after a dividend: adjusted closes before `on` are multiplied by 1 - D / previous close."""
    before = [day.close for day in series.days if day.date < on and day.close is not None]
    factor = 1 - amount / before[-1]
    days = tuple(
        msgspec.structs.replace(day, adj_close=day.adj_close * factor)
        if day.date < on and day.adj_close is not None
        else day
        for day in series.days
    )
    return msgspec.structs.replace(series, days=days, dividends=(*series.dividends, (on, amount)))


def correct(series: Series, on: date, **cells: object) -> Series:
    """Return the series with cells of one row changed; None is a null, 0 a zero."""
    days = tuple(msgspec.structs.replace(day, **cells) if day.date == on else day for day in series.days)
    return msgspec.structs.replace(series, days=days)


def withdraw(series: Series, on: date) -> Series:
    """Return the series without the row of `on`."""
    return msgspec.structs.replace(series, days=tuple(day for day in series.days if day.date != on))


def add(series: Series, *days: Day) -> Series:
    """Return the series with more rows, in date order; a date that is there already comes twice."""
    return msgspec.structs.replace(series, days=tuple(sorted((*series.days, *days), key=lambda day: day.date)))


def _scaled(day: Day, factor: float) -> Day:
    prices = {name: getattr(day, name) for name in ("open", "high", "low", "close", "adj_close")}
    scaled = {name: price if price is None else widened(price * factor) for name, price in prices.items()}
    volume = day.volume if day.volume is None else round(day.volume / factor)
    return msgspec.structs.replace(day, **scaled, volume=volume)


def stamp(day: date, hour: int = 10) -> int:
    """Return the timestamp of a row: `hour` o'clock in São Paulo."""
    return int(datetime.combine(day, time(hour), ZONE).timestamp())


def chart_body(ticker: str, series: Series, *, start: int, stop: int) -> dict[str, Any]:
    """Return Yahoo's answer for the timestamps of [start, stop)."""
    days = [day for day in series.days if start <= stamp(day.date, day.hour) < stop]
    result = {"meta": _meta(ticker, series), **columns(days)}
    events = _events(series, start, stop)
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def _meta(ticker: str, series: Series) -> dict[str, Any]:
    return {
        "currency": series.currency,
        "symbol": series.symbol or ticker,
        "exchangeName": series.exchange,
        "fullExchangeName": "São Paulo",
        "instrumentType": "EQUITY",
        "firstTradeDate": stamp(series.first_day or (series.days[0].date if series.days else date(2000, 1, 3))),
        "regularMarketTime": stamp(series.days[-1].date, 17) if series.days else 0,
        "gmtoffset": -10800,
        "timezone": "BRT",
        "exchangeTimezoneName": series.timezone,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }


def columns(days: Sequence[Day]) -> dict[str, Any]:
    """Return the timestamps and the columns of an answer; without rows Yahoo leaves out the keys."""
    if not days:
        return {"indicators": {"quote": [{}], "adjclose": [{}]}}
    quote = {name: [getattr(day, name) for day in days] for name in ("open", "high", "low", "close", "volume")}
    adjusted = {"adjclose": [day.adj_close for day in days]}
    stamps = [stamp(day.date, day.hour) for day in days]
    return {"timestamp": stamps, "indicators": {"quote": [quote], "adjclose": [adjusted]}}


def _events(series: Series, start: int, stop: int) -> dict[str, Any]:
    paid = {str(stamp(on)): {"amount": amount, "date": stamp(on)} for on, amount in series.dividends}
    parted = {
        str(stamp(on)): {"date": stamp(on), "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}
        for on, new, old in series.splits
    }
    asked: dict[str, dict[str, Any]] = {"dividends": paid, "splits": parted}
    within = {name: {k: v for k, v in them.items() if start <= int(k) < stop} for name, them in asked.items()}
    return {name: them for name, them in within.items() if them}
