"""Daily bars from CSV files in a folder: `<ticker>.csv`, and an attempt that fails for each `busy` file."""

import csv
import io
import math
from datetime import date

from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import Access, BodyError, Fetched, Probe, ProviderError
from ledger.values import Identity, RawBar, Request, Source, Window
from tests.ledger.ingest.providers.conformance.csv_provider import DESCRIPTION

HEADER = ["day", "open", "high", "low", "close", "shares"]


def rows(body: bytes) -> tuple[RawBar, ...]:
    """Return every row of the CSV; an empty cell is a price that is not there.

    Raises: BodyError.
    """
    try:
        header, *lines = csv.reader(io.StringIO(body.decode("ascii")))
        bars = tuple(_bar(*line) for line in lines)
    except (ValueError, TypeError) as error:
        raise BodyError(f"got a body that is no table ({error}), want CSV") from error
    if header != HEADER:
        raise BodyError(f"got columns {header}, want {HEADER}")
    return bars


class CsvProvider:
    """Answers from the files in the folder that it is given."""

    name = DESCRIPTION.name

    def __init__(self, access: Access) -> None:
        self._folder = access.cache_dir

    def fetch(self, ticker: str, window: Window, *, timeout_s: float) -> Fetched:
        """Return the lines of the file that lie within `window`.

        Raises: ProviderError.
        """
        assert timeout_s > 0
        request = Request(ticker=ticker, window=window)
        busy, file = self._folder / "busy", self._folder / f"{ticker}.csv"
        if busy.exists():
            busy.unlink()
            raise ProviderError("connection", "the folder is busy", request=request)
        if not file.exists():
            raise ProviderError("not-found", f"got no file for {ticker}, want one", request=request)
        header, *lines = file.read_text("ascii").splitlines()
        within = [line for line in lines if window.start <= date.fromisoformat(line[:10]) <= window.end]
        body = "\n".join([header, *within]).encode()
        return Fetched(
            request=request,
            source=Source(library="csv", version="1"),
            answer=answer(body),
            identity=Identity(symbol=ticker, exchange=DESCRIPTION.exchange),
            bars=rows(body),
            actions=(),
        )

    def probe(self, *, timeout_s: float) -> Probe:
        """Say whether the folder is there."""
        assert timeout_s > 0
        return Probe(latency_ms=0, error_kind=None if self._folder.is_dir() else "connection")


def opened(access: Access) -> CsvProvider:
    """Return the provider over the folder of `access`."""
    return CsvProvider(access)


def _bar(day: str, *cells: str) -> RawBar:
    opened_at, high, low, close, shares = (float(cell) if cell else math.nan for cell in cells)
    return RawBar(date.fromisoformat(day), opened_at, high, low, close, None, shares)
