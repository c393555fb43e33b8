"""A real ledger of one series that its provider tells again and again, judged as a run would, without a process."""

import hashlib
import zlib
from datetime import date, datetime
from pathlib import Path

import msgspec

from ledger import ids
from ledger.chain import Seq
from ledger.codec import Draft
from ledger.events import FetchSucceeded, SnapshotWritten, ValidationCompleted
from ledger.ingest.judging import judged
from ledger.ingest.providers.yahoo import chart
from ledger.ingest.providers.yahoo.shapes import ChartRow
from ledger.market import series as market
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Answer, RawBar, Request, Source, Window
from projections.models import prices
from projections.queries.snapshot_csv import FORMAT_VERSION, render
from projections.store.runner import view_at
from tests.support.yahoo_series import Series, chart_body, stamp

PROVIDER = "yfinance"
DAY_S = 86_400


def microseconds(moment: datetime) -> int:
    """Return a moment as the log keeps it."""
    return round(moment.timestamp()) * 1_000_000


class Retold:
    """The ledger under `folder`/dados, and the clock that its events are recorded by."""

    def __init__(self, folder: Path, *, began: datetime) -> None:
        self.now_us = microseconds(began)
        self.home = LedgerHome(folder / "dados")
        create_ledger(self.home, kind="real", software="b3-ledger test", now=self._now, lock_timeout_s=5)

    def tell(self, ticker: str, series: Series, window: Window, at: datetime) -> ValidationCompleted:
        """Append what the provider says of `window` at that moment, the decision over it and its snapshot."""
        self.now_us = microseconds(at)
        with EventLog(self.home, now=self._now, lock_timeout_s=5) as log:
            evidence = self._evidence(ticker, series, window)
            cause = self._append(log, evidence)
            held = prices.held(view_at(log, log.head().size).state["prices"], market.Series(ticker, PROVIDER))
            decision = judged(evidence, held, threshold_percent=10)
            assert isinstance(decision, ValidationCompleted)
            self._append(log, decision, cause=cause)
            self._snapshot(log, ticker)
        return decision

    def _now(self) -> int:
        return self.now_us

    def _append(self, log: EventLog, event: FetchSucceeded | ValidationCompleted, cause: Seq | None = None) -> Seq:
        job_id = ids.new_id(self.now_us)
        draft = Draft(job_id=job_id, stream=event.ticker, event=event, cause=cause)
        return log.append([draft], append_id=ids.append_id(f"retold/{log.head().size}")).first

    def _snapshot(self, log: EventLog, ticker: str) -> None:
        head = log.head()
        bars = prices.bars(view_at(log, head.size).state["prices"], market.Series(ticker, PROVIDER))
        if not bars:
            return
        csv = render(ticker, bars)
        event = SnapshotWritten(
            ticker=ticker,
            provider=PROVIDER,
            name=csv.name,
            format_version=FORMAT_VERSION,
            position=head.size,
            sha256=csv.sha256,
            rows=csv.rows,
        )
        draft = Draft(job_id=bytes(16), stream=ticker, event=event)
        log.append([draft], append_id=ids.append_id(f"retold/{head.size}"))

    def _evidence(self, ticker: str, series: Series, window: Window) -> FetchSucceeded:
        answer = chart_body(ticker, series, start=stamp(window.start, 0), stop=stamp(window.end, 0) + DAY_S)
        body = msgspec.json.encode(answer)
        return FetchSucceeded(
            ticker=ticker,
            provider=PROVIDER,
            attempt=1,
            started_at=self.now_us - 250_000,
            finished_at=self.now_us,
            request=Request(ticker=ticker, window=window),
            source=Source(library="synthetic", version="1", http_status=200),
            answer=Answer(body=zlib.compress(body), body_bytes=len(body), sha256=hashlib.sha256(body).digest()),
            identity=chart.identity(body),
            bars=tuple(_raw(row) for row in chart.rows(body)),
            actions=tuple(chart.actions(body)),
        )


def _raw(row: ChartRow) -> RawBar:
    prices_of = [float("nan") if value is None else value for value in (row.open, row.high, row.low, row.close)]
    day: date = row.date
    return RawBar(day, *prices_of, row.adj_close, 0 if row.volume is None else row.volume)
