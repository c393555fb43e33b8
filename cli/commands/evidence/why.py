"""`main why`: where one session's row comes from, down to the provider's own numbers."""

import math
from datetime import date
from typing import Any

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import days, ledgers, params, series_option, ticker_option
from cli.render import money, times
from ledger import ids
from ledger.errors import NothingToShowError
from ledger.market.series import Series
from projections.queries import provenance
from projections.queries.bar_fields import FIELDS
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


@click.command(
    epilog="""\b
Examples:
  main why --ticker PETR4 --date 2026-02-13
  main why --ticker PETR4 --date 2026-02-13 --format json
  main events show 12 --raw          the whole answer that it names

\b
Exit codes: 0 printed, 2 a damaged ledger, 3 no answer over that day.
"""
)
@ticker_option.option("Whose row.", required=True)
@click.option("--date", "day", type=params.DATE, required=True, help="Of which session.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def why(ticker: str, day: date, source: str | None, style: Style) -> int:
    """Print every decision over one session, newest last, and the answer that each was over.

    Down to the provider's raw numbers, and the SHA-256 of its answer.
    """
    with ledgers.reading(settings.load()) as log, ledgers.view_of(log) as view:
        series = series_option.judged(view.state, ticker, source)
        found = [row(series, day, trace) for trace in provenance.traces(log, view.state["prices"], series, day)]
    if not found:
        raise NothingToShowError(f"no answer for {ticker}{days.between(day, day)}", wanted="at least one")
    if days.closed(day):
        output.say(f"warning: {ticker}: B3 was closed on {day}", explains=False)
    output.show(found, style, text=text)
    return Exit.OK


def row(series: Series, day: date, trace: Trace) -> WhyRow:
    """Return what is printed of one decision over the day."""
    return WhyRow(
        ticker=series.ticker,
        date=day,
        outcome=trace.outcome,
        seq=trace.decided.seq,
        recorded_at=times.exact(trace.decided.recorded_at),
        job_id=ids.text(trace.decided.job_id),
        verdict=trace.decision.verdict,
        rules_version=trace.decision.rules_version,
        bar=None
        if trace.bar is None
        else {name: money.field_number(name, getattr(trace.bar, name)) for name in FIELDS},
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
        recorded_at=times.exact(trace.fetched.recorded_at),
        started_at=times.exact(fetch.started_at),
        finished_at=times.exact(fetch.finished_at),
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


def text(one: WhyRow) -> str:
    """Return the decision as a person reads it, down to the answer that it was over."""
    answer = one.evidence
    judged = f"(verdict {one.verdict}, rules {one.rules_version}, job {one.job_id})"
    lines = [f"seq {one.seq}  {one.recorded_at}  {one.ticker}  {one.date}  {one.outcome}  {judged}"]
    if one.bar is not None:
        lines.append(f"  accepted     {_cells(one.bar)}")
    lines += [f"  {found.effect:<11}  {found.rule}  {found.detail}" for found in one.findings]
    lines += [f"  raw          {_cells(bar)}" for bar in answer.raw]
    lines += [f"  raw          {line}" for line in answer.raw_lines]
    if answer.handed_over is not None:
        lines.append(f"  handed over  {_cells(answer.handed_over)}")
    status = "" if answer.http_status is None else f", HTTP {answer.http_status}"
    lines.append(
        f"  evidence     seq {answer.seq}  {answer.finished_at}  {one.provider} ({answer.library} {answer.version}"
        f"{status}), attempt {answer.attempt}, asked {answer.asked[0]} to {answer.asked[1]}"
    )
    lines.append(
        f"  answer       {answer.body_bytes} bytes, sha256 {answer.sha256}: main events show {answer.seq} --raw"
    )
    return "\n".join(lines)


def _cells(values: dict[str, Any]) -> str:
    return "  ".join(f"{name} {'-' if value is None else value}" for name, value in values.items())
