"""`main snapshot`: a price CSV from recorded events alone, and the check of those that were written."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import get_args

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, series_option, ticker_option
from cli.render.renderers import JSON, TEXT
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Bar
from projections.models import prices
from projections.queries.position import UpTo
from projections.queries.snapshot_check import CheckStatus, SnapshotCheck, check_snapshots
from projections.queries.snapshot_csv import render
from projections.store.store import View

FAILED: frozenset[CheckStatus] = frozenset({"mismatch", "refused"})


class SnapshotRow(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot that was regenerated into the file `snapshot` from the first `events` events."""

    ticker: str
    snapshot: str
    name: str
    rows: int
    checksum: str  # SHA-256, hex
    events: int
    provider: str


@click.command(
    epilog="""\b
Examples:
  main snapshot PETR4 > PETR4.csv
  main snapshot --ticker PETR4 --as-of 2026-01-31 --out /tmp/PETR4.csv
  main snapshot --check
  main snapshot --check --failed
  main snapshot --check snapshots/PETR4-20260213.csv

\b
Exit codes: 0 printed, or every file and event holds; 2 --check found a mismatch; 3 no session held,
nothing to check, or a file was named that no event tells of.
"""
)
@click.argument("files", metavar="[TICKER | FILE...]", nargs=-1, type=params.FILE)
@click.option("--ticker", type=params.TICKER, help="Whose prices to print.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew them then.  [default: now]")
@click.option("--out", type=params.OUT_FILE, help="The file to write.  [default: stdout]")
@click.option("--check", is_flag=True, help="Hold every recorded snapshot, and the files, against the log.")
@click.option("--failed", is_flag=True, help="With --check: only what does not hold.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
@click.pass_context
def snapshot(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    /,
    files: tuple[Path, ...],
    ticker: str | None,
    as_of: UpTo | None,
    out: Path | None,
    *,
    check: bool,
    failed: bool,
    source: str | None,
    style: Style,
) -> int:
    """Print a ticker's snapshot from recorded events, or check those that were written.

    The same events give the same bytes. Nothing is appended to the log.
    """
    if check:
        if ticker or as_of or out or source:
            context.fail("got --check with --ticker, --as-of, --source or --out, want it alone or with files")
        return _check(files, style, failed=failed)
    if failed:
        context.fail("got --failed without --check, want both")
    if len(files) == 1 and ticker is None and ticker_option.is_ticker(str(files[0])):
        ticker, files = params.TICKER(str(files[0]), ctx=context), ()
    if files or ticker is None:
        context.fail("got no --ticker, want one, or --check" if not files else "got files, want --check before them")
    if style.format == JSON and output.is_stdout(out):
        context.fail("got --format json for a CSV on stdout, want --out")
    return _regenerate(ticker, as_of, out, source, style)


def _regenerate(ticker: str, as_of: UpTo | None, out: Path | None, source: str | None, style: Style) -> int:

    def held(log: LogSource, view: View) -> tuple[int, Series, dict[date, Bar]]:
        position = min(positions.reached(log, as_of), view.head.size)
        series = series_option.one(view.state, ticker, source)
        return position, series, prices.bars(view.state["prices"], series, position)

    position, series, bars = ledgers.answered(settings.load(), held)
    if not bars:
        raise NothingToShowError(
            f"no sessions of {series.ticker} in the first {position} events", wanted="at least one"
        )
    csv = render(series.ticker, bars)
    output.give([csv.content], out)
    if output.is_stdout(out):
        return Exit.OK
    written = SnapshotRow(
        ticker=ticker,
        snapshot=str(out),
        name=csv.name,
        rows=csv.rows,
        checksum=csv.sha256.hex(),
        events=position,
        provider=series.provider,
    )
    output.report([written], style, text=lambda one: f"{one.checksum}  {one.snapshot}  {one.rows} rows")
    return Exit.OK


def _check(files: Sequence[Path], style: Style, *, failed: bool) -> int:
    given = settings.load()
    with ledgers.reading(given) as log, output.still_working("checking snapshots …"):
        found = check_snapshots(log, given.snapshot_dir, files or None)
    if not found:
        raise NothingToShowError("no snapshot", wanted="one that was written, to check")
    with output.unprinted():
        output.show([one for one in found if not failed or one.status in FAILED], style, text=_text, none="")
    statuses, summary = {one.status for one in found}, _summary(found)
    # A file that another program put into the folder is not ours to judge; one that was asked about was not checked.
    unchecked = "ok" not in statuses or (bool(files) and "unrecorded" in statuses)
    verdict = Exit.CRITICAL if statuses & FAILED else Exit.UNKNOWN if unchecked else Exit.OK
    if verdict == Exit.CRITICAL:
        output.say(f"error: {summary}")
    elif style.format == TEXT:
        with output.unprinted():
            output.raw(f"{summary}\n".encode())
    return verdict


def _summary(found: Sequence[SnapshotCheck]) -> str:
    """Return how many events and files were checked, and how many of them came out as what."""
    counts = Counter(one.status for one in found)
    said = ", ".join(f"{counts[status]} {status}" for status in get_args(CheckStatus) if counts[status])
    events = sum(one.path is None and one.seq is not None for one in found)
    files = sum(one.path is not None for one in found)
    return f"checked {events} event{'s' * (events != 1)} and {files} file{'s' * (files != 1)}: {said}"


def _text(one: SnapshotCheck) -> str:
    if one.status == "refused":
        return f"{one.name!r}: refused (got a name that is a path, want a base name)"
    place = f"event {one.seq}" if one.path is None else one.path
    line = f"{one.name}: {one.status} ({place})"
    if one.line is None:
        return line
    where = "its .checksum" if one.line == 0 else f"line {one.line}"
    return f"{line}: {where}: got {one.found_line!r}, want {one.expected_line!r}"
