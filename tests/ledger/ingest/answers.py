"""Builders of answers and held series, with prices in whole or fractional reais."""

import hashlib
import math
import zlib
from collections.abc import Sequence
from datetime import date, datetime

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules.held import Held
from ledger.market.price import price_micros
from ledger.market.sessions import shift
from ledger.values import Answer, Bar, Finding, Identity, RawAction, RawBar, Request, Source, Window

TICKER = "PETR4.SA"
MONDAY = date(2026, 3, 2)
NAN = math.nan
LATER = "2026-03-31T12:00:00+00:00"
GOOD = Identity(symbol=TICKER, currency="BRL", exchange="SAO", timezone="America/Sao_Paulo")


def session(number: int) -> date:
    """Return the session `number` sessions after Monday 2026-03-02."""
    return shift(MONDAY, number)


def instant(text: str) -> int:
    """Return an ISO time as microseconds UTC."""
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


def raw(day: date, close: float, *, adj: float | None = None, volume: float | None = 1000) -> RawBar:
    """Return a clean row around `close`."""
    return RawBar(day, close, close * 1.01, close * 0.99, close, close if adj is None else adj, volume)


def run_of(closes: Sequence[float], *, first: int = 0) -> tuple[RawBar, ...]:
    """Return clean rows on consecutive sessions from `first` on, no two alike."""
    return tuple(raw(session(first + n), close, volume=1000 + first + n) for n, close in enumerate(closes))


def bar(given: RawBar) -> Bar:
    """Return the canonical form of a clean row."""
    opened, high, low, close = (price_micros(price) for price in (given.open, given.high, given.low, given.close))
    adj_close = None if given.adj_close is None else price_micros(given.adj_close)
    return Bar(given.date, opened, high, low, close, adj_close, int(given.volume or 0))


def held(bars: Sequence[RawBar]) -> Held:
    """Return `bars` as a series that was accepted earlier."""
    return Held({given.date: bar(given) for given in bars})


def evidence(
    bars: Sequence[RawBar],
    actions: Sequence[RawAction] = (),
    *,
    window: Window | None = None,
    finished: str = LATER,
    identity: Identity = GOOD,
) -> FetchSucceeded:
    """Return an answer with `bars`, asked for over their own window unless another is given."""
    days = [given.date for given in bars] or [MONDAY]
    at = instant(finished)
    return FetchSucceeded(
        ticker=TICKER,
        provider="yfinance",
        attempt=1,
        started_at=at - 1_000_000,
        finished_at=at,
        request=Request(ticker=TICKER, window=window or Window(min(days), max(days))),
        source=Source(library="synthetic", version="1"),
        answer=Answer(body=zlib.compress(b"{}"), body_bytes=2, sha256=hashlib.sha256(b"{}").digest()),
        identity=identity,
        bars=tuple(bars),
        actions=tuple(actions),
    )


def ids(findings: Sequence[Finding]) -> list[tuple[str, date | None]]:
    """Return who says something of what, without the words."""
    return [(finding.rule, finding.date) for finding in findings]


def tallies(decision: ValidationCompleted) -> dict[str, int]:
    """Return a decision's counts."""
    return {
        "received": decision.received,
        "added": decision.added,
        "revised": decision.revised,
        "unchanged": decision.unchanged,
    }
