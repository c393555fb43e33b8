"""`main report`: one page of what the ledger is, holds and went through, as of one position."""

from hashlib import sha256
from pathlib import Path
from typing import cast

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, ticker_option
from cli.render.renderers import JSON
from cli.render.report.words import LANGS, Lang
from ledger.log_source import LogSource
from projections.queries.position import UpTo
from projections.report.facts import ChainVerdict, ReportFacts


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was written into the file `report`, of the first `events` events, which end in `head` (hex).

    `head` is null where the chain does not hold; then the page says nothing of any ticker.
    """

    report: str
    lang: Lang
    events: int
    head: str | None
    verdict: ChainVerdict
    tickers: int
    bytes: int
    checksum: str  # SHA-256, hex


@click.command(
    epilog="""\b
Examples:
  main report --out report.html
  main report PETR4 VALE3 --lang pt-BR --out relatorio.html
  main report --as-of 2026-01-31 --out january.html
  main report --ledger backups/backup-20260213T230000Z.db --out audited.html

\b
Exit codes: 0 written, however the tickers are; 2 an event of the log does not hold: the page says which,
and nothing else; 3 nothing is recorded of a ticker.
"""
)
@ticker_option.option("Only this ticker; may be repeated.", multiple=True)
@click.option("--as-of", type=params.UP_TO, help="As the ledger was then.  [default: now]")
@click.option("--lang", type=click.Choice(LANGS), default=LANGS[0], show_default=True, help="Its language.")
@click.option("--out", type=params.OUT_FILE, required=True, help="The file to write; - is stdout.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def report(
    context: click.Context, /, tickers: tuple[str, ...], as_of: UpTo | None, *, lang: str, out: Path, style: Style
) -> int:
    """Write one HTML page that needs nothing but itself: health, prices, custody.

    For operator, analyst and auditor: how each ticker goes and why, missing
    sessions, last runs and failures, prices drawn with their revisions, actions,
    sources, backups, checkpoints, and the verdict on the chain, whose every event
    is re-hashed for it. The same position and settings give the same bytes: ages
    count from when the position's last event was recorded.
    """
    if style.format == JSON and output.is_stdout(out):
        context.fail("got --format json for a page on stdout, want --out with a file")
    # Imported here: pages cost what no other command needs.
    from cli.render.report.page import page

    with ledgers.reading(settings.load()) as log, output.still_working("re-hashing every event …"):
        facts = _facts(log, as_of, tuple(dict.fromkeys(tickers)))
    content = page(facts, cast("Lang", lang))
    output.give([content], out)
    chain = facts.chain
    if not output.is_stdout(out):
        written = ReportRow(
            report=str(out),
            lang=cast("Lang", lang),
            events=chain.position,
            head=chain.head or None,
            verdict=chain.verdict,
            tickers=len(facts.tickers),
            bytes=len(content),
            checksum=sha256(content).hexdigest(),
        )
        output.report([written], style, text=_text)
    if (flaw := chain.flaw) is None:
        return Exit.OK
    where = "" if flaw.seq is None else f" at seq {flaw.seq}"
    output.say(f"critical: got {flaw.kind} {flaw.found}{where}, want {flaw.expected}: the log is {chain.verdict}")
    output.say("hint: main verify")
    return Exit.CRITICAL


def _facts(log: LogSource, as_of: UpTo | None, tickers: tuple[str, ...]) -> ReportFacts:
    """Return the facts as of `as_of`; those of the read models only where the chain holds."""
    from projections.report.custody import read_chain
    from projections.report.gathering import ReportAsked, begun, gathered

    given = settings.load()
    asked = ReportAsked(
        tickers=tickers,
        lag_threshold_s=given.metrics_ingest_lag_threshold,
        order=given.price_sources,
        action_order=given.action_sources,
    )
    known = begun(log, read_chain(log, positions.reached(log, as_of)), asked)
    if known.chain.flaw is not None:
        return known
    with ledgers.view_of(log) as view:
        return gathered(log, view, known)


def _text(one: ReportRow) -> str:
    events = f"{one.events} event{'s' * (one.events != 1)}"
    tickers = f"{one.tickers} ticker{'s' * (one.tickers != 1)}"
    return f"{one.report}: {one.verdict}, {events}, {tickers}, {one.bytes} bytes, {one.checksum}"
