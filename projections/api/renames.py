"""Which papers may have gone on under another code, with what speaks for each: joined by nobody but a person.

A rename changes code, ISIN and name alike, so no one of them decides: what ended and what began are held against each
other where they are papers of one class, neighbours in time, and share an ISIN, a name, or the price level.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from ledger.market.series import Series
from ledger.market.sessions import sessions
from ledger.values import Window
from projections.api.rows import RenameCandidate
from projections.fold.tables import State, Tables
from projections.market.quotations import in_force
from projections.models import instruments, metrics, prices, retirements
from projections.models.instruments import InstrumentSpan, ListingRun
from projections.models.retirements import Retirement

CASH = "010"  # TPMERC
BETWEEN_MAX = 5  # sessions in which neither code traded
CLOSE_TOLERANCE = 0.1
CLASS_CHARS = 3  # of ESPECI

Paper = tuple[Series, InstrumentSpan]


def candidates(state: State, position: int | None = None) -> list[RenameCandidate]:
    """Return what may be renames, the likeliest first; costs the instruments, and two look-ups for each candidate."""
    papers = [one for one in instruments.listed(state[instruments.NAME]) if one[1].listing.market == CASH]
    if not papers:
        return []
    oldest, newest = min(known.first for _, known in papers), max(known.last for _, known in papers)
    begun = [one for one in papers if one[1].first > oldest]
    by_day, ended = defaultdict[date, list[Paper]](list), retirements.in_force(state[metrics.NAME], position)
    for one in begun:
        by_day[one[1].first].append(one)
    # What has the same ISIN need not be a neighbour in time.
    by_isin = defaultdict[str, list[Paper]](list)
    for one in begun:
        by_isin[_first(state[instruments.NAME], one).listing.isin].append(one)
    # The calendar's sessions, and whatever else somebody traded on: it knows only so many years.
    ends = {day for _, known in papers for day in (known.first, known.last)}
    days = sorted({*sessions(Window(oldest, newest)), *ends})
    numbers = {day: number for number, day in enumerate(days)}
    found: list[RenameCandidate] = []
    for series, known in (one for one in papers if one[1].last < newest):
        after = numbers[known.last] + 1
        near = [one for day in days[after : after + BETWEEN_MAX + 1] for one in by_day[day]]
        same = [one for one in by_isin[known.listing.isin] if known.listing.isin and one[1].first > known.last]
        for other in {one[0]: one for one in (*near, *same)}.values():
            between = numbers[other[1].first] - after
            found += _candidate(state, (series, known), other, between, ended.get(series.ticker))
    return sorted(found, key=lambda one: (-one.speaks, -one.last_session.toordinal(), one.ticker, one.into))


def _candidate(
    state: State, old: Paper, new: Paper, between: int, ended: Retirement | None
) -> Iterator[RenameCandidate]:
    """Yield the candidate that two papers are, where enough speaks for it."""
    (series, known), (into, begun) = old, new
    before, after = known.listing, _first(state[instruments.NAME], new).listing
    same_isin, same_name = bool(before.isin) and before.isin == after.isin, before.name == after.name
    if series.provider != into.provider or before.currency != after.currency:
        return
    if not same_isin and before.specification[:CLASS_CHARS] != after.specification[:CLASS_CHARS]:
        return
    closes = [_close(state[prices.NAME], *one) for one in ((into, begun.first), (series, known.last))]
    ratio = closes[0] / closes[1] if closes[0] and closes[1] else None
    level = ratio is not None and abs(ratio - 1) <= CLOSE_TOLERANCE
    speaks = sum((same_isin, same_name, between == 0, level))
    if same_isin or same_name or (between == 0 and level):
        yield RenameCandidate(
            ticker=series.ticker,
            into=into.ticker,
            last_session=known.last,
            first_session=begun.first,
            sessions_between=between,
            same_isin=same_isin,
            same_name=same_name,
            close_ratio=ratio,
            speaks=speaks,
            isin=before.isin,
            into_isin=after.isin,
            name=before.name,
            into_name=after.name,
            recorded=None if ended is None else ended.into,
            provider=series.provider,
        )


def _first(tables: Tables, paper: Paper) -> ListingRun:
    return next(instruments.runs(tables, paper[0]))


def _close(tables: Tables, series: Series, day: date) -> int | None:
    return next((one.bar.close for one in in_force(tables, series, start=day, end=day) if one.bar is not None), None)
