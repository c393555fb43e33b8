"""Verification against a signed checkpoint: of the ledger in use, of a backup file, of published tiles alone."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from msgspec.structs import replace

from cli.commands.proof import cosigners, files
from cli.commands.proof.keys import VERIFIER_KEY
from ledger.audit.verify import VerifyReport
from ledger.checkpoint.holding import hold_archive, hold_ledger, hold_tiles
from ledger.checkpoint.note import VerifierKey
from ledger.checkpoint.published import Published
from ledger.checkpoint.statement import Statement

F = TypeVar("F", bound=Callable[..., object])


class SignedCheckpoint(msgspec.Struct, frozen=True):
    """What a checkpoint states, whose signature was found good, and the folder that it lies in."""

    statement: Statement
    folder: Path


def options(command: F) -> F:
    """Give `command` the options `--checkpoint`, `--key` and those of witnesses, which `signed` reads."""
    checkpoint = click.option(
        "--checkpoint",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=_keep,
        help="Hold it against a signed checkpoint.",
    )
    key = click.option(
        "--key",
        type=VERIFIER_KEY,
        expose_value=False,
        callback=_keep,
        help="Who must have signed the checkpoint, or a file that holds that key.",
    )
    return checkpoint(key(cosigners.policy_options(command)))


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    context.meta[f"{__name__}.{parameter.name}"] = value


def signed(context: click.Context) -> SignedCheckpoint | None:
    """Return the checkpoint that was named, once key and witnesses are found to have signed it; None where none was.

    Raises: NoteError; UnreadableError.
    """
    path: Path | None = context.meta[f"{__name__}.checkpoint"]
    key: VerifierKey | None = context.meta[f"{__name__}.key"]
    policy = cosigners.policy(context)
    if path is None and key is None and not policy:
        return None
    if path is None or key is None:
        context.fail("got --checkpoint, --key or --witness-key alone, want --checkpoint and --key")
    note = files.read_note(path)
    statement = files.signed_statement(note, key)
    policy.check(note)
    return SignedCheckpoint(statement, path.parent)


def held(report: VerifyReport, place: Path, checkpoint: SignedCheckpoint) -> VerifyReport:
    """Return `report` on the ledger folder or backup file at `place`, with what the checkpoint adds to it.

    Only a log that is intact in itself, or behind another witness, is held against it: any other verdict stands.

    Raises: OtherLedgerError; QuarantineError.
    """
    if report.verdict != "intact":
        return report
    started = time.perf_counter()
    hold = hold_ledger if place.is_dir() else hold_archive
    found = hold(report, place, checkpoint.statement, Published(checkpoint.folder))
    return replace(found, seconds=round(report.seconds + time.perf_counter() - started, 6))


def held_tiles(folder: Path, checkpoint: SignedCheckpoint) -> VerifyReport:
    """Return the report on the tiles in `folder`.

    Raises: UnreadableError.
    """
    started = time.perf_counter()
    found = hold_tiles(checkpoint.statement, Published(folder))
    return replace(found, seconds=round(time.perf_counter() - started, 6))
