"""`main checkpoint`: the head of the log, signed for whoever keeps it elsewhere."""

import time
from pathlib import Path

import click

from cli.app import clock, exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.proof import cosigners, files, timestamps
from cli.commands.proof.checkpoint import row
from cli.commands.proof.checkpoint.outside import OutsideAnswers, OutsideQuestions
from cli.commands.proof.keys import VERIFIER_KEY, signing_key
from cli.context import clock_option, guards, ledgers, params, witnesses
from ledger import ids
from ledger.checkpoint.note import SigningKey
from ledger.checkpoint.signing import Publishing, Signed, sign_checkpoint
from ledger.store.event_log import EventLog


@click.command(
    epilog="""\b
Examples:
  main key new --out ~/b3-ledger.key
  main checkpoint --key ~/b3-ledger.key
  main checkpoint --key ~/b3-ledger.key --out /mnt/elsewhere/b3
  main checkpoint --key ~/b3-ledger.key --out s3://bucket/b3
  main checkpoint --key ~/b3-ledger.key > /mnt/elsewhere/checkpoint-$(date -u +%Y%m%d)
  main checkpoint --key ~/b3-ledger.key --timestamp https://freetsa.org/tsr --tsa-root freetsa.pem
  main checkpoint --key ~/b3-ledger.key --witness https://witness.example --witness-key w1.txt
  main checkpoint --compare old/checkpoint /mnt/elsewhere/b3/checkpoint --key ~/b3-ledger.key

\b
Exit codes: 0 signed, unchanged, or the newer extends the older; 1 signed, and nobody answered who was
asked; 2 signed, and an answer is not what was asked for, which is then not kept; the log does not extend what
was signed, or does not hold; --out holds another origin's, other bytes, or does not answer; a signature is
bad; the newer does not extend the older; 3 no ledger, no key, no such file, no permission, or another
machine signs there.
"""
)
@click.option("--key", "key", help="The file of the signing key; with --compare a verifier key.  [env: CHECKPOINT_KEY]")
@click.option(
    "--out",
    type=params.FOLDER_OR_URL,
    help="Publish here, in a folder or at a URL as of backup --to: checkpoints, and the tree as tiles."
    "  [default: a folder in DATA_DIR]",
)
@click.option(
    "--compare", type=params.FILE_OR_URL, nargs=2, metavar="OLD NEW", help="Say whether one extends the other."
)
@timestamps.authority_options
@cosigners.witness_options
@clock_option.option
@ledgers.file_option
@output.style_options
@click.pass_context
def checkpoint(
    context: click.Context,
    /,
    key: str | None,
    out: Path | str | None,
    compare: tuple[Path | str, Path | str] | None,
    style: Style,
) -> int:
    """Sign the head of the log, and publish the tree that proves every event under it.

    The log is read again from disk, and has to extend what was signed before, in the log and at --out.
    Prints the checkpoint, some 250 bytes: keep it where whoever can write here cannot.
    Witnesses and an authority are asked once it is published; each has ADAPTER_TIMEOUT_SECONDS to answer.
    """
    given = settings.load()
    questions = OutsideQuestions(timestamps.authority(context, given), cosigners.asked(context, given))
    if compare is not None:
        if out is not None or questions:
            context.fail("got --out, --timestamp or --witness with --compare, want --compare and --key alone")
        return _compared(context, compare, key, given, style)
    if ledgers.archive_given() is not None:
        context.fail("got --ledger without --compare, want the ledger in use")
    die_with_parent()
    started = time.perf_counter()
    signer = signing_key(context, None if key is None else Path(key), given)
    with output.still_working("reading every event again …"):
        signed, answers = _signed(given, signer, out, questions)
    found = row.with_answers(row.row(signed, signer, time.perf_counter() - started), answers)
    # As it was signed: in the row that is given for display, line ends are escaped.
    output.report([found], style, text=lambda _: found.note.removesuffix("\n"))
    output.say(row.words(found))
    for line in row.answer_words(found):
        output.say(line)
    return answers.exit


def _compared(
    context: click.Context, paths: tuple[Path | str, Path | str], key: str | None, given: Settings, style: Style
) -> int:
    if key is None:
        context.fail("got --compare without a key, want --key VKEY, as main key show prints it")
    from cli.commands.proof.checkpoint import compare as comparing

    verifier = VERIFIER_KEY.convert(key, None, context)
    with output.still_working("proving …"):
        compared = comparing.compare(paths, verifier, given)
    output.report([compared], style, text=row.extension_text)
    why = f"{compared.verdict}: the newer checkpoint does not extend the older one"
    return exits.ended(Exit.OK if compared.verdict == "extends" else Exit.CRITICAL, why)


def _signed(
    given: Settings, key: SigningKey, out: Path | str | None, questions: OutsideQuestions
) -> tuple[Signed, OutsideAnswers]:
    ledger = ledgers.active(given)
    known = witnesses.projections(ledger.folder)

    def now() -> int:
        return clock.now_us(given, sample=ledger.kind == "sample")

    now()  # refused before anything is signed
    publishing = Publishing(place=None if out is None else files.published(out, create=True))
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
        signed = sign_checkpoint(log, key, job_id=job_id, lock_timeout_s=timeout_s, publishing=publishing)
        answers = OutsideAnswers()
        answers.ask(questions, log, signed, job_id=job_id, timeout_s=timeout_s)
        return signed, answers
