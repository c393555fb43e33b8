"""Rows of the whole market: a session field by field, what was listed when, and the options on a paper.

Everywhere `position` is how many events are read.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, Literal

from ledger.ingest.providers import registry
from ledger.log_source import LogSource
from ledger.market import ticker as tickers
from ledger.market.asset_class import asset_class, isin_issuer
from ledger.market.quotation import Listing
from ledger.market.series import Series
from ledger.values import Window
from projections.api import series_rows
from projections.api.faces import to_python
from projections.api.rows import Instrument, MarketPrice, OptionPrice
from projections.fold.tables import State, Tables
from projections.market.quotations import in_force, quotations
from projections.models import decisions, instruments, prices

KINDS: Final[dict[str, Literal["call", "put"]]] = {"070": "call", "080": "put"}  # by TPMERC
ROOT_CHARS = 4
CLASS_CHARS = 3  # of ESPECI: which class of its issuer's papers it is
# A week of the month behind the digits; a W in front of them is the month of a put.
WEEKLY = re.compile(r"[A-Z0-9]{4}[A-X][0-9]+W([1-5])E?")


def fields(
    log: LogSource, tables: Tables, series: Series, position: int, *, start: date = date.min, end: date = date.max
) -> Iterator[MarketPrice]:
    """Yield a row for each session held from `start` to `end`, in their order; none for a provider of bars alone."""
    for held in held_fields(log, tables, series, position, Window(start, end)):
        yield to_python(MarketPrice, **held)


def session(log: LogSource, state: State, day: date, position: int) -> Iterator[MarketPrice]:
    """Yield a row for each instrument traded on the day, by ticker."""
    for series, known in instruments.listed(state[instruments.NAME]):
        if known.first <= day <= known.last:
            yield from fields(log, state[prices.NAME], series, position, start=day, end=day)


def listings(tables: Tables, ticker: str | None = None, *, on: date | None = None) -> Iterator[Instrument]:
    """Yield how each instrument is listed, by ticker: at the end, or on a day within its first and last session.

    Of `ticker`, and of the contracts under its code, every listing that they had, where no day is given.
    """
    for series, known in instruments.listed(tables):
        if ticker is not None and tickers.code(series.ticker) != tickers.code(ticker):
            continue
        if on is not None and not known.first <= on <= known.last:
            continue
        runs = list(instruments.runs(tables, series))
        if on is not None:
            # Where it did not trade that day, as it was listed before.
            runs = [run for run in runs if run.first <= on][-1:]
        for run in runs if ticker is not None else runs[-1:]:
            yield to_python(
                Instrument,
                ticker=series.ticker,
                since=run.first,
                until=run.last,
                sessions=run.sessions,
                **listed_fields(run.listing),
                first_session=known.first,
                last_session=known.last,
                sessions_total=known.sessions,
                provider=series.provider,
            )


def options(log: LogSource, state: State, underlying: str, day: date, position: int) -> Iterator[OptionPrice]:
    """Yield a row for each option on `underlying` traded on the day, by expiry, kind and strike.

    Options carry the ISIN of their underlying's issuer and the class of its paper; where the underlying was never
    listed, such as an index, they are those whose code begins as its own does.
    """
    tables, root = state[instruments.NAME], tickers.code(underlying)[:ROOT_CHARS]
    series_of = [Series(underlying, provider) for provider in registry.quoting()]
    paper = next((known for one in series_of if (known := _on(tables, one, day)) is not None), None)
    issuers = {root} if paper is None else {root, isin_issuer(paper.isin)}
    held_prices = state[prices.NAME]
    of_paper = (one for series in series_of for one in in_force(held_prices, series, position, start=day, end=day))
    close = next((one.bar.close for one in of_paper if one.bar is not None), None)
    found: list[OptionPrice] = []
    for series, span in instruments.listed(tables):
        # At a glance, by how it was listed in the end: what it was that day costs its evidence.
        of_day = span.listing.market in KINDS and span.first <= day <= span.last
        if not of_day or not (series.ticker.startswith(root) or isin_issuer(span.listing.isin) in issuers):
            continue
        weekly = WEEKLY.fullmatch(tickers.code(series.ticker))
        for held in held_fields(log, held_prices, series, position, Window(day, day)):
            row = to_python(
                OptionPrice,
                **held,
                underlying=underlying,
                kind=KINDS[held["market"]],
                weekly=int(weekly[1]) if weekly else None,
                underlying_close=close,
            )
            if _is_on(row, root, paper):
                found.append(row)
    yield from sorted(found, key=lambda one: (one.expiry or date.max, one.kind, one.strike or 0, one.ticker))


def _on(tables: Tables, series: Series, day: date) -> Listing | None:
    """Return how an instrument was listed on a day, or first of all after it; None where it never was."""
    runs = list(instruments.runs(tables, series))
    until = [run for run in runs if run.first <= day] or runs[:1]
    return until[-1].listing if until else None


def _is_on(option: OptionPrice, root: str, paper: Listing | None) -> bool:
    """Return whether an option is on what was listed as `paper`, or, where that is not known, has its root."""
    issuer = isin_issuer(option.isin)
    if paper is None or not isin_issuer(paper.isin) or not issuer:
        return option.ticker.startswith(root) or issuer == root
    kinds = {one.specification[:CLASS_CHARS].rstrip() for one in (option, paper)}
    return issuer == isin_issuer(paper.isin) and (len(kinds) == 1 or "" in kinds)


def held_fields(
    log: LogSource, tables: Tables, series: Series, position: int, days: Window
) -> Iterator[dict[str, Any]]:
    """Yield the fields of each session's row, as the ledger holds them; a bid of nothing is none."""
    versions = in_force(tables, series, position, start=days.start, end=days.end)
    found = quotations(log, tables, series, versions)
    for version in versions:
        quotation, made = found.get(version.date), decisions.made_at(tables, series, version.seq)
        if version.bar is not None and quotation is not None and made is not None:
            yield {
                **series_rows.of_bar(series, version, version.bar, made.basis),
                "average": quotation.average,
                "bid": quotation.bid or None,
                "ask": quotation.ask or None,
                "value": quotation.value,
                "trades": quotation.trades,
                "strike_points": quotation.strike_points or None,
                "correction": quotation.correction,
                **listed_fields(quotation.listing),
            }


def listed_fields(listing: Listing) -> dict[str, Any]:
    """Return the fields of a row that say how its instrument is listed, as the ledger holds them."""
    return {
        "asset_class": asset_class(listing),
        "isin": listing.isin,
        "name": listing.name,
        "specification": listing.specification,
        "market": listing.market,
        "bdi": listing.bdi,
        "currency": listing.currency,
        "factor": listing.factor,
        "distribution": listing.distribution,
        "strike": listing.strike,
        "expiry": listing.expiry,
        "term": listing.term,
    }
