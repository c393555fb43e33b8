"""The `.checksum` file beside another file."""

from pathlib import Path

from ledger.errors import ChecksumDamagedError, unreadable
from ledger.files.atomic_file import part_file
from ledger.files.checksum import CHECKSUM_SUFFIX, parse_checksum, render_checksum

LONGEST_BYTES = 8192  # a hash and a path; whatever is longer is something else


def checksum_path(path: Path) -> Path:
    """Return where the checksum of the file at `path` lies."""
    return path.with_name(f"{path.name}{CHECKSUM_SUFFIX}")


def read_checksum(path: Path) -> bytes | None:
    """Return the SHA-256 that is remembered beside the file at `path`; None when nothing is.

    Raises: ChecksumDamagedError; UnreadableError.
    """
    beside = checksum_path(path)
    try:
        with beside.open("rb") as file:
            content = file.read(LONGEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(beside, error) from error
    try:
        return parse_checksum(content)
    except ValueError as error:
        raise ChecksumDamagedError(beside, f"{content[:20]!r}") from error


def write_checksum(path: Path, sha256: bytes) -> None:
    """Make the `.checksum` of the file at `path` say `sha256`, durably; what was there is replaced.

    Raises: DiskFullError; UnwritableError.
    """
    with part_file(checksum_path(path), replace=True) as part:
        part.write(render_checksum(sha256, path.name))
        part.publish()
