"""The bundled sample as a provider: synthetic answers in Yahoo's shape, and no network at all.

Source: scripts/make_sample.py, which writes them.
"""

import gzip
from datetime import date
from functools import cache
from itertools import compress
from pathlib import Path

import msgspec

from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import Access, Fetched, Probe, ProviderError
from ledger.ingest.providers.sample import DESCRIPTION
from ledger.ingest.providers.yahoo import chart
from ledger.values import Request, Source, Window

VERSION = "1"
TICKERS = ("BBAS3.SA", "ITUB4.SA", "PETR4.SA", "VALE3.SA")
FIRST_DAY = date(2024, 2, 14)

FOLDER = Path(__file__).parent / "data"


class SampleProvider:
    """Answers for the four bundled tickers, always alike."""

    name = DESCRIPTION.name

    def fetch(self, ticker: str, window: Window, *, timeout_s: float) -> Fetched:  # noqa: ARG002 - nothing to wait for
        """Return the bundled rows and actions of `window`, none when it lies elsewhere.

        Raises: ProviderError `not-found` for a ticker that is not bundled.
        """
        request = Request(ticker=ticker, window=window)
        if ticker not in TICKERS:
            raise ProviderError("not-found", f"got {ticker}, want one of {', '.join(TICKERS)}", request=request)
        body = _within(_bundled(ticker), window)
        return Fetched(
            request=request,
            source=Source(library=self.name, version=VERSION),
            answer=answer(body),
            identity=chart.identity(body),
            bars=chart.raw_bars(body),
            actions=chart.actions(body),
        )

    def probe(self, *, timeout_s: float) -> Probe:  # noqa: ARG002 - nothing to wait for
        """Return that all is well: the sample is part of the program."""
        return Probe(latency_ms=0)


def opened(_: Access) -> SampleProvider:
    """Return the provider; it needs nothing of the machine."""
    return SampleProvider()


@cache
def _bundled(ticker: str) -> bytes:
    return gzip.decompress((FOLDER / f"{ticker}.json.gz").read_bytes())


def _within(body: bytes, window: Window) -> bytes:
    """Return the answer that Yahoo would have given for `window` alone."""
    keep = [window.start <= row.date <= window.end for row in chart.rows(body)]
    document = msgspec.json.decode(body)
    result = document["chart"]["result"][0]
    result["timestamp"] = list(compress(result["timestamp"], keep))
    for groups in result["indicators"].values():
        groups[0] = {name: list(compress(column, keep)) for name, column in groups[0].items()}
    # Every action of the sample is stamped as the row of its day.
    stamps = set(map(str, result["timestamp"]))
    for kind, actions in result["events"].items():
        result["events"][kind] = {stamp: action for stamp, action in actions.items() if stamp in stamps}
    return msgspec.json.encode(document)
