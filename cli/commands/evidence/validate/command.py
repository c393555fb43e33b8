"""`main validate FILE`: a CSV of bars held to the rules, without a ledger."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import click
import msgspec

from cli.app import clock, exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.evidence.validate import bars_file
from cli.commands.evidence.validate.bars_file import Line
from cli.context import params
from cli.render.renderers import Layout
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules import judge
from ledger.ingest.rules.held import Held
from ledger.values import Answer, Finding, Identity, Request, Source, Verdict, Window

UNNAMED = PROVIDER = "file"
CSV_HEADER = ("line", "date", "outcome", "rule", "detail")
EXITS: dict[Verdict, Exit] = {"success": Exit.OK, "warning": Exit.WARNING, "rejected": Exit.CRITICAL}


class LineFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of one line, the last of several of a day; without a line it is about the whole file."""

    line: int | None
    date: date | None
    rule: str
    detail: str


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file's rows; `partial` are days whose session is not final yet."""

    file: str
    verdict: Verdict
    rules_version: int
    received: int
    accepted: int
    rejected: list[LineFinding]
    flagged: list[LineFinding]
    warned: list[LineFinding]
    partial: list[date]


@click.command(
    epilog="""\b
Examples:
  main validate prices.csv
  main validate prices.csv --format json
  main snapshot --ticker PETR4 > p.csv && main validate p.csv

\b
Exit codes: 0 every row is accepted, 1 some are rejected or flagged, 2 the file is rejected whole
or is no CSV of bars, 3 it cannot be read.
"""
)
@click.argument("file", type=params.EXISTING_FILE)
@click.option("--ticker", type=params.TICKER, help="Whose bars these are, or which to judge of several.")
@output.csv_style_options
def validate(file: Path, ticker: str | None, style: Style) -> int:
    """Hold a CSV of bars to the rules that providers are held to; no ledger is needed.

    Columns: date, open, high, low, close, volume, with adj_close or without, in any
    order and case, others beside them; as yfinance writes them too, a time behind
    the date and tickers over the columns included. Of several tickers, over the columns
    or in a column of their own (ticker or symbol), --ticker names one. What was understood
    of another header than the snapshots' is said on stderr. An empty cell is a missing value.
    """
    given = settings.load()
    bars = bars_file.read(file, ticker)
    lines = bars.lines
    if not bars.understood.plain:
        output.say(bars.understood.text())
    decision = _judged(
        ticker or bars.understood.ticker or UNNAMED,
        lines,
        clock.now_us(given, reading=True),
        given.validation_invalid_percent_threshold,
    )
    found = report(str(file), decision, lines)
    with output.unprinted():
        output.give(output.rendered([found], style, LAYOUT))
    return exits.ended(EXITS[decision.verdict], head(found))


def report(file: str, decision: ValidationCompleted, lines: Sequence[Line]) -> FileReport:
    """Return the decision over a file with each finding on its line."""
    numbers: dict[date | None, list[int]] = defaultdict(list)
    for line in lines:
        numbers[line.bar.date].append(line.number)
    return FileReport(
        file=file,
        verdict=decision.verdict,
        rules_version=decision.rules_version,
        received=decision.received,
        accepted=len(decision.bars),
        rejected=_placed(decision.rejected, numbers),
        flagged=_placed(decision.flagged, numbers),
        warned=_placed(decision.warned, numbers),
        partial=list(decision.partial),
    )


def _judged(ticker: str, lines: Sequence[Line], now_us: int, threshold_percent: float) -> ValidationCompleted:
    bars = tuple(line.bar for line in lines)
    days = [bar.date for bar in bars]
    evidence = FetchSucceeded(
        ticker=ticker,
        provider=PROVIDER,
        attempt=1,
        started_at=now_us,
        finished_at=now_us,
        request=Request(ticker=ticker, window=Window(min(days), max(days))),
        source=Source(library=PROVIDER, version="1"),
        answer=Answer(body=b"", body_bytes=0, sha256=b""),
        identity=Identity(),
        bars=bars,
        actions=(),
    )
    # Without anything held there is no scale to differ from, so the answer is a decision.
    decision = judge.judge(evidence, Held({}), basis="as_traded", exchange=None, threshold_percent=threshold_percent)
    assert isinstance(decision, ValidationCompleted)  # noqa: S101 - see above
    return decision


def _placed(findings: Iterable[Finding], numbers: dict[date | None, list[int]]) -> list[LineFinding]:
    return [
        LineFinding(
            line=max(numbers.get(finding.date, ()), default=None),
            date=finding.date,
            rule=finding.rule,
            detail=finding.detail,
        )
        for finding in findings
    ]


def _outcomes(found: FileReport) -> Iterator[tuple[str, LineFinding]]:
    for outcome, findings in (("rejected", found.rejected), ("flagged", found.flagged), ("warned", found.warned)):
        for finding in findings:
            yield outcome, finding


def csv_lines(found: FileReport) -> Iterator[tuple[object, ...]]:
    """Yield a line per finding."""
    for outcome, one in _outcomes(found):
        yield one.line, one.date, outcome, one.rule, one.detail


def head(found: FileReport) -> str:
    """Return the line of counts."""
    # A file that is rejected whole has a finding of its own, which is no row.
    rejected = sum(one.date is not None for one in found.rejected)
    counts = f"{found.received} rows, {found.accepted} accepted, {rejected} rejected"
    return f"{found.file} {found.verdict}: {counts}, {len(found.flagged)} flagged, {len(found.warned)} warned of"


def text(found: FileReport) -> str:
    """Return the report as a person reads it: a line of counts, then one per finding."""
    lines = [head(found)]
    for outcome, one in _outcomes(found):
        place = "file" if one.line is None else f"line {one.line}"
        lines.append(f"  {place:<10}  {one.date or '-'}  {outcome:<8}  {one.rule:<13}  {one.detail}")
    return "\n".join(lines)


LAYOUT = Layout(lines=partial(map, text), csv_header=CSV_HEADER, csv_lines=csv_lines)
