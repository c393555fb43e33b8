"""Where one session's row comes from, down to the provider's own numbers, as people and scripts get it. Pure."""

import math
from datetime import date

import msgspec

from ledger import ids
from ledger.market.series import Series
from projections.models import units
from projections.queries.bar_fields import FIELDS, field_number
from projections.queries.provenance import Outcome, Trace


class WhyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule said of the day, or of the whole answer."""

    effect: str
    rule: str
    detail: str


class WhyEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: when it came, from whom, its SHA-256, and the day in it as the provider wrote it.

    `raw` holds the day's rows of the answer's body, `raw_lines` its lines where that is fixed-width text;
    `handed_over` is what the provider's library made of them.
    """

    seq: int
    recorded_at: str
    started_at: str
    finished_at: str
    attempt: int
    asked: list[date]
    library: str
    version: str
    http_status: int | None
    sha256: str
    body_bytes: int
    raw: list[dict[str, float | int | None]]
    raw_lines: list[str]
    handed_over: dict[str, float | int | None] | None


class WhyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision made of the day; `bar` is what it accepted, in reais and shares."""

    ticker: str
    date: date
    outcome: Outcome
    seq: int
    recorded_at: str
    job_id: str
    verdict: str
    rules_version: int
    bar: dict[str, float | int | None] | None
    findings: list[WhyFinding]
    evidence: WhyEvidence
    provider: str


def row(series: Series, day: date, trace: Trace) -> WhyRow:
    """Return what is printed of one decision over the day."""
    return WhyRow(
        ticker=series.ticker,
        date=day,
        outcome=trace.outcome,
        seq=trace.decided.seq,
        recorded_at=_exact(trace.decided.recorded_at),
        job_id=ids.text(trace.decided.job_id),
        verdict=trace.decision.verdict,
        rules_version=trace.decision.rules_version,
        bar=None if trace.bar is None else {name: field_number(name, getattr(trace.bar, name)) for name in FIELDS},
        findings=[
            WhyFinding(effect=effect, rule=finding.rule, detail=finding.detail) for effect, finding in trace.findings
        ],
        evidence=_evidence(trace),
        provider=series.provider,
    )


def _evidence(trace: Trace) -> WhyEvidence:
    fetch, sent = trace.fetch, (_numbers(row).items() for row in trace.raw_rows)
    return WhyEvidence(
        seq=trace.fetched.seq,
        recorded_at=_exact(trace.fetched.recorded_at),
        started_at=_exact(fetch.started_at),
        finished_at=_exact(fetch.finished_at),
        attempt=fetch.attempt,
        asked=[fetch.request.window.start, fetch.request.window.end],
        library=fetch.source.library,
        version=fetch.source.version,
        http_status=fetch.source.http_status,
        sha256=fetch.answer.sha256.hex(),
        body_bytes=fetch.answer.body_bytes,
        # As the provider sent them: a price that is not there is null.
        raw=[
            {name: None if isinstance(cell, float) and math.isnan(cell) else cell for name, cell in row} for row in sent
        ],
        raw_lines=list(trace.raw_lines),
        handed_over=None if trace.handed is None else _numbers(trace.handed),
    )


def _numbers(bar: msgspec.Struct) -> dict[str, float | int | None]:
    return {name: getattr(bar, name) for name in FIELDS}


def _exact(at_us: int) -> str:
    return units.exact_text(units.instant(at_us))
