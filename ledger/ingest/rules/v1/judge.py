"""The judgement of rules version 1. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.v1 import actions, catalogue, row_rules, scale, series_rules
from ledger.ingest.rules.v1.actions import Action1
from ledger.ingest.rules.v1.merge import Row1, rows
from ledger.ingest.rules.v1.row_rules import Sorted1
from ledger.ingest.rules.v1.scale import Held1
from ledger.ingest.rules.v1.series_rules import Series1
from ledger.market import sessions
from ledger.values import Bar, Basis, Finding, RawBar

_PERCENT = re.compile(r"want at most ([0-9.e+-]+) %")


def judge(
    evidence: FetchSucceeded, held: Held, *, basis: Basis, body_rows: Sequence[RawBar], threshold_percent: float
) -> ValidationCompleted:
    """Return the decision over `evidence`, in the terms of the next version; `superseded` where it mixes two scales.

    `held` is the same provider's series as it stands; `body_rows` are the answer's rows before the library merged or
    repaired them.
    """
    own = Held1(held.bars, tuple(map(Action1.of, held.actions)))
    answered = rows(evidence, body_rows)
    found = row_rules.sort_rows(answered, row_rules.today(evidence.finished_at))
    batch = (*_identity(evidence), *_threshold(found, threshold_percent))
    if batch:
        return replace(
            superseded(evidence, basis=basis),
            verdict="rejected",
            received=found.received,
            partial=found.partial,
            rejected=(*batch, *found.rejected),
        )
    if scale.mixes_scales(evidence, found.accepted, own, basis):
        return superseded(evidence, basis=basis)
    return _accepted(evidence, own, basis, answered, found)


def threshold_of(decision: ValidationCompleted) -> float:
    """Return a percentage under which the decision may have been made: this version did not record it as such.

    It names it where it rejects by it; under 100 an answer is rejected only where no row is left.
    """
    details = (finding.detail for finding in decision.rejected if finding.rule == catalogue.THRESHOLD)
    named = next((found for detail in details if (found := _PERCENT.search(detail))), None)
    return 100.0 if named is None else float(named[1])


def superseded(evidence: FetchSucceeded, *, basis: Basis) -> ValidationCompleted:
    """Return the decision that sets `evidence` aside for a wider fetch: nothing accepted, nothing said."""
    return ValidationCompleted(
        ticker=evidence.ticker,
        provider=evidence.provider,
        interval=catalogue.INTERVAL,
        currency=catalogue.CURRENCY,
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


def _accepted(
    evidence: FetchSucceeded, held: Held1, basis: Basis, answered: Sequence[Row1], found: Sorted1
) -> ValidationCompleted:
    window, days = evidence.request.window, {row.bar.date for row in answered}
    fresh = tuple(bar for bar in found.accepted if held.bars.get(bar.date) != bar)
    added = sum(bar.date not in held.bars for bar in fresh)
    # An answer without rows withdraws nothing: it has none to lack a day among.
    lacking = (day for day in sorted(held.bars) if window.start <= day <= window.end and day not in days)
    withdrawn = tuple(lacking) if days else ()
    known, bars = actions.within(evidence.actions, window), {**held.bars, **{bar.date: bar for bar in fresh}}
    series = Series1(
        bars=tuple(bars[day] for day in sorted(bars)),
        fresh=frozenset(bar.date for bar in fresh),
        actions=actions.merged(known, held.actions),
        basis=basis,
    )
    flagged = _in_order(_flagged(evidence, held, series, answered))
    return replace(
        superseded(evidence, basis=basis),
        verdict="warning" if found.rejected or flagged or withdrawn else "success",
        received=found.received,
        added=added,
        revised=len(fresh) - added,
        unchanged=len(found.accepted) - len(fresh),
        bars=fresh,
        actions=tuple(action.lifted() for action in known),
        withdrawn=withdrawn,
        partial=found.partial,
        rejected=found.rejected,
        flagged=flagged,
        warned=_in_order(_warned(held, series, answered)),
        rescale=None if basis == "as_traded" else scale.close_ratio(found.accepted, held),
    )


def _flagged(evidence: FetchSucceeded, held: Held1, series: Series1, answered: Iterable[Row1]) -> Iterator[Finding]:
    yield from series_rules.flagged(series)
    yield from actions.findings(evidence.actions, held.actions, series.bars)
    yield from row_rules.unreadable_adjustments(row for row in answered if row.bar.date in series.fresh)
    yield from (finding for bar, finding in _idle(series) if bar.high != bar.low)


def _warned(held: Held1, series: Series1, answered: Iterable[Row1]) -> Iterator[Finding]:
    yield from series_rules.stale(series)
    yield from series_rules.gaps({row.bar.date for row in answered}, held.bars.keys())
    yield from series_rules.off_calendar(series.fresh)
    yield from (finding for bar, finding in _idle(series) if bar.high == bar.low)


def _idle(series: Series1) -> Iterator[tuple[Bar, Finding]]:
    for bar in series.bars:
        if bar.date in series.fresh and (finding := row_rules.idle(bar)):
            yield bar, finding


def _identity(evidence: FetchSucceeded) -> Iterator[Finding]:
    identity = evidence.identity
    for name, got, want in (
        ("symbol", identity.symbol, evidence.request.ticker),
        ("currency", identity.currency, catalogue.CURRENCY),
        ("exchange", identity.exchange, catalogue.EXCHANGE),
        ("time zone", identity.timezone, sessions.TIMEZONE),
    ):
        if got is not None and got != want:
            yield Finding(catalogue.IDENTITY, None, f"got {name} {got}, want {want}")


def _threshold(found: Sorted1, percent: float) -> Iterator[Finding]:
    rejected, counted = len(found.rejected), max(found.received, catalogue.THRESHOLD_ROWS_MIN)
    if rejected * 100 > percent * counted:
        detail = f"got {rejected} of {found.received} rows rejected, want at most {percent:g} % of {counted}"
        yield Finding(catalogue.THRESHOLD, None, detail)
    elif rejected and not found.accepted:
        yield Finding(catalogue.THRESHOLD, None, f"got all {rejected} final rows rejected, want some left")


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.date or date.min, finding.rule)))
