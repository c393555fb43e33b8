"""The file that `--ledger` names, hashed by another process while the program starts and reads.

It begins before the command line is parsed: what it takes for the file may be none, and then nobody asks for its hash.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from ledger.errors import LedgerError
from ledger.files.hash_beside import WORTH_A_PROCESS_BYTES, HashBeside

OPTION = "--ledger"
# The commands that use what is kept of an archive, and so its hash; all others read every byte themselves.
COMMANDS = frozenset(
    (
        *("metrics", "logs", "report", "prices", "revisions", "diff", "actions", "returns", "gaps", "compare"),
        *("export", "sql", "plot", "market", "instruments", "options", "why", "validation", "events", "snapshot"),
        *("replay", "prove"),
    )
)
IN_A_CHILD = "prometheus"  # the format of a page that a child makes, which hashes for itself

_under_way: dict[Path, HashBeside] = {}


def begin(args: Sequence[str]) -> None:
    """Begin to hash the file that these words of a command line name, where the command will ask for its hash."""
    if "--no-cache" in args or COMMANDS.isdisjoint(args) or any(word.endswith(IN_A_CHILD) for word in args):
        return
    named = [args[at + 1] for at, word in enumerate(args[:-1]) if word == OPTION]
    named += [word.partition("=")[2] for word in args if word.startswith(f"{OPTION}=")]
    if named:
        of(Path(named[-1]))


def of(path: Path) -> HashBeside | None:
    """Return the hash of the file at `path`, under way; None where it takes less than a process, or none is to be had.

    That it cannot be read is for whoever reads it to say.
    """
    with suppress(OSError, LedgerError, ValueError):
        if path not in _under_way:
            found = path.stat()
            if S_ISREG(found.st_mode) and found.st_size >= WORTH_A_PROCESS_BYTES:
                _under_way[path] = HashBeside(path)
    return _under_way.get(path)


def end() -> None:
    """End whatever is still under way: nobody waits for it any more."""
    while _under_way:
        _under_way.popitem()[1].end()
