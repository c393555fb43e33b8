"""Days and tickers as notebooks write them: dates, ISO text, pandas' Timestamps, numpy's datetime64. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ledger.market.sessions import trading_day
from ledger.market.ticker import normalize
from projections.queries.position import AsOf

Day = date | str  # a datetime and a Timestamp are dates
Tickers = str | Iterable[str]  # one or several

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(written: Any) -> date:
    """Return the day that `written` names; a time with an offset is of the trading day that it lies in.

    Raises: ValueError for what names none.
    """
    if isinstance(written, date) and written == written:  # noqa: PLR0124 - pandas' NaT, which is a datetime, is not
        if not isinstance(written, datetime):
            return written
        if written.tzinfo is None:
            return written.date()  # a Timestamp of a day is its midnight
        return trading_day((written - _EPOCH) // timedelta(microseconds=1))
    text = "a number" if isinstance(written, int | float) else str(written)
    try:
        return day_of(datetime.fromisoformat(text)) if len(text) > len("2026-02-13") else date.fromisoformat(text)
    except ValueError as error:
        message = f"got {written!r}, want a day such as 2026-02-13"
        raise ValueError(message) from error


def day_or_none(written: Any) -> date | None:
    """Return `day_of` what was written, None where nothing was."""
    return None if written is None else day_of(written)


def names_of(tickers: Tickers) -> tuple[str, ...]:
    """Return the tickers, each once, whichever way it is written.

    Raises: TickerError; ValueError for none.
    """
    names = (tickers,) if isinstance(tickers, str) else tuple(tickers)
    if not names:
        message = "got no ticker, want at least one"
        raise ValueError(message)
    return tuple(dict.fromkeys(map(normalize, names)))


def as_of_written(written: Any) -> AsOf:
    """Return `written` as what a position is made of; a Timestamp of a day is that day, as a date is."""
    if isinstance(written, datetime) and written.tzinfo is None and written.time() == time.min:
        return written.date()
    known: AsOf = written if isinstance(written, AsOf) else str(written)  # numpy's datetime64
    return known
