"""A file that a command writes for somebody else: whole, or not at all."""

from pathlib import Path

from ledger.errors import UnwritableError


def write(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, durably, by one rename; its folder is not made, so a mistyped one is an error.

    Raises: DiskFullError; UnwritableError.
    """
    if not path.parent.is_dir():
        raise UnwritableError(path, "No such file or directory")
    # Imported here: most runs of the commands that can write a file write none.
    from ledger.files.atomic_file import write_whole

    write_whole(path, content)
