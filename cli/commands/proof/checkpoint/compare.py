"""Two checkpoints held against each other: whether the newer one extends the older one."""

from pathlib import Path

from cli.app.settings import Settings
from cli.commands.proof import files
from cli.commands.proof.checkpoint.row import ExtensionRow, extension
from cli.context import ledgers
from ledger.checkpoint.errors import NotProvenError
from ledger.checkpoint.note import VerifierKey
from ledger.checkpoint.proving import FromTiles, HashSource, prove_extension
from ledger.checkpoint.statement import Statement


def compare(paths: tuple[Path | str, Path | str], key: VerifierKey, given: Settings) -> ExtensionRow:
    """Return whether the second of two checkpoints, both signed by `key`, extends the first.

    The tree is read from the tiles beside the second one, else made again from the log.

    Raises: NoteError; NotProvenError for two origins, or tiles that are not the second one's; TileError.
    """
    old, new = (files.signed_statement(files.read_note(path), key) for path in paths)
    if old.origin != new.origin:
        raise NotProvenError(f"origin {new.origin}", wanted=f"{old.origin}, which the older one is of")
    if new.size < old.size:
        return extension("rolled_back", old, new, [])
    if (published := files.tiles_beside(paths[1])) is not None:
        return _extension(old, new, FromTiles(published))
    with ledgers.reading(given) as log:
        if log.head().size < new.size:
            raise NotProvenError(f"a log of {log.head().size} events", wanted=f"the {new.size} of the newer checkpoint")
        return _extension(old, new, files.source_of(log))


def _extension(old: Statement, new: Statement, source: HashSource) -> ExtensionRow:
    found = prove_extension(old, new, source=source)
    if found.new_root != new.root:
        raise NotProvenError(f"a tree with root {found.new_root.hex()}", wanted=f"{new.root.hex()}, the newer one's")
    if found.old_root != old.root:
        return extension("forked", old, new, [])
    return extension("extends", old, new, list(found.hashes))
