"""The rules of version 1 that need one row only. Pure."""

import math
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from ledger.ingest.rules.v1 import catalogue
from ledger.ingest.rules.v1.merge import Row1
from ledger.market import sessions
from ledger.market.price import price_micros, price_text
from ledger.values import Bar, Finding, RawBar

VOLUME_LIMIT = 2**63  # what other languages and SQL can hold, with the sign

_TO_CENTAVO = -4  # for round(): ten thousand millionths are a centavo


class Today1(msgspec.Struct, frozen=True):
    """The day in São Paulo on which evidence came, and whether its session was final by then."""

    day: date
    final: bool


class Sorted1(msgspec.Struct, frozen=True):
    """An answer's days, each in exactly one place, oldest first. `received` counts copies of a day too."""

    received: int
    accepted: tuple[Bar, ...]
    rejected: tuple[Finding, ...]
    partial: tuple[date, ...]


def today(finished_at: int) -> Today1:
    """Return what "today" meant to evidence that came at `finished_at`."""
    day = sessions.trading_day(finished_at)
    return Today1(day, final=finished_at >= sessions.final_at(day))


def sort_rows(rows: Iterable[Row1], now: Today1) -> Sorted1:
    """Return each row accepted, rejected by the first rule that it breaks, or partial."""
    received, accepted, rejected, partial = 0, [], [], []
    for row in rows:
        day = row.bar.date
        received += row.copies
        if day == now.day and not now.final and sessions.is_session(day):
            partial.append(day)
        elif isinstance(outcome := _read(row, now), Finding):
            rejected.append(outcome)
        else:
            accepted.append(outcome)
    return Sorted1(received, tuple(accepted), tuple(rejected), tuple(partial))


def idle(bar: Bar) -> Finding | None:
    """Return what VOLUME says of an accepted bar without trades: W when it stood still, else Q."""
    if bar.volume > 0:
        return None
    prices = f"high {price_text(bar.high)} and low {price_text(bar.low)}"
    return Finding(catalogue.VOLUME, bar.date, f"got volume 0 with {prices}, want shares traded")


def unreadable_adjustments(rows: Iterable[Row1]) -> Iterator[Finding]:
    """Yield what ADJ says of adjusted closes that are there and can not be held."""
    for row in rows:
        if row.bar.adj_close is not None and _micros(row.bar.adj_close) is None:
            yield Finding(catalogue.ADJ, row.bar.date, f"got adj_close {row.bar.adj_close}, want a number")


def _read(row: Row1, now: Today1) -> Bar | Finding:
    """Return the row as a bar, or the finding of the first rule that it breaks."""
    raw, day = row.bar, row.bar.date
    if day > now.day:
        return Finding(catalogue.FUTURE, day, f"got {day}, want {now.day} at the latest")
    if not sessions.is_session(day):
        return Finding(catalogue.NOT_SESSION, day, f"got a bar on {day:%A} {day}, want a session of B3")
    if not row.alike:
        return Finding(catalogue.DUPLICATE, day, f"got {row.copies} rows that differ, want one")
    prices = {"open": raw.open, "high": raw.high, "low": raw.low, "close": raw.close}
    try:
        opened, high, low, close = (price_micros(price) for price in prices.values())
    except ValueError:
        got = ", ".join(f"{name} {price}" for name, price in prices.items() if _micros(price) is None)
        return Finding(catalogue.OHLC_NAN, day, f"got {got}, want a price")
    adj_close = None if raw.adj_close is None else _micros(raw.adj_close)
    bar = Bar(day, opened, high, low, close, adj_close, _shares(raw.volume) or 0)
    if min(opened, high, low, close) <= 0:
        return Finding(catalogue.NONPOS, day, f"got {_ohlc_text(bar)}, want all above 0")
    opened, high, low, close = (round(price, _TO_CENTAVO) for price in (opened, high, low, close))
    if low > min(opened, close) or max(opened, close) > high:
        return Finding(catalogue.OHLC_ORDER, day, f"got {_ohlc_text(bar)}, want low <= open, close <= high")
    return _no_volume(raw) or bar


def _ohlc_text(bar: Bar) -> str:
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close}
    return ", ".join(f"{name} {price_text(micros)}" for name, micros in prices.items())


def _no_volume(raw: RawBar) -> Finding | None:
    if _shares(raw.volume) is not None:
        return None
    got = "null" if raw.volume is None else raw.volume
    return Finding(catalogue.VOLUME, raw.date, f"got volume {got}, want a whole number >= 0")


def _shares(volume: float | None) -> int | None:
    if volume is None or not math.isfinite(volume) or volume != int(volume) or not 0 <= volume < VOLUME_LIMIT:
        return None
    return int(volume)


def _micros(value: float) -> int | None:
    try:
        return price_micros(value)
    except ValueError:
        return None
