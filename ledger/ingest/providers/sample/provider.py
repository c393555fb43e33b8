"""The bundled sample as a provider: synthetic answers in Yahoo's shape, and no network at all.

Source: scripts/make_sample.py, which writes them.
"""

import gzip
from datetime import UTC, date, datetime
from functools import cache
from itertools import compress
from math import nan
from pathlib import Path

import msgspec

from ledger.events import Basis, RawBar, Request, Source, Window
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import Fetched, Probe, ProviderError
from ledger.ingest.providers.yahoo import chart

NAME = "sample"
VERSION = "1"
TICKERS = ("BBAS3.SA", "ITUB4.SA", "PETR4.SA", "VALE3.SA")
FIRST_DAY = date(2024, 2, 14)
LAST_DAY = date(2026, 2, 13)
RECORDED_AT = int(datetime(2026, 2, 13, 22, tzinfo=UTC).timestamp()) * 1_000_000  # the last session is final

FOLDER = Path(__file__).parent / "data"


class SampleProvider:
    """Answers for the four bundled tickers, always alike."""

    name = NAME
    basis: Basis = "split_adjusted"

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
            source=Source(library=NAME, version=VERSION),
            answer=answer(body),
            identity=chart.identity(body),
            bars=tuple(map(_raw, chart.rows(body))),
            actions=chart.actions(body),
        )

    def probe(self, *, timeout_s: float) -> Probe:  # noqa: ARG002 - nothing to wait for
        """Return that all is well: the sample is part of the program."""
        return Probe(latency_ms=0)


@cache
def _bundled(ticker: str) -> bytes:
    return gzip.decompress((FOLDER / f"{ticker}.json.gz").read_bytes())


def _raw(row: chart.ChartRow) -> RawBar:
    return RawBar(
        date=row.date,
        open=_price(row.open),
        high=_price(row.high),
        low=_price(row.low),
        close=_price(row.close),
        adj_close=row.adj_close,
        volume=row.volume,
    )


def _price(cell: float | None) -> float:
    return nan if cell is None else cell


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
