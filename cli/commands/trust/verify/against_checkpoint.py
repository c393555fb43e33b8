"""Verification against a signed checkpoint: of the ledger in use, of a backup file, of published tiles alone."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import click
import msgspec
from msgspec.structs import replace

from cli.commands.proof import cosigners, files
from cli.commands.proof.keys import VERIFIER_KEY
from cli.context import params
from ledger.audit.verify import VerifyReport
from ledger.checkpoint.errors import TileError
from ledger.checkpoint.holding import hold_archive, hold_ledger, hold_tiles
from ledger.checkpoint.note import VerifierKey
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import AT_ONCE, PublishedTree
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import ENTRIES, WIDTH, tile_at
from ledger.errors import unwritable

F = TypeVar("F", bound=Callable[..., object])


class SignedCheckpoint(msgspec.Struct, frozen=True):
    """What a checkpoint states, whose signature was found good, and the folder or URL that it is published in."""

    statement: Statement
    place: Path | str


def options(command: F) -> F:
    """Give `command` the options `--checkpoint`, `--key` and those of witnesses, which `signed` reads."""
    checkpoint = click.option(
        "--checkpoint",
        type=params.FILE_OR_URL,
        expose_value=False,
        callback=_keep,
        help="Hold it against a signed checkpoint, in a file or at a URL.",
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
    path: Path | str | None = context.meta[f"{__name__}.checkpoint"]
    key: VerifierKey | None = context.meta[f"{__name__}.key"]
    policy = cosigners.policy(context)
    if path is None and key is None and not policy:
        return None
    if path is None or key is None:
        context.fail("got --checkpoint, --key or --witness-key alone, want --checkpoint and --key")
    note = files.read_note(path)
    statement = files.signed_statement(note, key)
    policy.check(note)
    return SignedCheckpoint(statement, files.place_of(path))


def held(report: VerifyReport, place: Path, checkpoint: SignedCheckpoint) -> VerifyReport:
    """Return `report` on the ledger folder or backup file at `place`, with what the checkpoint adds to it.

    Only a log that is intact in itself, or behind another witness, is held against it: any other verdict stands.

    Raises: OtherLedgerError; IsolatedProcessError; as `files.published` does.
    """
    if report.verdict != "intact":
        return report
    started = time.perf_counter()
    hold = partial(hold_ledger if place.is_dir() else hold_archive, report, place, checkpoint.statement)
    if isinstance(checkpoint.place, Path):
        found = hold(Published(checkpoint.place))
    else:
        with TemporaryDirectory(prefix="b3-ledger-") as name:
            found = hold(Published(Path(name)))
            if found.verdict == "forked":
                # A child process may read the tiles, and a store's client does not survive a fork.
                _bring_bundles(files.published(checkpoint.place), checkpoint.statement.size, Path(name))
                found = hold(Published(Path(name)))
    return replace(found, seconds=round(report.seconds + time.perf_counter() - started, 6))


def _bring_bundles(tree: PublishedTree, size: int, folder: Path) -> None:
    """Put the bundles of a published tree over `size` events into `folder`, as far as they are all there.

    Raises: StoreError; DiskFullError, UnwritableError.
    """

    def bring(index: int) -> None:
        tile = tile_at(ENTRIES, index, size)
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tree.content(tile))

    try:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(bring, range(-(-size // WIDTH))))
    except TileError:
        return  # nobody can say which event differs first, then
    except OSError as error:
        raise unwritable(folder, error) from error


def held_tiles(place: Path | str, checkpoint: SignedCheckpoint) -> VerifyReport:
    """Return the report on the tiles in a folder, or at a URL.

    Raises: UnreadableError; StoreError.
    """
    started = time.perf_counter()
    found = hold_tiles(checkpoint.statement, files.published(place))
    return replace(found, seconds=round(time.perf_counter() - started, 6))
