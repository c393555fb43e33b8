"""A ledger as many evenings of runs leave it, made by the judge and the readers of the runs themselves, in one process.

Every ticker is a walk of its own that its provider changes its mind about: prices corrected, sessions withdrawn and
given back, rows that no rule accepts, dividends, splits, and a look at the whole range about once a month, or none.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

import msgspec

from ledger import ids
from ledger.codec import Draft
from ledger.events import FetchFailed, FetchSucceeded, SnapshotWritten, ValidationCompleted
from ledger.ingest.judging import judged, set_aside
from ledger.ingest.plan import SeriesState, refresh_due
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.yahoo import chart
from ledger.ingest.providers.yahoo.shapes import ChartRow
from ledger.ingest.rules.actions import in_force
from ledger.ingest.rules.held import Held
from ledger.market.sessions import sessions, shift
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Request, Source, Window
from projections.queries.snapshot_csv import FORMAT_VERSION, assembled, line
from tests.support.yahoo_series import Series, chart_body, correct, dividend, make_series, split, stamp, withdraw

PROVIDER = "yfinance"
FIRST_EVENING = date(2025, 1, 20)
YEARS_BEFORE = 2
EVENING = time(23, 30)
DAY_S = 86_400
OVERLAP, THRESHOLD_PERCENT, REFRESH_DAYS = 5, 10.0, 30
SECOND_US = 1_000_000
DAY_US = DAY_S * SECOND_US

# How often a ticker's evening brings each of them.
CORRECTED, WITHDRAWN, SPOILT, PAID, PARTED, FAILED = 0.02, 0.005, 0.01, 0.01, 0.001, 0.01


class Told:
    """One ticker: what its provider says on an evening, and what the ledger holds of it by then.

    Its whole range is looked at again within `refresh_days`; with 0 of them only where an answer alone cannot be taken.
    """

    def __init__(self, number: int, evenings: Sequence[date], *, refresh_days: int = REFRESH_DAYS) -> None:
        self.ticker = f"A{chr(65 + number // 26)}{chr(65 + number % 26)}A3.SA"
        self._refresh_days = refresh_days
        self._rng = random.Random(number)
        start = FIRST_EVENING - timedelta(days=365 * YEARS_BEFORE)
        self._days = sessions(Window(start, evenings[-1]))
        self._series = make_series(self._days, seed=number, close=15.0 + number)
        self.state = SeriesState(Held({}))
        self.lines: dict[date, str] = {}

    def series(self, today: date) -> Series:
        """Return what the provider knows on the evening of `today`; it changes its mind first."""
        rng, found = self._rng, self._series
        recent = self._days[max(self._days.index(today) - 3, 1)]
        row = next((row for row in found.days if row.date == recent), None)
        drawn = rng.random
        if row is not None and row.close is not None and drawn() < CORRECTED:
            price = round(row.close * 1.004, 2)
            found = correct(found, recent, close=price, adj_close=price, high=round(max(row.high or 0, price) + 0.1, 2))
        if drawn() < WITHDRAWN:
            found = withdraw(found, recent)
        if drawn() < PAID:
            found = dividend(found, today, 0.25)
        if drawn() < PARTED:
            found = split(found, today, 2)
        self._series = found
        if drawn() < SPOILT:
            found = correct(found, today, low=99_999.0)
        return msgspec.structs.replace(found, days=tuple(row for row in found.days if row.date <= today))

    def window(self, today: date) -> Window:
        """Return what a run of the evening asks for."""
        held = self.state.held.bars
        if not held:
            return Window(today - timedelta(days=365 * YEARS_BEFORE), today)
        if refresh_due(self.ticker, self.state.whole_on, today, days=self._refresh_days):
            return Window(next(iter(held)), today)
        return Window(shift(next(reversed(held)), -OVERLAP), today)

    def take(self, decision: ValidationCompleted, today: date) -> bool:
        """Hold what the decision leads to; return whether anything changed."""
        if decision.verdict not in {"success", "warning"}:
            return False
        held = self.state.held
        bars = held.bars | {bar.date: bar for bar in decision.bars}
        self.lines |= {bar.date: line(bar) for bar in decision.bars}
        first = next(iter(bars), today)
        whole_on = today if decision.window.start <= first else self.state.whole_on
        known = in_force(held.actions, decision.actions)
        self.state = SeriesState(Held(dict(sorted(bars.items())), known, decision.basis), whole_on=whole_on)
        return bool(decision.bars)

    def snapshot(self, position: int) -> SnapshotWritten:
        """Return the record of the snapshot of what is held."""
        bars = self.state.held.bars
        csv = assembled(self.ticker, next(reversed(bars)), [self.lines[day] for day in bars])
        return SnapshotWritten(
            ticker=self.ticker,
            provider=PROVIDER,
            name=csv.name,
            format_version=FORMAT_VERSION,
            position=position,
            sha256=csv.sha256,
            rows=csv.rows,
        )


def drafts(size: int, tickers: int, evenings: int, *, refresh_days: int = REFRESH_DAYS) -> Iterator[tuple[int, Draft]]:
    """Yield every event of the runs, the first of which gets seq `size`, with the time at which it is recorded."""
    days = sessions(Window(FIRST_EVENING, FIRST_EVENING + timedelta(days=evenings * 2)))[:evenings]
    told = [Told(number, days, refresh_days=refresh_days) for number in range(tickers)]
    rng, seq = random.Random(1), size
    for today in days:
        at_us = round(datetime.combine(today, EVENING, UTC).timestamp()) * SECOND_US
        for each in told:
            at_us += SECOND_US
            for event, cause in run(each, today, at_us, seq, failing=rng.random() < FAILED):
                yield at_us, Draft(job_id=ids.new_id(at_us), stream=each.ticker, event=event, cause=cause)
                seq += 1


Step = tuple[FetchSucceeded | FetchFailed | ValidationCompleted | SnapshotWritten, int | None]


def run(told: Told, today: date, at_us: int, seq: int, *, failing: bool) -> list[Step]:
    """Return the events of one ticker's evening, the first of which gets seq `seq`, each with its cause."""
    series, window = told.series(today), told.window(today)
    if failing:
        return [(_refused(told.ticker, window, at_us), None)]
    narrow = _evidence(told.ticker, series, window, at_us)
    steps: list[Step] = [(narrow, None)]
    decision = judged(narrow, told.state.held, threshold_percent=THRESHOLD_PERCENT)
    if isinstance(decision, ValidationCompleted):
        steps.append((decision, seq))
    else:
        whole = _evidence(told.ticker, series, decision.window, at_us)
        aside = set_aside(narrow, told.state.held, threshold_percent=THRESHOLD_PERCENT)
        again = judged(whole, told.state.held, threshold_percent=THRESHOLD_PERCENT)
        assert isinstance(again, ValidationCompleted)
        steps += [(whole, None), (aside, seq), (again, seq + 1)]
        decision = again
    if told.take(decision, today):
        steps.append((told.snapshot(seq + len(steps)), seq + len(steps) - 1))
    return steps


def _refused(ticker: str, window: Window, at_us: int) -> FetchFailed:
    return FetchFailed(
        ticker=ticker,
        provider=PROVIDER,
        attempt=1,
        started_at=at_us - SECOND_US,
        finished_at=at_us,
        request=Request(ticker=ticker, window=window),
        error_kind="rate-limit",
        message="got 429, want 200",
        status_code=429,
        retry_after_s=None,
        final=True,
        answer=answer(b"Too Many Requests\r\n"),
    )


def _evidence(ticker: str, series: Series, window: Window, at_us: int) -> FetchSucceeded:
    start, stop = stamp(window.start, 0), stamp(window.end, 0) + DAY_S
    known = msgspec.structs.replace(
        series, days=tuple(row for row in series.days if row.date >= window.start), first_day=series.days[0].date
    )
    body = msgspec.json.encode(chart_body(ticker, known, start=start, stop=stop))
    return FetchSucceeded(
        ticker=ticker,
        provider=PROVIDER,
        attempt=1,
        started_at=at_us - SECOND_US,
        finished_at=at_us,
        request=Request(ticker=ticker, window=window, params={"interval": "1d", "period1": str(start)}),
        source=Source(library="yfinance", version="0", http_status=200, http_date=at_us),
        answer=answer(body),
        identity=chart.identity(body),
        bars=tuple(_handed_over(row) for row in chart.rows(body)),
        actions=chart.actions(body),
    )


def _handed_over(row: ChartRow) -> chart.RawBar:
    prices = [float("nan") if price is None else price for price in (row.open, row.high, row.low, row.close)]
    return chart.RawBar(row.date, *prices, row.adj_close, 0 if row.volume is None else row.volume)


def make(folder: Path, *, tickers: int, evenings: int, refresh_days: int = REFRESH_DAYS) -> LedgerHome:
    """Return the home of a ledger of that many runs of that many tickers, which look at all of it so often."""
    now_us = round(datetime.combine(FIRST_EVENING, EVENING, UTC).timestamp()) * SECOND_US
    home = LedgerHome(folder)
    create_ledger(home, kind="real", software="b3-ledger test", now=lambda: now_us, lock_timeout_s=5)
    with EventLog(home, now=lambda: now_us) as log:
        steps = drafts(log.head().size, tickers, evenings, refresh_days=refresh_days)
        for _, evening in groupby(steps, key=lambda step: step[0] // DAY_US):
            batch = list(evening)
            now_us = batch[-1][0]
            log.append([draft for _, draft in batch], append_id=ids.append_id(f"evenings/{log.head().size}"))
    return home
