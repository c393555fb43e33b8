"""A run and an import over ten years held beside two: `python -m tests.benchmarks.windows [--tickers N] [--rounds N]`.

Prints one JSON object. Everything is processor time per ticker, the contestants in turn, ticker by ticker: a job of
the main run from its first look at the series to its decision, and beside it a second ledger of two years, which says
what is noise; the judgement of an exchange's file of one day, what is
held read whole and read as far as it is looked at; the state of a decision beside its job.
"""

import math
import statistics
import time as clock
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path

import click
import msgspec

from ledger.codec import Draft
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.job import Job
from ledger.ingest.plan import SeriesState
from ledger.ingest.rules.commitment import committed
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.judge import judge, reach
from ledger.ingest.rules.reading import Reading
from ledger.market.series import Series
from ledger.market.sessions import sessions, shift
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Basis, Identity, RawBar, Request, Source, Window
from projections.models import ingest_logs, metrics, prices
from projections.store.folder import KeptOpen
from projections.store.runner import open_view
from tests.benchmarks.one_object import print_measured
from tests.ledger.ingest.answers import GOOD
from tests.ledger.ingest.bench import PLAN, Notes
from tests.ledger.ingest.scripted import EMPTY_CHART, Answered, ScriptedProvider, answer

FIRST_RUN = date(2025, 6, 2)
EVENING = time(23, 30)
TEN, TWO = 10, 2
LONG, SHORT, AGAIN = "10 years", "2 years", "2 years again"
FILE = "cotahist"
TRADES_ALONE = Reading(every_session=False)
JOB = bytes(16)
ANSWERED = 30  # sessions, the newest
NORMAL_95 = 1.96  # standard deviations on either side


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over tickers and rounds of microseconds of processor time; `import_ratio` is the first over the second.

    `job_ratio` is that of ten years over two, `noise_ratio` that of two years over two: the median over the pairs of
    one ticker's jobs of one day, between the ends of its interval of 95 %.
    """

    tickers: int
    rounds: int
    job_us: dict[str, float]
    job_ratio: tuple[float, float, float]
    noise_ratio: tuple[float, float, float]
    import_us: dict[str, float]
    import_ratio: float
    state_us: float
    state_of_job_percent: float


class Years:
    """A ledger that holds `years` of each of some tickers, and its clock."""

    def __init__(self, folder: Path, *, years: int, tickers: int, provider: str, basis: Basis) -> None:
        self.name, self.provider, self.basis = folder.name, provider, basis
        self.tickers = [f"AAAA{number}.SA" for number in range(3, 3 + tickers)]
        self.today = FIRST_RUN
        span = Window(FIRST_RUN - timedelta(days=365 * years), shift(FIRST_RUN, 40))
        self.days = list(sessions(span))
        self.bars = tuple(_bar(day) for day in self.days)
        home = LedgerHome(folder)
        create_ledger(home, kind="real", software="benchmark", now=self.now, lock_timeout_s=5)
        self.log = EventLog(home, now=self.now, lock_timeout_s=5)
        self._store = KeptOpen()
        held = tuple(bar for bar in self.bars if bar.date < FIRST_RUN)
        for ticker in self.tickers:
            fetch = self.evidence(ticker, held)
            decision = judge(fetch, Held({}), basis=basis, exchange=None, reading=TRADES_ALONE)
            assert isinstance(decision, ValidationCompleted)
            size = self.log.head().size
            drafts = [
                Draft(job_id=JOB, stream=ticker, event=fetch),
                Draft(job_id=JOB, stream=ticker, event=decision, cause=size),
            ]
            self.log.append(drafts, append_id=append_id(f"years/{ticker}"))

    def now(self) -> int:
        """Return the evening of the day."""
        return round(datetime.combine(self.today, EVENING, UTC).timestamp()) * 10**6

    def evidence(self, ticker: str, bars: tuple[RawBar, ...]) -> FetchSucceeded:
        """Return an answer of `bars`, asked for over their own window."""
        window = Window(bars[0].date, bars[-1].date)
        return FetchSucceeded(
            ticker=ticker,
            provider=self.provider,
            attempt=1,
            started_at=self.now() - 10**6,
            finished_at=self.now(),
            request=Request(ticker=ticker, window=window),
            source=Source(library="benchmark", version="1"),
            answer=answer(EMPTY_CHART),
            identity=Identity(symbol=ticker),
            bars=bars,
            actions=(),
        )

    def state(self, series: Series, reach: Reach) -> SeriesState:
        """Return what the command line tells a job of its series, from the store that it keeps open."""
        self._store.keep(self.log.folder)
        with open_view(self.log, self.log.folder) as view:
            asked = metrics.asked(view.state["metrics"], series)
            pending = ingest_logs.pending(view.state["ingest_logs"], series.ticker)
            return SeriesState(view.held(series, reach), pending=pending, missing=asked.missing)

    def job(self, ticker: str) -> Job:
        """Return one job of the day, its answer ready.

        That is cut from the years without a look at the others: to go through them would leave the processor's caches
        with nothing that the job needs, and the more years the less.
        """
        identity = msgspec.structs.replace(GOOD, symbol=ticker)
        stop = bisect_right(self.days, self.today)
        provider = ScriptedProvider(Answered(self.bars[stop - ANSWERED : stop], identity=identity))
        return Job(ticker, log=self.log, provider=provider, plan=PLAN, now=self.now, state=self.state, observer=Notes())

    def judged(self, ticker: str, held: Callable[[Series, Reach], Held]) -> None:
        """Judge a file of the day, as an import does."""
        day = next(bar for bar in self.bars if bar.date >= self.today)
        fetch = msgspec.structs.replace(self.evidence(ticker, (day,)), finished_at=self.now() + 2 * 86_400 * 10**6)
        series = Series(ticker, self.provider)
        found = held(series, reach(fetch, basis=self.basis, reading=TRADES_ALONE))
        decision = judge(fetch, found, basis=self.basis, exchange=None, reading=TRADES_ALONE)
        assert isinstance(decision, ValidationCompleted)
        assert 1 == decision.added


def _bar(day: date) -> RawBar:
    number = day.toordinal()  # the same bar in every ledger: some prices cost more to round than others
    close = 20 + number % 97 / 100
    return RawBar(day, close, close + 0.05, close - 0.05, close, close, 1_000_000 + number)


def _done(job: Job) -> None:
    assert job.run().status == "success"


def _us(run: Callable[[], object]) -> float:
    began = clock.process_time_ns()
    run()
    return (clock.process_time_ns() - began) / 1_000


def jobs(folder: Path, *, tickers: int, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield what each job took: one day of ten years, and the same day of two in two ledgers, ticker by ticker."""
    given = [
        Years(folder / name, years=years, tickers=tickers, provider="yfinance", basis="split_adjusted")
        for name, years in ((LONG, TEN), (SHORT, TWO), (AGAIN, TWO))
    ]
    orders = [*permutations(given)]
    for number in range(rounds + 1):
        for each in given:
            each.today = shift(each.today, 1)
        for place, ticker in enumerate(given[0].tickers):
            for each in orders[place % len(orders)]:
                job = each.job(ticker)
                taken = _us(lambda job=job: _done(job))  # type: ignore[misc] - bound at once
                if number:  # the first one keeps the leaves
                    yield each.name, taken


def imports(folder: Path, *, tickers: int, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield what the judgement of a day took, by how what is held was read."""
    ten = Years(folder / FILE, years=TEN, tickers=tickers, provider=FILE, basis="as_traded")
    for number in range(rounds + 1):
        # One view an import; the first keeps the leaves.
        with open_view(ten.log, ten.log.folder) as part, open_view(ten.log, ten.log.folder) as whole:

            def by_whole(series: Series, _: Reach, tables: prices.Tables = whole.state["prices"]) -> Held:
                return prices.held(tables, series)

            for ticker in ten.tickers:
                for name, held in (("part", part.held), ("whole", by_whole)):
                    taken = _us(lambda held=held, ticker=ticker: ten.judged(ticker, held))  # type: ignore[misc] - bound at once
                    if number:
                        yield name, taken


def state_us(folder: Path) -> float:
    """Return what both states of a decision over ten years held take, the leaves of the rest known."""
    ten = Years(folder / "state", years=TEN, tickers=1, provider="yfinance", basis="split_adjusted")
    fetch = ten.evidence(ten.tickers[0], tuple(bar for bar in ten.bars if bar.date <= FIRST_RUN)[-6:])
    needed = reach(fetch, basis="split_adjusted", reading=TRADES_ALONE)
    for _ in range(2):
        with open_view(ten.log, ten.log.folder) as view:
            held = view.held(Series(ten.tickers[0], "yfinance"), needed)
    decision = judge(fetch, held, basis="split_adjusted", exchange=None, reading=TRADES_ALONE)
    assert isinstance(decision, ValidationCompleted)
    return statistics.median(_us(lambda: committed(decision, held, threshold_percent=10)) for _ in range(200))


def interval(ones: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return the median ratio of the pairs between the ends of its 95 % interval, by order: no noise is normal."""
    ratios = sorted(one / other for one, other in zip(ones, others, strict=True))
    middle, aside = len(ratios) / 2, NORMAL_95 * math.sqrt(len(ratios)) / 2
    low, high = ratios[max(math.floor(middle - aside), 0)], ratios[min(math.ceil(middle + aside), len(ratios) - 1)]
    return round(low, 4), round(statistics.median(ratios), 4), round(high, 4)


def measure(folder: Path, *, tickers: int, rounds: int) -> Report:
    """Return the figures."""

    def by_name(taken: Iterator[tuple[str, float]]) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for name, us in taken:
            found.setdefault(name, []).append(us)
        return found

    def medians(taken: dict[str, list[float]]) -> dict[str, float]:
        return {name: round(statistics.median(each), 1) for name, each in taken.items()}

    took = by_name(jobs(folder, tickers=tickers, rounds=rounds))
    job_us = medians(took)
    import_us = medians(by_name(imports(folder, tickers=tickers, rounds=rounds)))
    spent = state_us(folder)
    return Report(
        tickers=tickers,
        rounds=rounds,
        job_us=job_us,
        job_ratio=interval(took[LONG], took[SHORT]),
        noise_ratio=interval(took[AGAIN], took[SHORT]),
        import_us=import_us,
        import_ratio=round(import_us["part"] / import_us["whole"], 3),
        state_us=round(spent, 1),
        state_of_job_percent=round(spent / job_us[LONG] * 100, 2),
    )


@click.command()
@click.option("--tickers", type=click.IntRange(min=1), default=300, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
def main(tickers: int, rounds: int) -> None:
    """Measure jobs and imports over ten years held, and print one JSON object."""
    print_measured(partial(measure, tickers=tickers, rounds=rounds))


if __name__ == "__main__":
    main()
