"""`main checkpoint`: the head of the log, signed for whoever keeps it elsewhere."""

import time
from pathlib import Path

import click

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.proof.checkpoint import row
from cli.commands.proof.keys import VERIFIER_KEY, signing_key
from cli.context import clock_option, guards, ledgers, params, witnesses
from ledger import ids
from ledger.checkpoint.note import SigningKey
from ledger.checkpoint.signing import Signed, sign_checkpoint
from ledger.store.event_log import EventLog

FILE = params.FILE


@click.command(
    epilog="""\b
Examples:
  main key new --out ~/b3-ledger.key
  main checkpoint --key ~/b3-ledger.key
  main checkpoint --key ~/b3-ledger.key --out /mnt/elsewhere/b3
  main checkpoint --key ~/b3-ledger.key > /mnt/elsewhere/checkpoint-$(date -u +%Y%m%d)
  main checkpoint --compare old/checkpoint /mnt/elsewhere/b3/checkpoint --key ~/b3-ledger.key

\b
Exit codes: 0 signed, unchanged, or the newer extends the older; 2 the log does not extend what was signed,
or does not hold; --out holds another origin's; a signature is bad; the newer does not extend the older;
3 no ledger, no key, no such file, or no permission.
"""
)
@click.option("--key", "key", help="The file of the signing key; with --compare a verifier key.  [env: CHECKPOINT_KEY]")
@click.option(
    "--out",
    type=params.FOLDER,
    help="Publish here: checkpoint, and the tree as tiles.  [default: a folder in DATA_DIR]",
)
@click.option("--compare", type=FILE, nargs=2, metavar="OLD NEW", help="Say whether one extends the other.")
@clock_option.option
@ledgers.archive_option
@output.style_options
@click.pass_context
def checkpoint(
    context: click.Context,
    /,
    key: str | None,
    out: Path | None,
    compare: tuple[Path, Path] | None,
    style: Style,
) -> int:
    """Sign the head of the log, and publish the tree that proves every event under it.

    The log is read again from disk, and has to extend what was signed before, in the log and at --out.
    Prints the checkpoint, some 250 bytes: keep it where whoever can write here cannot.
    """
    given = settings.load()
    if compare is not None:
        if out is not None:
            context.fail("got --out with --compare, want one of them")
        if key is None:
            context.fail("got --compare without a key, want --key VKEY, as main key show prints it")
        from cli.commands.proof.checkpoint import compare as comparing

        verifier = VERIFIER_KEY.convert(key, None, context)
        with output.still_working("proving …"):
            compared = comparing.compare(compare, verifier, given)
        output.report([compared], style, text=row.extension_text)
        return Exit.OK if compared.verdict == "extends" else Exit.CRITICAL
    if ledgers.archive_path() is not None:
        context.fail("got --ledger without --compare, want the ledger in use")
    die_with_parent()
    started = time.perf_counter()
    signer = signing_key(context, None if key is None else Path(key), given)
    with output.still_working("reading every event again …"):
        signed = _signed(given, signer, out)
    found = row.row(signed, signer, time.perf_counter() - started)
    # As it was signed: in the row that is given for display, line ends are escaped.
    output.report([found], style, text=lambda _: found.note.removesuffix("\n"))
    output.say(row.words(found))
    return Exit.OK


def _signed(given: Settings, key: SigningKey, out: Path | None) -> Signed:
    ledger = ledgers.active(given)
    known = witnesses.projections(ledger.folder)

    def now() -> int:
        return clock.now_us(given, sample=ledger.kind == "sample")

    now()  # refused before anything is signed
    timeout_s = given.ingest_lock_timeout_seconds
    with EventLog(
        ledger.home,
        now=now,
        lock_timeout_s=timeout_s,
        guards=guards.of(ledger.kind),
    ) as log:
        for witness in known:
            log.require(witness.head, witness=witness.name)
        return sign_checkpoint(log, key, job_id=ids.new_id(now()), lock_timeout_s=timeout_s, folder=out)
