"""The judgement of evidence: which rows are accepted, and what the rules find in the rest. Pure.

"Now" is the evidence's own `finished_at`, so a judgement that is resumed later comes out the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules import actions, catalogue, row_rules, scale, series_rules
from ledger.ingest.rules.commitment import committed
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.merge import Row, rows
from ledger.ingest.rules.row_rules import Sorted
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.ingest.rules.series_rules import JudgedSeries
from ledger.market import sessions
from ledger.values import Bar, Basis, Finding, RawBar, Window

INTERVAL = "1d"
CURRENCY = actions.CURRENCY


def judge(
    evidence: FetchSucceeded,
    held: Held,
    *,
    basis: Basis,
    exchange: str | None,
    body_rows: Sequence[RawBar] = (),
    threshold_percent: float = catalogue.THRESHOLD_PERCENT,
) -> ValidationCompleted | WholeRangeNeeded:
    """Return the decision over `evidence`, or the wider window without which it would mix two scales.

    `held` is the same provider's series as it stands, `exchange` its code for B3 (None: it names none);
    `body_rows` are the answer's rows before the library merged or repaired them. An answer without rows is
    a success of nothing: whether some were due is the caller's to ask of `sessions_due`.
    """
    answered = rows(evidence, body_rows)
    found = row_rules.sort_rows(answered, row_rules.today(evidence.finished_at))
    batch = (*foreign_identity(evidence, exchange), *over_threshold(found, threshold_percent))
    if batch:
        rejected = _rejected(evidence, basis, found, batch)
        return committed(rejected, held, threshold_percent=threshold_percent)
    needed = scale.wider(evidence, found.accepted, held, basis)
    if needed is not None:
        return needed
    return committed(_accepted(evidence, held, basis, answered, found), held, threshold_percent=threshold_percent)


def superseded(
    evidence: FetchSucceeded, held: Held, *, basis: Basis, threshold_percent: float = catalogue.THRESHOLD_PERCENT
) -> ValidationCompleted:
    """Return the decision that sets `evidence` aside for a wider fetch: nothing accepted, nothing found."""
    return committed(_nothing(evidence, basis), held, threshold_percent=threshold_percent)


def _nothing(evidence: FetchSucceeded, basis: Basis) -> ValidationCompleted:
    return ValidationCompleted(
        ticker=evidence.ticker,
        provider=evidence.provider,
        interval=INTERVAL,
        currency=CURRENCY,
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


def _rejected(evidence: FetchSucceeded, basis: Basis, found: Sorted, batch: Iterable[Finding]) -> ValidationCompleted:
    return replace(
        _nothing(evidence, basis),
        verdict="rejected",
        received=found.received,
        partial=found.partial,
        rejected=(*batch, *found.rejected),
    )


def _accepted(
    evidence: FetchSucceeded, held: Held, basis: Basis, answered: Sequence[Row], found: Sorted
) -> ValidationCompleted:
    fresh = tuple(bar for bar in found.accepted if held.bars.get(bar.date) != bar)
    added = sum(bar.date not in held.bars for bar in fresh)
    window, days = evidence.request.window, {row.bar.date for row in answered}
    # An answer without rows withdraws nothing: it has none to lack a day among.
    lacking = (day for day in sorted(held.bars) if window.start <= day <= window.end and day not in days)
    withdrawn = tuple(lacking) if days else ()
    known = actions.within(evidence.actions, window, held.actions)
    series = JudgedSeries.after(held, fresh, known, basis)
    flagged = _in_order(_flagged(evidence, held, series, answered))
    return replace(
        _nothing(evidence, basis),
        verdict="warning" if found.rejected or flagged or withdrawn else "success",
        received=found.received,
        added=added,
        revised=len(fresh) - added,
        unchanged=len(found.accepted) - len(fresh),
        bars=fresh,
        actions=known,
        withdrawn=withdrawn,
        partial=found.partial,
        rejected=found.rejected,
        flagged=flagged,
        warned=_in_order(_warned(held, series, answered)),
        rescale=None if basis == "as_traded" else scale.close_ratio(found.accepted, held),
    )


def _flagged(evidence: FetchSucceeded, held: Held, series: JudgedSeries, answered: Sequence[Row]) -> Iterator[Finding]:
    yield from series_rules.flagged(series, (row.bar for row in answered))
    # An answer without rows is complete for no window.
    complete = evidence.request.window if answered else None
    yield from actions.findings(evidence.actions, held.actions, series.bars, complete)
    yield from (finding for bar, finding in _idle(series) if bar.high != bar.low)


def _warned(held: Held, series: JudgedSeries, answered: Iterable[Row]) -> Iterator[Finding]:
    yield from series_rules.stale(series)
    yield from series_rules.gaps({row.bar.date for row in answered}, held.bars.keys())
    yield from series_rules.off_calendar(series.fresh)
    yield from (finding for bar, finding in _idle(series) if bar.high == bar.low)


def _idle(series: JudgedSeries) -> Iterator[tuple[Bar, Finding]]:
    for bar in series.bars:
        if bar.date in series.fresh and (finding := row_rules.idle(bar)):
            yield bar, finding


@catalogue.applies(catalogue.IDENTITY)
def foreign_identity(evidence: FetchSucceeded, exchange: str | None) -> Iterator[Finding]:
    """Yield what IDENTITY finds in what the answer says of itself."""
    identity = evidence.identity
    for name, got, want in (
        ("symbol", identity.symbol, evidence.request.ticker),
        ("currency", identity.currency, CURRENCY),
        ("exchange", identity.exchange, exchange),
        ("time zone", identity.timezone, sessions.TIMEZONE),
    ):
        if got is not None and want is not None and got != want:
            yield Finding(catalogue.IDENTITY.id, None, f"got {name} {got}, want {want}")


@catalogue.applies(catalogue.THRESHOLD)
def over_threshold(found: Sorted, percent: float) -> Iterator[Finding]:
    """Yield what THRESHOLD finds in the rows of an answer together."""
    rejected, counted = len(found.rejected), max(found.received, catalogue.THRESHOLD_ROWS_MIN)
    if rejected * 100 > percent * counted:
        detail = f"got {rejected} of {found.received} rows rejected, want at most {percent:g} % of {counted}"
        yield Finding(catalogue.THRESHOLD.id, None, detail)
    elif rejected and not found.accepted:
        yield Finding(catalogue.THRESHOLD.id, None, f"got all {rejected} final rows rejected, want some left")


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.date or date.min, finding.rule)))
