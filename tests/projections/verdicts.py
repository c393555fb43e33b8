"""Decisions at instants of one's own choosing, over one series, for what read models tell of history."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ledger.chain import Seq
from ledger.codec import Draft
from ledger.market.series import Series
from ledger.memory_log import MemoryLog
from ledger.values import Bar, Finding, Window
from projections.fold.folding import replayed
from projections.fold.tables import Tables
from projections.models.prices import Prices
from tests.support.drafts import decision

TICKER = "PETR4.SA"
PROVIDER = "yfinance"
SERIES = Series(TICKER, PROVIDER)
MONDAY = date(2026, 1, 5)
EVENING = 18.75  # a quarter to seven in São Paulo: the day's session is final
NOON = 12.0


def day(number: int) -> date:
    """Return the day `number` days after Monday 2026-01-05; 5 and 6 are a weekend."""
    return MONDAY + timedelta(days=number)


def instant(number: int, hour: float = EVENING) -> int:
    """Return `hour` o'clock in São Paulo on day `number`, in microseconds UTC."""
    midnight = datetime.combine(day(number), datetime.min.time(), UTC) + timedelta(hours=3)
    return int((midnight + timedelta(hours=hour)).timestamp()) * 1_000_000


def bar(number: int, close: int = 10_000_000, *, adj: int | None = None, volume: int = 100) -> Bar:
    """Return a flat bar of day `number`."""
    return Bar(day(number), close, close, close, close, close if adj is None else adj, volume)


class Verdicts:
    """A log of decisions over one series."""

    def __init__(self) -> None:
        self.now_us = 0
        self.log = MemoryLog(now=lambda: self.now_us)

    def add(self, at: int, window: tuple[int, int], bars: Sequence[Bar] = (), **fields: Any) -> Seq:
        """Append a decision over the days of `window`; `rejected` are days."""
        self.now_us = at
        rejected = tuple(Finding("NONPOS", on, "got 0") for on in fields.pop("rejected", ()))
        days = Window(day(window[0]), day(window[1]))
        fields = {"received": len(bars) + len(rejected), "rejected": rejected} | fields
        event = decision(TICKER, PROVIDER, days, bars, **fields)
        draft = Draft(job_id=bytes(16), stream=TICKER, event=event)
        return self.log.append([draft], append_id=self.log.head().size.to_bytes(16, "big")).first

    def tables(self) -> Tables:
        """Return the tables of `prices` after all of it."""
        return replayed(self.log.read(), [Prices()])[1]["prices"]
