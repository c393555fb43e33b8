"""Events drawn by hypothesis: few tickers and few days, so that they meet again and again."""

from datetime import date, timedelta

import msgspec
from hypothesis import strategies as st

from ledger.codec import Draft
from ledger.events import Event, FetchSucceeded, IngestFailed, SnapshotWritten
from ledger.values import Answer, Bar, Identity, RawBar, Request, Source, Window
from tests.support.drafts import JOB, connection_tested, decision

TICKERS = ("PETR4.SA", "VALE3.SA")
PROVIDER = "yfinance"
DAYS = tuple(date(2026, 2, 2) + timedelta(days=offset) for offset in range(4))
WINDOW = Window(DAYS[0], DAYS[-1])


def _evidence(ticker: str, number: int) -> Event:
    return FetchSucceeded(
        ticker=ticker,
        provider=PROVIDER,
        attempt=1 + number % 3,
        started_at=number,
        finished_at=number + 5,
        request=Request(ticker=ticker, window=WINDOW),
        source=Source(library="test", version="1"),
        answer=Answer(body=b"", body_bytes=0, sha256=bytes(32)),
        identity=Identity(),
        bars=tuple(RawBar(day, 1.0, 1.0, 1.0, 1.0, None, 1) for day in DAYS[: number % 5]),
        actions=(),
    )


def _decision(ticker: str, closes: dict[date, int], withdrawn: list[date]) -> Event:
    bars = tuple(Bar(day, close, close, close, close, None, 1) for day, close in closes.items())
    return decision(ticker, PROVIDER, WINDOW, bars, withdrawn=tuple(withdrawn))


def _broken(ticker: str, number: int) -> Event:
    return IngestFailed(
        ticker=ticker,
        provider=PROVIDER,
        attempt=1,
        started_at=number,
        finished_at=number + 1,
        stage="fetch",
        error_kind="interrupted",
        message="ended by a signal",
    )


def _snapshot(ticker: str, number: int) -> Event:
    return SnapshotWritten(
        ticker=ticker,
        provider=PROVIDER,
        name=f"{ticker}-{number % 3}.csv",
        format_version=1,
        position=number,
        sha256=number.to_bytes(32, "big"),
        rows=number,
    )


_tickers, _numbers = st.sampled_from(TICKERS), st.integers(0, 99)
_days = st.sampled_from(DAYS)

events = st.one_of(
    st.builds(_decision, _tickers, st.dictionaries(_days, st.integers(1, 9)), st.lists(_days, max_size=1)),
    st.builds(_evidence, _tickers, _numbers),
    st.builds(_broken, _tickers, _numbers),
    st.builds(_snapshot, _tickers, _numbers),
    _numbers.map(lambda number: connection_tested(number).event),
)


class Planned(msgspec.Struct, frozen=True):
    """An event to be appended; its cause, if any, lies `back` events before it."""

    event: Event
    back: int | None


def placed(batch: tuple[Planned, ...], size: int) -> tuple[Draft, ...]:
    """Return the drafts of `batch` for a log of `size` events: a cause that would lie before event 0 is event 0."""
    return tuple(
        Draft(
            job_id=JOB,
            stream=getattr(one.event, "ticker", "ledger"),
            event=one.event,
            cause=None if one.back is None else max(seq - one.back, 0),
        )
        for seq, one in enumerate(batch, size)
    )


batches = st.lists(st.builds(Planned, events, st.none() | st.integers(1, 20)), min_size=1, max_size=4).map(tuple)
