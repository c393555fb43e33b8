"""Logs that look like years of use: the same numbers give the same events, on any machine.

An iterator yields one tuple of drafts an append, in the order in which a ledger that holds only its event 0
takes them: causes are seqs, so nothing else may be appended in between.
"""

import hashlib
import random
import zlib
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo

import msgspec

from ledger.audit.series_fold import SeriesDecision, SeriesFold
from ledger.codec import Draft
from ledger.events import (
    LEDGER_STREAM,
    BackupFailed,
    Event,
    FetchFailed,
    FetchSucceeded,
    IngestFailed,
    IngestRefused,
    SnapshotWritten,
    ValidationCompleted,
)
from ledger.files.scratch import ScratchMap
from ledger.ids import ID_BYTES, TIME_BYTES
from ledger.values import Action, Answer, Bar, ErrorKind, Finding, Identity, RawBar, Request, Source, Window
from tests.support.actions import paid
from tests.support.drafts import decision
from tests.support.yahoo_series import widened

Batch = tuple[Draft, ...]

COMPANIES = ("ABEV", "BBAS", "GGBR", "ITUB", "MGLU", "PETR", "RENT", "SUZB", "VALE", "WEGE")
TICKERS = tuple(f"{company}{kind}.SA" for company in COMPANIES for kind in (3, 4))
PROVIDER = "yfinance"
FIRST_DAY = date(2016, 1, 4)
FIRST_ANSWER_SESSIONS = 250
OVERLAP_SESSIONS = 5
WIDE_SESSIONS = 60
EVENTS_A_BACKUP = 1_000
MILLISECONDS = 1_000
SECONDS = 1_000_000
SATURDAY = 5
ZONE = ZoneInfo("America/Sao_Paulo")


class Session(msgspec.Struct, frozen=True):
    """One trading day in centavos."""

    date: date
    open: int
    high: int
    low: int
    close: int
    volume: int

    def raw(self) -> RawBar:
        """Return the session as Yahoo's library hands it over."""
        o, h, l, c = (widened(price / 100) for price in (self.open, self.high, self.low, self.close))  # noqa: E741 - the four prices of a bar
        return RawBar(self.date, o, h, l, c, c, self.volume)

    def bar(self) -> Bar:
        """Return the session as it is accepted."""
        o, h, l, c = (price * 10_000 for price in (self.open, self.high, self.low, self.close))  # noqa: E741 - the four prices of a bar
        return Bar(self.date, o, h, l, c, c, self.volume)


def small(events: int) -> Iterator[Batch]:
    """Yield `events` appends of one event each, bodies of about 200 bytes, over all tickers in turn."""
    for number in range(events):
        started_at = _instant(FIRST_DAY) + number * SECONDS
        ticker = TICKERS[number % len(TICKERS)]
        event = IngestFailed(
            ticker=ticker,
            provider=PROVIDER,
            attempt=1,
            started_at=started_at,
            finished_at=started_at + 250 * MILLISECONDS,
            stage="fetch",
            error_kind="internal",
            message=f"number {number}",
        )
        job_id = (started_at // MILLISECONDS).to_bytes(TIME_BYTES, "big") + number.to_bytes(
            ID_BYTES - TIME_BYTES, "big"
        )
        yield (Draft(job_id=job_id, stream=ticker, event=event),)


def realistic(events: int, seed: int) -> Iterator[Batch]:
    """Yield appends that come to exactly `events` events: every ticker's daily runs, session after session.

    Evidence with its compressed answer, decisions, snapshots, retries, refusals, failures, fetches left pending
    and a backup that fails now and then; about 40 µs an event.
    """
    left = events
    for batch in _Years(random.Random(seed)).runs():
        if len(batch) >= left:
            yield batch[:left]
            return
        left -= len(batch)
        yield batch


class _Series:
    """One ticker's prices: a random walk that remembers its last sessions."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._close = rng.randrange(500, 9_000)
        self.sessions: deque[Session] = deque(maxlen=FIRST_ANSWER_SESSIONS)
        self.untold = 0  # sessions that no decision has accepted

    def trade(self, day: date) -> None:
        rng, opened = self._rng, self._close
        self._close = close = max(100, round(opened * rng.uniform(0.98, 1.02)))
        high, low = max(opened, close) + rng.randrange(1, 20), min(opened, close) - rng.randrange(1, 20)
        self.sessions.append(Session(day, opened, high, low, close, rng.randrange(10_000, 900_000) * 100))
        self.untold = min(self.untold + 1, FIRST_ANSWER_SESSIONS)

    def last(self, sessions: int) -> tuple[Session, ...]:
        return tuple(self.sessions)[-sessions:]


class _Years:
    """The runs of a whole list of tickers, one day after the other; knows the seq that comes next."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._size = 1
        self._backups = 0
        self._now_us = 0
        self._job_id = bytes(ID_BYTES)
        self._series = {ticker: _Series(rng) for ticker in TICKERS}
        self._states = SeriesFold(ScratchMap())

    def runs(self) -> Iterator[Batch]:
        """Yield appends without end."""
        days = _weekdays()
        for day in islice(days, FIRST_ANSWER_SESSIONS - 1):
            for series in self._series.values():
                series.trade(day)
        for day in days:
            self._now_us = _instant(day)
            for ticker, series in self._series.items():
                series.trade(day)
                yield from self._job(ticker, series)
                if self._size // EVENTS_A_BACKUP > self._backups:
                    yield self._backup()

    def _job(self, ticker: str, series: _Series) -> Iterator[Batch]:
        self._job_id = (self._now_us // MILLISECONDS).to_bytes(TIME_BYTES, "big") + self._rng.randbytes(10)
        fate = self._rng.random()
        if fate < 0.01:
            yield self._append(self._refused(ticker))
        elif fate < 0.02:
            yield self._append(self._broken(ticker))
        elif fate < 0.04:
            yield self._append(self._failed(ticker, series, "timeout", final=True))
        else:
            if fate < 0.10:
                yield self._append(self._failed(ticker, series, "rate-limit", final=False))
            yield from self._answered(ticker, series, attempt=2 if fate < 0.10 else 1)

    def _answered(self, ticker: str, series: _Series, *, attempt: int) -> Iterator[Batch]:
        cause, fate = self._size, self._rng.random()
        answer = series.last(OVERLAP_SESSIONS + series.untold)
        yield self._append(self._fetched(ticker, answer, attempt))
        if fate < 0.01:
            return  # left pending: its job was killed
        if fate < 0.02:
            yield from self._paid(ticker, series, cause, answer)
        elif fate < 0.05:
            finding = Finding("OHLC-ORDER", answer[-1].date, "got low over high, want low <= high")
            news = series.last(series.untold)[:-1]
            yield self._append(self._decision(ticker, answer, news, rejected=(finding,)), cause=cause)
            series.untold = 1  # the last one, which comes again
            return
        else:
            news = self._news(series, fate)
            revised = len(news) - series.untold
            yield self._append(self._decision(ticker, answer, news, revised=revised), cause=cause)
        series.untold = 0
        yield self._append(self._snapshot(ticker, answer), cause=self._size - 1)

    def _paid(self, ticker: str, series: _Series, cause: int, narrow: tuple[Session, ...]) -> Iterator[Batch]:
        """A dividend: the narrow answer is set aside for a wide one, and both decisions are one append."""
        wide = series.last(max(WIDE_SESSIONS, series.untold))
        second = self._size
        yield self._append(self._fetched(ticker, wide, 2))
        aside = msgspec.structs.replace(self._decision(ticker, narrow, ()), verdict="superseded", unchanged=0)
        dividend = paid(wide[-1].date, self._rng.randrange(1, 200) * 10_000)
        whole = self._decision(ticker, wide, series.last(series.untold), actions=(dividend,))
        yield self._batch(self._draft(aside, cause), self._draft(whole, second))

    def _news(self, series: _Series, fate: float) -> tuple[Session, ...]:
        fresh = series.last(series.untold)
        if fate > 0.98 and len(series.sessions) > series.untold:
            late = series.sessions[-1 - series.untold]
            return (msgspec.structs.replace(late, volume=late.volume + 100), *fresh)
        return fresh

    # --- the events --------------------------------------------------------------------------

    def _fetched(self, ticker: str, answer: tuple[Session, ...], attempt: int) -> FetchSucceeded:
        bars = tuple(session.raw() for session in answer)
        body = _body(ticker, bars)
        started_at = self._passed(1_500)
        return FetchSucceeded(
            ticker=ticker,
            provider=PROVIDER,
            attempt=attempt,
            started_at=started_at,
            finished_at=self._now_us,
            request=_request(ticker, answer),
            source=Source(library="yfinance", version="1.7.0", http_status=200, http_date=self._now_us),
            answer=Answer(body=zlib.compress(body, 1), body_bytes=len(body), sha256=hashlib.sha256(body).digest()),
            identity=Identity(symbol=ticker, currency="BRL", exchange="SAO", timezone="America/Sao_Paulo"),
            bars=bars,
            actions=(),
        )

    def _failed(self, ticker: str, series: _Series, kind: ErrorKind, *, final: bool) -> FetchFailed:
        started_at = self._passed(400)
        limited = kind == "rate-limit"
        return FetchFailed(
            ticker=ticker,
            provider=PROVIDER,
            attempt=1,
            started_at=started_at,
            finished_at=self._now_us,
            request=_request(ticker, series.last(OVERLAP_SESSIONS + 1)),
            error_kind=kind,
            message="got status 429, want 200" if limited else "got no answer within 30 s, want one",
            status_code=429 if limited else None,
            retry_after_s=7 if limited else None,
            final=final,
        )

    def _decision(
        self,
        ticker: str,
        answer: tuple[Session, ...],
        news: tuple[Session, ...],
        *,
        revised: int = 0,
        actions: tuple[Action, ...] = (),
        rejected: tuple[Finding, ...] = (),
    ) -> ValidationCompleted:
        found = decision(
            ticker,
            PROVIDER,
            Window(answer[0].date, answer[-1].date),
            [session.bar() for session in news],
            verdict="warning" if rejected else "success",
            received=len(answer),
            added=len(news) - revised,
            revised=revised,
            unchanged=len(answer) - len(news) - len(rejected),
            actions=actions,
            rejected=rejected,
        )
        fields = {name: getattr(found, name) for name in SeriesDecision.__struct_fields__}
        before, after = self._states.apply(self._size, SeriesDecision(**fields), committing=True)
        return msgspec.structs.replace(found, before=before, after=after)

    def _refused(self, ticker: str) -> IngestRefused:
        started_at = self._passed(2_000)
        return IngestRefused(
            ticker=ticker,
            provider=PROVIDER,
            started_at=started_at,
            finished_at=self._now_us,
            message="got the ticker locked, want it free",
            holder_pid=4242,
            holder_job_id=bytes(ID_BYTES),
        )

    def _broken(self, ticker: str) -> IngestFailed:
        started_at = self._passed(300)
        return IngestFailed(
            ticker=ticker,
            provider=PROVIDER,
            attempt=1,
            started_at=started_at,
            finished_at=self._now_us,
            stage="fetch",
            error_kind="interrupted",
            message="ended by a signal before its decision",
        )

    def _snapshot(self, ticker: str, answer: tuple[Session, ...]) -> SnapshotWritten:
        return SnapshotWritten(
            ticker=ticker,
            provider=PROVIDER,
            name=f"{ticker.removesuffix('.SA')}-{answer[-1].date:%Y%m%d}.csv",
            format_version=1,
            position=self._size,
            sha256=self._rng.randbytes(32),
            rows=FIRST_ANSWER_SESSIONS,
        )

    def _backup(self) -> Batch:
        self._backups = self._size // EVENTS_A_BACKUP
        # A backup that came about would name the head it copied, which nobody who plans a log can know.
        event = BackupFailed(
            name=f"backup-{self._size:08d}.db",
            stage="write",
            error_kind="internal",
            message="got a full disk, want free space",
        )
        return self._batch(Draft(job_id=self._job_id, stream=LEDGER_STREAM, event=event))

    # --- their places in the log ---------------------------------------------------------------

    def _passed(self, milliseconds: int) -> int:
        """Let about that much time pass; return when it began."""
        began = self._now_us
        self._now_us += self._rng.randrange(milliseconds // 2, milliseconds * 2) * MILLISECONDS
        return began

    def _append(self, event: Event, *, cause: int | None = None) -> Batch:
        return self._batch(self._draft(event, cause))

    def _draft(self, event: Event, cause: int | None) -> Draft:
        return Draft(job_id=self._job_id, stream=getattr(event, "ticker", LEDGER_STREAM), event=event, cause=cause)

    def _batch(self, *drafts: Draft) -> Batch:
        self._size += len(drafts)
        return drafts


def _weekdays() -> Iterator[date]:
    days = (FIRST_DAY + timedelta(days=offset) for offset in count())
    return (day for day in days if day.weekday() < SATURDAY)


def _instant(day: date) -> int:
    """Return seven in the evening of `day` in São Paulo."""
    return int(datetime.combine(day, time(19), ZONE).timestamp()) * SECONDS


def _request(ticker: str, answer: tuple[Session, ...]) -> Request:
    params = {"interval": "1d", "events": "div,splits,capitalGains", "includePrePost": "false"}
    return Request(ticker=ticker, window=Window(answer[0].date, answer[-1].date), params=params)


def _body(ticker: str, bars: tuple[RawBar, ...]) -> bytes:
    """Return the bars as Yahoo's chart answer lays them out, all but its meta."""
    names = ("open", "high", "low", "close", "volume")
    quote = {name: [getattr(bar, name) for bar in bars] for name in names}
    stamps = [86_400 * bar.date.toordinal() for bar in bars]
    indicators = {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}
    meta = {"currency": "BRL", "symbol": ticker, "exchangeName": "SAO"}
    result = {"meta": meta, "timestamp": stamps, "indicators": indicators}
    return msgspec.json.encode({"chart": {"result": [result], "error": None}})
