"""`main checkpoint`: the head of the log, signed for whoever keeps it elsewhere."""

import time
from pathlib import Path
from typing import Any

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.proof import timestamps
from cli.commands.proof.checkpoint import row
from cli.commands.proof.keys import VERIFIER_KEY, signing_key
from cli.context import clock_option, guards, ledgers, params, witnesses
from ledger import ids
from ledger.checkpoint.errors import NoAnswerError, TimestampError
from ledger.checkpoint.note import SigningKey
from ledger.checkpoint.outside.stamping import Authority, Timestamped, stamp
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
  main checkpoint --key ~/b3-ledger.key --timestamp https://freetsa.org/tsr --tsa-root freetsa.pem
  main checkpoint --compare old/checkpoint /mnt/elsewhere/b3/checkpoint --key ~/b3-ledger.key

\b
Exit codes: 0 signed, unchanged, or the newer extends the older; 1 signed, and no authority answered;
2 signed, and the authority's answer does not date it, which is then not kept; the log does not extend what
was signed, or does not hold; --out holds another origin's; a signature is bad; the newer does not extend
the older; 3 no ledger, no key, no such file, or no permission.
"""
)
@click.option("--key", "key", help="The file of the signing key; with --compare a verifier key.  [env: CHECKPOINT_KEY]")
@click.option(
    "--out",
    type=params.FOLDER,
    help="Publish here: checkpoint, and the tree as tiles.  [default: a folder in DATA_DIR]",
)
@click.option("--compare", type=FILE, nargs=2, metavar="OLD NEW", help="Say whether one extends the other.")
@timestamps.authority_options
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
    authority = timestamps.authority(context, given)
    if compare is not None:
        if out is not None or authority is not None:
            context.fail("got --out or --timestamp with --compare, want --compare and --key alone")
        return _compared(context, compare, key, given, style)
    if ledgers.archive_path() is not None:
        context.fail("got --ledger without --compare, want the ledger in use")
    die_with_parent()
    started = time.perf_counter()
    signer = signing_key(context, None if key is None else Path(key), given)
    with output.still_working("reading every event again …"):
        signed, dated = _signed(given, signer, out, authority)
    found = msgspec.structs.replace(row.row(signed, signer, time.perf_counter() - started), **dated.row())
    # As it was signed: in the row that is given for display, line ends are escaped.
    output.show([found], style, text=lambda _: found.note.removesuffix("\n"))
    output.say(row.words(found))
    if found.timestamp is not None:
        output.say(row.timestamp_words(found.timestamp))
    if found.not_stamped is not None:
        output.say(f"warning: signed, and not stamped: {found.not_stamped}")
    return dated.exit


def _compared(context: click.Context, paths: tuple[Path, Path], key: str | None, given: Settings, style: Style) -> int:
    if key is None:
        context.fail("got --compare without a key, want --key VKEY, as main key show prints it")
    from cli.commands.proof.checkpoint import compare as comparing

    verifier = VERIFIER_KEY.convert(key, None, context)
    with output.still_working("proving …"):
        compared = comparing.compare(paths, verifier, given)
    output.show([compared], style, text=row.extension_text)
    return Exit.OK if compared.verdict == "extends" else Exit.CRITICAL


class _Stamping(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a timestamp: it, or why there is none; neither where none was asked for."""

    timestamp: Timestamped | None = None
    not_stamped: str | None = None
    exit: Exit = Exit.OK

    def row(self) -> dict[str, Any]:
        """Return the fields of the printed row."""
        found = self.timestamp
        return {"timestamp": None if found is None else row.timestamp(found), "not_stamped": self.not_stamped}


def _signed(
    given: Settings, key: SigningKey, out: Path | None, authority: Authority | None
) -> tuple[Signed, _Stamping]:
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
        job_id = ids.new_id(now())
        signed = sign_checkpoint(log, key, job_id=job_id, lock_timeout_s=timeout_s, folder=out)
        if authority is None:
            return signed, _Stamping()
        try:
            stamped = stamp(log, signed, authority, job_id=job_id, lock_timeout_s=timeout_s)
        except NoAnswerError as error:  # it stands signed, and can be stamped by the next call
            return signed, _Stamping(not_stamped=str(error), exit=Exit.WARNING)
        except TimestampError as error:
            return signed, _Stamping(not_stamped=str(error), exit=Exit.CRITICAL)
        return signed, _Stamping(timestamp=stamped)
