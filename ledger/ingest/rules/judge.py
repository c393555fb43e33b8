"""The judgement of evidence: which rows are accepted, and what the rules find in the rest. Pure.

"Now" is the evidence's own `finished_at`, so a judgement that is resumed later comes out the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec
from msgspec.structs import replace

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules import actions, catalogue, evening, row_rules, scale, series_rules
from ledger.ingest.rules.commitment import committed
from ledger.ingest.rules.held import Held, Reach, needed
from ledger.ingest.rules.merge import Row, is_plain, rows
from ledger.ingest.rules.ranks import outranks
from ledger.ingest.rules.reading import NOTHING_READ, Offer, Reading
from ledger.ingest.rules.row_rules import Sorted, Today
from ledger.ingest.rules.scale import WholeRangeNeeded, repeats
from ledger.ingest.rules.series_rules import JudgedSeries
from ledger.ingest.rules.sifting import Sifted, sift
from ledger.market import sessions
from ledger.market.ticker import currency, is_contract, is_index
from ledger.values import Action, Bar, Basis, Finding, Rank, RawBar, Window

INTERVAL = "1d"


class JudgedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer taken apart: every day of it, each day's outcome, and its actions as sent and as readable.

    `rows` are its rows, a day each, `unlike` those whose copies differ. `days` are those that it has a row of,
    `last_final` is the newest session that was final when it came.
    """

    rows: Sequence[RawBar]
    unlike: Sequence[Row]
    days: frozenset[date]
    sorted: Sorted
    offers: Sequence[Offer]
    actions: tuple[Action, ...]
    window: Window
    reading: Reading
    last_final: date


def judge(
    evidence: FetchSucceeded,
    held: Held,
    *,
    basis: Basis,
    exchange: str | None,
    reading: Reading = NOTHING_READ,
    threshold_percent: float = catalogue.THRESHOLD_PERCENT,
) -> ValidationCompleted | WholeRangeNeeded:
    """Return the decision over `evidence`, or the wider window without which it would mix two scales.

    `held` is the same provider's series as it stands, as far as `reach` says; `exchange` is the provider's code for
    B3 (None: it names none), `reading` the answer before the library merged or repaired it. An answer without rows is
    a success of nothing: whether some were due is the caller's to ask of `sessions_due`.

    Raises: ValueError where `held` lacks days that are looked at.
    """
    if not held.reaches(want := reach(evidence, basis=basis, reading=reading)):
        message = f"got a series held for {held.reach}, want it for {want}"
        raise ValueError(message)
    decision = uncommitted(
        evidence, held, basis=basis, exchange=exchange, reading=reading, threshold_percent=threshold_percent
    )
    if isinstance(decision, WholeRangeNeeded):
        return decision
    return committed(decision, held, threshold_percent=threshold_percent)


def uncommitted(
    evidence: FetchSucceeded,
    held: Held,
    *,
    basis: Basis,
    exchange: str | None,
    reading: Reading,
    threshold_percent: float,
) -> ValidationCompleted | WholeRangeNeeded:
    """Return what `judge` does, but for the states: for who folds every series, and knows them.

    Of `held` the sessions that `reach` looks at are enough, with those beside them.
    """
    window, now = evidence.request.window, row_rules.today(evidence.finished_at, reading.rank)
    offers, (found, answered, unlike) = _offers(evidence, reading), _sorted(evidence, reading, now, held)
    batch = (*foreign_identity(evidence, exchange, reading), *over_threshold(found, threshold_percent))
    nothing = nothing_of(evidence, basis)
    if batch:
        return _rejected(nothing, found, batch, reading.rank)
    fresh = evening.news(window, found, offers, reading, now.last_final, held)
    if fresh is not None:
        return evening.told(nothing, found, fresh)
    known = actions.within(offers, window, held.actions)
    wider = scale.wider(window, found.accepted, known, held, basis)
    if wider is not None:
        return wider
    answer = JudgedAnswer(
        rows=answered,
        unlike=unlike,
        days=frozenset([row.date for row in answered]),
        sorted=found,
        offers=offers,
        actions=known,
        window=window,
        reading=reading,
        last_final=now.last_final,
    )
    return _accepted(nothing, answer, held)


def reach(evidence: FetchSucceeded, *, basis: Basis, reading: Reading = NOTHING_READ) -> Reach:
    """Return how much of the series as it stands `judge` looks at."""
    return needed(evidence.request.window, _offers(evidence, reading), basis)


def superseded(
    evidence: FetchSucceeded, held: Held, *, basis: Basis, threshold_percent: float = catalogue.THRESHOLD_PERCENT
) -> ValidationCompleted:
    """Return the decision that sets `evidence` aside for a wider fetch: nothing accepted, nothing found."""
    return committed(nothing_of(evidence, basis), held, threshold_percent=threshold_percent)


def _sorted(
    evidence: FetchSucceeded, reading: Reading, now: Today, held: Held
) -> tuple[Sorted, Sequence[RawBar], Sequence[Row]]:
    """Return the rows of the answer, sorted; all of them; and those whose copies differ. Plain ones are its bars."""
    window = evidence.request.window
    if not reading.foreign and is_plain(evidence, reading.rows):
        found = row_rules.sort_plain(evidence.bars, now, window, held.exact)
        if found is not None:
            return found, evidence.bars, ()
    answered = rows(evidence, reading.rows, live=reading.every_session)
    found = row_rules.sort_rows(answered, now, window, reading.foreign, held.exact)
    return found, [row.bar for row in answered], [row for row in answered if not row.alike]


def _offers(evidence: FetchSucceeded, reading: Reading) -> tuple[Offer, ...]:
    # Without what its reader made of the body, what the library handed over is all there is.
    return reading.offers or tuple(map(Offer.of, evidence.actions))


def nothing_of(evidence: FetchSucceeded, basis: Basis) -> ValidationCompleted:
    """Return what `superseded` does, but for the states."""
    return ValidationCompleted(
        ticker=evidence.ticker,
        provider=evidence.provider,
        interval=INTERVAL,
        currency=currency(evidence.ticker),
        basis=basis,
        rules_version=catalogue.RULES_VERSION,
        verdict="superseded",
        window=evidence.request.window,
        received=len(evidence.bars),
        added=0,
        revised=0,
        unchanged=0,
        bars=(),
        actions=(),
        withdrawn=(),
        partial=(),
        rejected=(),
        flagged=(),
        warned=(),
        rescale=None,
    )


@catalogue.applies(catalogue.EMPTY)
def sessions_due(window: Window, now_us: int) -> int:
    """Return how many sessions of `window` are final at `now_us`: with any, no rows is rule EMPTY."""
    last = sessions.last_final_session(now_us)
    return len(sessions.sessions(Window(window.start, min(window.end, last))))


def _rejected(
    nothing: ValidationCompleted, found: Sorted, batch: Sequence[Finding], rank: Rank | None
) -> ValidationCompleted:
    """Return the decision `nothing` with all that was found in an answer that is rejected whole."""
    return replace(
        nothing,
        rank=rank,
        verdict="rejected",
        received=found.received,
        partial=found.partial,
        rejected=(*batch, *found.rejected),
    )


def _accepted(nothing: ValidationCompleted, answer: JudgedAnswer, held: Held) -> ValidationCompleted:
    """Return the decision `nothing` with what is accepted of `answer` in it."""
    basis, found, rank = nothing.basis, answer.sorted, answer.reading.rank
    as_held = held.bars.get
    new = [bar for bar in found.accepted if (old := as_held(bar.date)) is not bar and not repeats(bar, old)]
    fresh, ranks = tuple(new), held.ranks
    if ranks:
        fresh = tuple(bar for bar in new if not outranks(ranks.get(bar.date), rank))
    withdrawn = tuple(lacking_days(answer, held))
    series = JudgedSeries.after(held, fresh, answer.actions, basis)
    added = len(series.fresh - held.bars.keys())
    sifted = sift(series.bars, series.places)
    flagged = _in_order(_flagged(nothing.ticker, answer, held, series, sifted))
    return replace(
        nothing,
        verdict="warning" if found.rejected or flagged or withdrawn else "success",
        received=found.received,
        added=added,
        revised=len(fresh) - added,
        unchanged=len(found.accepted) - len(new),
        bars=fresh,
        actions=answer.actions,
        withdrawn=withdrawn,
        partial=found.partial,
        rejected=found.rejected,
        flagged=flagged,
        warned=_in_order(_warned(nothing.ticker, answer, held, series, sifted)),
        rank=rank,
        outranked=tuple(bar.date for bar in new if outranks(ranks.get(bar.date), rank)) if ranks else (),
        rescale=None if basis == "as_traded" or added == len(fresh) else scale.close_ratio(found.accepted, held),
    )


def lacking_days(answer: JudgedAnswer, held: Held) -> Iterator[date]:
    """Yield each day held in the window that the answer lacks, and no answer of higher rank has."""
    if not answer.days:
        return  # without rows it withdraws nothing: it has none to lack a day among
    window, rank = answer.window, answer.reading.rank
    start, end, answered = window.start, window.end, answer.days
    # Of years that are held a file has a day: nothing is sorted that is not in its window.
    for day in sorted([one for one in held.bars if start <= one <= end and one not in answered]):
        if not outranks(held.ranks.get(day), rank):
            yield day


def _flagged(ticker: str, answer: JudgedAnswer, held: Held, series: JudgedSeries, sifted: Sifted) -> Iterator[Finding]:
    # An option may end the day at ten times what it began with, and at a centavo: its steps are no sign of an error.
    if not is_contract(ticker):
        yield from series_rules.flagged(series, sifted, answer.rows)
    # An answer without rows is complete for no window, but for one of actions alone that says so.
    complete = answer.window if answer.rows else answer.reading.all_actions_of
    yield from actions.findings(answer.offers, held.actions, series.bars, complete)
    # Only a bar that is another one now has moved.
    if series.basis != "as_traded" and not held.bars.keys().isdisjoint(series.fresh):
        yield from scale.rewritten(answer.sorted.accepted, held, actions.merged(answer.actions, held.actions))
    if answer.unlike:
        days = answer.sorted.days
        yield from (
            one for row in answer.unlike if row.bar.date in days and (one := row_rules.last_copy(row)) is not None
        )
    if sifted.alike:
        yield from series_rules.stale(series, traded=False)
    if sifted.idle and not is_index(ticker):
        yield from (finding for bar, finding in _idle(series, sifted) if bar.high != bar.low)


def _warned(ticker: str, answer: JudgedAnswer, held: Held, series: JudgedSeries, sifted: Sifted) -> Iterator[Finding]:
    if sifted.alike:
        yield from series_rules.stale(series, traded=True)
    known = answer.sorted.days | held.bars.keys()
    if answer.reading.every_session and known:
        due = evening.days_due(answer.window, answer.reading, answer.last_final, min(known), sorted(held.bars))
        yield from series_rules.gaps(due, known)
    yield from series_rules.off_calendar(series.fresh)
    # What an index is made of is traded, not the index.
    if sifted.idle and not is_index(ticker):
        yield from (finding for bar, finding in _idle(series, sifted) if bar.high == bar.low)


def _idle(series: JudgedSeries, sifted: Sifted) -> Iterator[tuple[Bar, Finding]]:
    for place in sifted.idle:
        bar = series.bars[place]
        if bar.volume <= 0 and (finding := row_rules.idle(bar)):
            yield bar, finding


@catalogue.applies(catalogue.IDENTITY)
def foreign_identity(
    evidence: FetchSucceeded, exchange: str | None, reading: Reading = NOTHING_READ
) -> Iterator[Finding]:
    """Yield what IDENTITY finds in what the answer says of itself, and in rows of no currency."""
    identity = evidence.identity
    # The format that names the one names the other: weekly bars that do not say so are no daily ones.
    unnamed = "none" if reading.names_currency and reading.rows else None
    for name, got, want in (
        ("symbol", identity.symbol, evidence.request.ticker),
        ("currency", identity.currency or unnamed, currency(evidence.request.ticker)),
        ("granularity", reading.granularity or unnamed, INTERVAL),
        ("exchange", identity.exchange, exchange),
        ("time zone", identity.timezone, sessions.TIMEZONE),
    ):
        if got is not None and want is not None and got != want:
            yield Finding(catalogue.IDENTITY.id, None, f"got {name} {got}, want {want}")


@catalogue.applies(catalogue.THRESHOLD)
def over_threshold(found: Sorted, percent: float) -> Iterator[Finding]:
    """Yield what THRESHOLD finds in the rows of an answer together."""
    # A row of another series is no bad row of this one.
    rejected = len(found.rejected) - found.foreign
    counted = max(found.received, catalogue.THRESHOLD_ROWS_MIN)
    if rejected * 100 > percent * counted:
        detail = f"got {rejected} of {found.received} rows rejected, want at most {percent:g} % of {counted}"
        yield Finding(catalogue.THRESHOLD.id, None, detail)
    elif found.rejected and not found.accepted:
        yield Finding(
            catalogue.THRESHOLD.id, None, f"got all {len(found.rejected)} final rows rejected, want some left"
        )


def found_in_new(
    ticker: str, bars: Sequence[Bar], places: Sequence[int], basis: Basis
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return what is flagged of `bars` and what is warned of, where they are all that there is of a series.

    Only the sessions at `places` are looked at, and what lies beside them: for who knows that no rule names another.
    """
    series = JudgedSeries(
        bars=tuple(bars),
        fresh=frozenset(bar.date for bar in bars),
        actions=(),
        basis=basis,
        places=tuple(places),
    )
    nothing, sifted = Held({}), sift(series.bars, series.places)
    flagged, warned = (find(ticker, _NOTHING_ANSWERED, nothing, series, sifted) for find in (_flagged, _warned))
    return _in_order(flagged), _in_order(warned)


_NOTHING_ANSWERED = JudgedAnswer(
    rows=(),
    unlike=(),
    days=frozenset(),
    sorted=Sorted(received=0, accepted=(), rejected=(), partial=(), foreign=0),
    offers=(),
    actions=(),
    window=Window(date.min, date.max),
    reading=Reading(every_session=False),
    last_final=date.min,
)


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.date or date.min, finding.rule)))
