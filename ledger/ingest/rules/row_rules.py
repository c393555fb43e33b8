"""Rules that need one row only: a day is accepted as a bar, rejected with a reason, or left for later. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import cast

import msgspec
from msgspec.structs import astuple

from ledger.ingest.rules import catalogue
from ledger.ingest.rules.held import Exact
from ledger.ingest.rules.merge import Row
from ledger.market import sessions
from ledger.market.price import MICROS_PER_REAL, price_micros, price_text, prices_micros
from ledger.values import Bar, Finding, Rank, RawBar, Window

_alike = attrgetter("alike")

VOLUME_LIMIT = 2**63  # what other languages and SQL can hold, with the sign

_MANY = 8  # rows: fewer are made exact one by one sooner than column by column

_TO_CENTAVO = -4  # for round(): ten thousand millionths are a centavo
_CENTAVOS_FROM = round(catalogue.CENTAVOS_FROM * MICROS_PER_REAL)


class Today(msgspec.Struct, frozen=True):
    """The day in São Paulo on which evidence came, and whether its session was final by then."""

    day: date
    final: bool

    @property
    def last_final(self) -> date:
        """The newest session that was final by then."""
        return self.day if self.final and sessions.is_session(self.day) else sessions.shift(self.day, -1)


class Sorted(msgspec.Struct, frozen=True):
    """An answer's days, each in exactly one of the lists, oldest first. `received` counts copies of a day too.

    `foreign` of the rejected ones are rows in a currency of their own.
    """

    received: int
    accepted: tuple[Bar, ...]
    rejected: tuple[Finding, ...]
    partial: tuple[date, ...]
    foreign: int

    @property
    def days(self) -> set[date]:
        """The accepted days."""
        return {bar.date for bar in self.accepted}


def today(finished_at: int, rank: Rank | None = None) -> Today:
    """Return what "today" meant to evidence that came at `finished_at`.

    Sessions before the day on which a file was made were final by then, whatever the clock of its import.
    """
    day = sessions.trading_day(finished_at)
    if rank is not None and rank.made_on > day:
        return Today(rank.made_on, final=False)
    return Today(day, final=finished_at >= sessions.final_at(day))


@catalogue.applies(catalogue.PARTIAL)
def sort_rows(
    rows: Sequence[Row], now: Today, window: Window, foreign: Mapping[date, str], exact: Exact | None = None
) -> Sorted:
    """Return each of `rows`, oldest first, accepted, rejected by the first rule that it breaks, or partial.

    `foreign` are the days whose row is in a currency of its own; `exact` does as `exact_bars` does.
    """
    if rows and not foreign and all(map(_alike, rows)):
        plain = [row.bar for row in rows]
        if _are_due(plain, now, window):
            return _sorted(sum([row.copies for row in rows]), (exact or exact_bars)(plain), foreign)
    outcomes = [_outcome(row, now, window, foreign) for row in rows]
    return _sorted(sum([row.copies for row in rows]), outcomes, foreign)


def sort_plain(bars: Sequence[RawBar], now: Today, window: Window, exact: Exact | None = None) -> Sorted | None:
    """Return what `sort_rows` makes of the plain rows that `bars` are, None where more than values may be wrong."""
    return _sorted(len(bars), (exact or exact_bars)(bars), {}) if _are_due(bars, now, window) else None


def _sorted(received: int, outcomes: Sequence[Bar | Finding | date], foreign: Mapping[date, str]) -> Sorted:
    if {*map(type, outcomes)} == {Bar}:
        return Sorted(received, cast("tuple[Bar, ...]", tuple(outcomes)), (), (), 0)
    rejected = tuple(one for one in outcomes if isinstance(one, Finding))
    return Sorted(
        received=received,
        accepted=tuple(one for one in outcomes if isinstance(one, Bar)),
        rejected=rejected,
        partial=tuple(one for one in outcomes if isinstance(one, date)),
        foreign=sum(finding.date in foreign for finding in rejected),
    )


def _are_due(bars: Sequence[RawBar], now: Today, window: Window) -> bool:
    """Return whether nothing but its values can be wrong with any of `bars`, of which there are some: nearly always."""
    if not window.start <= bars[0].date or not bars[-1].date <= min(window.end, now.last_final):
        return False
    return sessions.are_sessions([bar.date for bar in bars])


def _outcome(row: Row, now: Today, window: Window, foreign: Mapping[date, str]) -> Bar | Finding | date:
    day = row.bar.date
    if day == now.day and not now.final and sessions.is_session(day):
        return day
    unfit = unfit_day(day, now) or outside(day, window) or foreign_row(day, foreign) or unlike_copies(row)
    return unfit or exact_bar(row.bar)


@catalogue.applies(catalogue.FUTURE, catalogue.NOT_SESSION)
def unfit_day(day: date, now: Today) -> Finding | None:
    """Return what FUTURE or NOT_SESSION finds in a row's day."""
    if day > now.day:
        return Finding(catalogue.FUTURE.id, day, f"got {day}, want {now.day} at the latest")
    if not sessions.is_session(day):
        return Finding(catalogue.NOT_SESSION.id, day, f"got a bar on {day:%A} {day}, want a session of B3")
    return None


@catalogue.applies(catalogue.WINDOW)
def outside(day: date, window: Window) -> Finding | None:
    """Return what WINDOW finds in a row's day."""
    if window.start <= day <= window.end:
        return None
    return Finding(catalogue.WINDOW.id, day, f"got {day}, want {window.start} to {window.end}, as asked for")


@catalogue.applies(catalogue.IDENTITY_ROW)
def foreign_row(day: date, foreign: Mapping[date, str]) -> Finding | None:
    """Return what IDENTITY finds in the currency of a row."""
    if day not in foreign:
        return None
    return Finding(catalogue.IDENTITY_ROW.id, day, f"got a row in {foreign[day]}, want the currency of its series")


@catalogue.applies(catalogue.DUPLICATE_LAST)
def last_copy(row: Row) -> Finding | None:
    """Return what DUPLICATE finds in the last day of an answer, whose last copy is kept."""
    if row.alike or not row.last:
        return None
    return Finding(catalogue.DUPLICATE_LAST.id, row.bar.date, f"got {row.copies} rows that differ, want one; last kept")


@catalogue.applies(catalogue.DUPLICATE)
def unlike_copies(row: Row) -> Finding | None:
    """Return what DUPLICATE finds in a day that came more than once, the answer's last one apart."""
    if row.alike or row.last:
        return None
    return Finding(catalogue.DUPLICATE.id, row.bar.date, f"got {row.copies} rows that differ, want one")


def exact_bars(rows: Sequence[RawBar]) -> list[Bar | Finding]:
    """Return what `exact_bar` makes of each row."""
    if len(rows) >= _MANY and (bars := _by_columns(rows)) is not None:
        # What is in order as it is, is so when rounded.
        return [
            bar if 0 < bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high else exact_bar(row)
            for bar, row in zip(bars, rows, strict=True)
        ]
    return [exact_bar(row) for row in rows]


def _by_columns(rows: Sequence[RawBar]) -> Iterable[Bar] | None:
    """Return the bars of `rows`, whatever their order of prices; None where a cell of any is missing or no number."""
    days, *prices, volumes = zip(*map(astuple, rows), strict=True)
    if {*map(type, volumes)} != {int} or not 0 <= min(volumes) <= max(volumes) < VOLUME_LIMIT or None in prices[-1]:
        return None
    try:
        return map(Bar, days, *map(prices_micros, prices), volumes)
    except ValueError:
        return None


@catalogue.applies(catalogue.OHLC_NAN)
def exact_bar(raw: RawBar) -> Bar | Finding:
    """Return the bar in exact terms, or the finding of the first rule on its values that it breaks."""
    read = price_micros
    try:
        opened, high, low, close = read(raw.open), read(raw.high), read(raw.low), read(raw.close)
    except ValueError:
        prices = {"open": raw.open, "high": raw.high, "low": raw.low, "close": raw.close}
        got = ", ".join(f"{name} {price}" for name, price in prices.items() if micros(price) is None)
        return Finding(catalogue.OHLC_NAN.id, raw.date, f"got {got}, want a price")
    try:
        adj_close = None if raw.adj_close is None else read(raw.adj_close)
    except ValueError:
        adj_close = None
    volume = shares(raw.volume)
    bar = Bar(raw.date, opened, high, low, close, adj_close, volume or 0)
    # What is in order as it is, is so when rounded.
    if volume is not None and 0 < low <= opened <= high and low <= close <= high:
        return bar
    return not_positive(bar) or out_of_order(bar) or no_volume(raw) or bar


@catalogue.applies(catalogue.NONPOS)
def not_positive(bar: Bar) -> Finding | None:
    """Return what NONPOS finds in the bar's prices."""
    if min(bar.open, bar.high, bar.low, bar.close) > 0:
        return None
    return Finding(catalogue.NONPOS.id, bar.date, f"got {_ohlc_text(bar)}, want all above 0")


@catalogue.applies(catalogue.OHLC_ORDER)
def out_of_order(bar: Bar) -> Finding | None:
    """Return what OHLC_ORDER finds in the bar's prices at their own precision: centavos, or as they are below ten."""
    prices = bar.open, bar.high, bar.low, bar.close
    places = _TO_CENTAVO if max(prices) >= _CENTAVOS_FROM else 0
    opened, high, low, close = (round(price, places) for price in prices)
    if low <= min(opened, close) and max(opened, close) <= high:
        return None
    return Finding(catalogue.OHLC_ORDER.id, bar.date, f"got {_ohlc_text(bar)}, want low <= open, close <= high")


@catalogue.applies(catalogue.VOLUME)
def no_volume(raw: RawBar) -> Finding | None:
    """Return what VOLUME finds in a volume that is no number of shares."""
    if shares(raw.volume) is not None:
        return None
    got = "null" if raw.volume is None else raw.volume
    return Finding(catalogue.VOLUME.id, raw.date, f"got volume {got}, want a whole number >= 0")


@catalogue.applies(catalogue.VOLUME_MOVED, catalogue.VOLUME_IDLE)
def idle(bar: Bar) -> Finding | None:
    """Return what VOLUME finds in an accepted bar without trades: W when its price did not move, else Q."""
    if bar.volume > 0:
        return None
    rule = catalogue.VOLUME_IDLE if bar.high == bar.low else catalogue.VOLUME_MOVED
    prices = f"high {price_text(bar.high)} and low {price_text(bar.low)}"
    return Finding(rule.id, bar.date, f"got volume 0 with {prices}, want shares traded")


def micros(value: float) -> int | None:
    """Return a price in millionths of a real, None where it cannot be held."""
    try:
        return price_micros(value)
    except ValueError:
        return None


def _ohlc_text(bar: Bar) -> str:
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close}
    return ", ".join(f"{name} {price_text(micros)}" for name, micros in prices.items())


def shares(volume: float | None) -> int | None:
    """Return a volume as a whole number, None where it is none."""
    if type(volume) is int and 0 <= volume < VOLUME_LIMIT:
        return volume
    if volume is None or not math.isfinite(volume) or volume != int(volume) or not 0 <= volume < VOLUME_LIMIT:
        return None
    return int(volume)
