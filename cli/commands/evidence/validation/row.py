"""A decision as it is printed: what was accepted, and every finding with its rule. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from typing import Literal

import msgspec

from cli.render import times
from cli.render.renderers import Layout
from ledger import ids
from ledger.codec import Envelope
from ledger.events import ValidationCompleted
from ledger.values import Basis, Finding, Verdict

Outcome = Literal["rejected", "flagged", "warned"]
OUTCOMES: tuple[Outcome, ...] = ("rejected", "flagged", "warned")

CSV_HEADER = ("seq", "recorded_at", "job_id", "ticker", "provider", "verdict", "outcome", "rule", "date", "detail")


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows one rule rejected, flagged or warned of."""

    rule: str
    outcome: Outcome
    rows: int


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of one day, or of the whole answer where there is none."""

    rule: str
    date: date | None
    detail: str


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One decision; `accepted` rows are those added, revised and unchanged. `rescale` is new/old of the closes."""

    seq: int
    recorded_at: str
    job_id: str
    cause: int | None
    ticker: str
    provider: str
    basis: Basis
    rules_version: int
    verdict: Verdict
    start: date
    end: date
    received: int
    accepted: int
    added: int
    revised: int
    unchanged: int
    rescale: float | None
    rules: list[RuleCount]
    rejected: list[FindingRow]
    flagged: list[FindingRow]
    warned: list[FindingRow]
    partial: list[date]
    withdrawn: list[date]


def row(envelope: Envelope, decision: ValidationCompleted) -> DecisionRow:
    """Return what is printed of a decision."""
    return DecisionRow(
        seq=envelope.seq,
        recorded_at=times.exact(envelope.recorded_at),
        job_id=ids.text(envelope.job_id),
        cause=envelope.cause,
        ticker=decision.ticker,
        provider=decision.provider,
        basis=decision.basis,
        rules_version=decision.rules_version,
        verdict=decision.verdict,
        start=decision.window.start,
        end=decision.window.end,
        received=decision.received,
        accepted=decision.added + decision.revised + decision.unchanged,
        added=decision.added,
        revised=decision.revised,
        unchanged=decision.unchanged,
        rescale=decision.rescale,
        rules=[
            RuleCount(rule=rule, outcome=outcome, rows=rows)
            for outcome in OUTCOMES
            for rule, rows in sorted(Counter(finding.rule for finding in getattr(decision, outcome)).items())
        ],
        rejected=_findings(decision.rejected),
        flagged=_findings(decision.flagged),
        warned=_findings(decision.warned),
        partial=list(decision.partial),
        withdrawn=list(decision.withdrawn),
    )


def csv_lines(one: DecisionRow) -> Iterator[tuple[object, ...]]:
    """Yield a line for what was accepted, then one for each finding, each day withdrawn and each day not final."""
    about = (one.seq, one.recorded_at, one.job_id, one.ticker, one.provider, one.verdict)
    yield (*about, "accepted", None, None, f"{one.accepted} of {one.received} rows")
    for outcome, found in _outcomes(one):
        yield (*about, outcome, found.rule, found.date, found.detail)
    for day in one.withdrawn:
        yield (*about, "withdrawn", None, day, None)
    for day in one.partial:
        yield (*about, "partial", None, day, None)


def why(one: DecisionRow) -> str:
    """Return in a line what a decision wants a look for."""
    reasons = [f"{count.rows} {count.outcome} by {count.rule}" for count in one.rules]
    reasons += [f"{len(one.withdrawn)} withdrawn"] if one.withdrawn else []
    return f"{one.ticker}: decision {one.seq} is {one.verdict}: {', '.join(reasons)}"


def text(one: DecisionRow) -> str:
    """Return the decision as a person reads it: a line of counts, then one per rule and one per finding."""
    head = (
        f"seq {one.seq}  {one.recorded_at}  {one.ticker}  {one.provider}  {one.verdict}: {one.received} received, "
        f"{one.accepted} accepted ({one.added} added, {one.revised} revised), {len(one.withdrawn)} withdrawn, "
        f"{len(one.partial)} not final | {one.start} to {one.end} | job {one.job_id}"
    )
    counts = [f"  {count.outcome:<9}  {count.rule:<13}  {count.rows}" for count in one.rules]
    rows = [f"    {found.date or '-'}  {found.rule:<13}  {found.detail}" for _, found in _outcomes(one)]
    withdrawn = [f"    {day}  withdrawn      held before, absent now" for day in one.withdrawn]
    return "\n".join([head, *counts, *rows, *withdrawn])


def _outcomes(one: DecisionRow) -> Iterator[tuple[Outcome, FindingRow]]:
    return ((outcome, found) for outcome in OUTCOMES for found in getattr(one, outcome))


def _findings(findings: Iterable[Finding]) -> list[FindingRow]:
    return [FindingRow(rule=one.rule, date=one.date, detail=one.detail) for one in findings]


LAYOUT = Layout(lines=partial(map, text), csv_header=CSV_HEADER, csv_lines=csv_lines)
