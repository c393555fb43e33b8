"""What version 1 held under a bare code, and which of it was never the series of that code. Pure.

An option's code was its series for years on end, a forward's whatever its term. Once the same file has brought the
series apart, the old one is history, and is recorded as such: it holds prices of several papers.
"""

from collections.abc import Iterable

from ledger.events import FetchSucceeded, SeriesRetired
from ledger.ingest.providers import evidence
from ledger.ingest.providers.cotahist.identity import identity
from ledger.ingest.providers.cotahist.importing import APPENDS
from ledger.ingest.providers.cotahist.recorded import BY_CODE
from ledger.market.ticker import SUFFIX, code
from ledger.values import Window


def by_code(present: Iterable[str]) -> set[str]:
    """Return the tickers that version 1 had for series of a file that are named by more than a code.

    Where the code itself is one of the file's series, it is no such ticker: a share whose auctions share its code.
    """
    named = set(present)
    return {code(ticker) + SUFFIX for ticker in named} - named


def is_blended(ticker: str, decided: Iterable[FetchSucceeded]) -> bool:
    """Return whether all that was `decided` on is of version 1, and none of its quotes is of the series `ticker`.

    Raises: BodyError for an answer that cannot be unpacked.
    """
    some = False
    for fetch in decided:
        if fetch.source.version != BY_CODE:
            return False
        if any(identity(line) == ticker for line in evidence.body(fetch.answer).splitlines()):
            return False
        some = True
    return some


def retirement(ticker: str, held: Window) -> SeriesRetired:
    """Return what is recorded of a blended series."""
    return SeriesRetired(
        ticker=ticker,
        on=held.end,
        into=None,
        numerator=None,
        denominator=None,
        reason="several series under one code, imported by version 1; each is held by its own name now",
        undone=False,
    )


def retirement_key(ticker: str) -> str:
    """Return the natural key of the append that records it."""
    return f"{APPENDS}/retired/{ticker}"
