"""A bench for each provider: a ledger, the provider at its real work on loopback or on disk, and a way to hinder it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yfinance.data

from ledger.ingest.providers import registry
from ledger.ingest.providers.port import Access, Provider, ProviderError
from ledger.ingest.providers.sample import provider as sample
from ledger.market.series import Series
from ledger.market.sessions import sessions
from ledger.values import Request, Window
from tests.ledger.ingest.answers import TICKER
from tests.ledger.ingest.bench import Bench
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import Status, YahooServer

CSV_ENTRY = "tests.ledger.ingest.providers.conformance.csv_provider:DESCRIPTION"
WINDOW = Window(date(2026, 2, 2), date(2026, 2, 13))
EVENING = datetime(2026, 2, 13, 22, tzinfo=UTC)
NOW_US = round(EVENING.timestamp()) * 1_000_000


class ProviderBench(Bench):
    """A ledger and one provider; `hinder` makes its next attempt fail in a way that is worth another."""

    provider: Provider
    hinder: Callable[[], None]

    @property
    def series(self) -> Series:
        """The series that jobs here are of."""
        return Series(TICKER, self.provider.name)


@contextmanager
def bench_of(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[ProviderBench]:
    """Give the bench of the provider `name`, opened through the registry as the product does."""
    patch.setattr(registry, "ENTRIES", (*registry.ENTRIES, CSV_ENTRY))
    bench = ProviderBench(folder / "dados", now=NOW_US)
    cache = folder / "cache"
    cache.mkdir()
    with SETTINGS_UP[name](cache, patch) as (base_url, bench.hinder):
        bench.provider = registry.opened(name, Access(cache_dir=cache, now=lambda: NOW_US, base_url=base_url))
        yield bench
    bench.log.close()


@contextmanager
def _yahoo(_: Path, __: pytest.MonkeyPatch) -> Iterator[tuple[str, Callable[[], None]]]:
    yfinance.data.SingletonMeta._instances.clear()
    with YahooServer() as server:
        server.now = EVENING
        server.series[TICKER] = make_series(sessions(WINDOW), seed=1)
        yield server.url, lambda: server.faults.update({TICKER: [Status(code=500)]})


@contextmanager
def _sample(_: Path, patch: pytest.MonkeyPatch) -> Iterator[tuple[None, Callable[[], None]]]:
    fetch = sample.SampleProvider.fetch

    def hinder() -> None:
        def fails_once(*_: object, **__: object) -> None:
            patch.setattr(sample.SampleProvider, "fetch", fetch)
            request = Request(ticker=TICKER, window=WINDOW)
            raise ProviderError("timeout", "hindered", request=request)

        patch.setattr(sample.SampleProvider, "fetch", fails_once)

    yield None, hinder


@contextmanager
def _csv(cache: Path, _: pytest.MonkeyPatch) -> Iterator[tuple[None, Callable[[], None]]]:
    days = [
        f"{day},{price},{price + 1},{price - 1},{price},{1000 + price}"
        for price, day in enumerate(sessions(WINDOW), 30)
    ]
    (cache / f"{TICKER}.csv").write_text("\n".join(["day,open,high,low,close,shares", *days]), "ascii")
    yield None, (cache / "busy").touch


SETTINGS_UP = {"yfinance": _yahoo, "sample": _sample, "csv-test": _csv}
