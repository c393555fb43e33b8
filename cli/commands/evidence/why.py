"""`main why`: where one session's row comes from, down to the provider's own numbers."""

from datetime import date
from typing import Any

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import days, ledgers, params, series_option, ticker_option
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.api.why import WhyRow
from projections.api.why import row as why_row
from projections.queries import provenance
from projections.store.store import View


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

    def rows(log: LogSource, view: View) -> list[WhyRow]:
        series = series_option.judged(view.state, ticker, source)
        return [why_row(series, day, trace) for trace in provenance.traces(log, view.state["prices"], series, day)]

    found = ledgers.answered(settings.load(), rows)
    if not found:
        raise NothingToShowError(f"no answer for {ticker}{days.between(day, day)}", wanted="at least one")
    if days.closed(day):
        output.say(f"warning: {ticker}: B3 was closed on {day}", explains=False)
    output.show(found, style, text=text)
    return Exit.OK


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
