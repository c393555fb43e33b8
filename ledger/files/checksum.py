"""The SHA-256 of a file, and its `.checksum` file: what `sha256sum` prints of the file beside it."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from io import FileIO
from pathlib import Path

import msgspec

from ledger.errors import ChecksumDamagedError, UnreadableError, unreadable
from ledger.files.atomic_file import part_file
from ledger.files.regular import BUFFER_BYTES, open_regular

CHECKSUM_SUFFIX = ".checksum"
CHANGES = "a file that changes"

_CHECKSUM = re.compile(r"\\?([0-9a-fA-F]{64})(?:[ \t]+\*?[^\r\n]*)?\s*")


def render_checksum(sha256: bytes, name: str) -> bytes:
    """Return what `sha256sum` prints of the file called `name`, run in its folder."""
    return f"{sha256.hex()}  {name}\n".encode()


def parse_checksum(content: bytes) -> bytes:
    """Return the SHA-256 that a `.checksum` file holds: bare, or before a name with any path in front.

    Raises: ValueError when it holds anything else.
    """
    found = _CHECKSUM.fullmatch(content.decode(errors="replace"))
    if found is None:
        message = f"got a checksum file that begins {content[:20]!r}, want 64 hex digits and a file name"
        raise ValueError(message)
    return bytes.fromhex(found[1])


LONGEST_BYTES = 8192  # a hash and a path; whatever is longer is something else


def checksum_path(path: Path) -> Path:
    """Return the path of the `.checksum` of the file at `path`."""
    return path.with_name(f"{path.name}{CHECKSUM_SUFFIX}")


def read_checksum(path: Path) -> bytes | None:
    """Return the SHA-256 that is remembered beside the file at `path`; None when nothing is.

    Raises: ChecksumDamagedError; UnreadableError.
    """
    beside = checksum_path(path)
    try:
        with open(open_regular(beside), "rb") as file:
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
    """Make the `.checksum` of the file at `path` hold `sha256`, durably; what was there is replaced.

    Raises: DiskFullError; UnwritableError.
    """
    with part_file(checksum_path(path), replace=True) as part:
        part.write(render_checksum(sha256, path.name))
        part.publish()


class FileHash(msgspec.Struct, frozen=True):
    """A file's SHA-256, and its length."""

    sha256: bytes
    file_bytes: int


class SplitHash(msgspec.Struct, frozen=True):
    """A file's hash, and the SHA-256 of its bytes before and after a place in it."""

    whole: FileHash
    before: bytes
    after: bytes


def hash_file(path: Path) -> FileHash:
    """Return the hash of the regular file at `path`, which holds still meanwhile.

    Raises: UnreadableError where it changes; OSError.
    """
    with _still(path) as file:
        return FileHash(file_digest(file, sha256).digest(), file.tell())


def hash_split(path: Path, split_bytes: int) -> SplitHash:
    """Return what `hash_file` does, and the hashes of its first `split_bytes` and of the rest; reads it once.

    Raises: as `hash_file` does.
    """
    whole, rest = sha256(), sha256()
    with _still(path) as file:
        _feed(file, split_bytes, whole.update)
        before = whole.digest()
        _feed(file, sys.maxsize, whole.update, rest.update)
        return SplitHash(FileHash(whole.digest(), file.tell()), before, rest.digest())


def _feed(file: FileIO, most_bytes: int, *updates: Callable[[memoryview], None]) -> None:
    """Pass what comes next in `file`, `most_bytes` at most, to each of `updates`."""
    buffer = memoryview(bytearray(BUFFER_BYTES))
    while most_bytes and (found := file.readinto(buffer[:most_bytes])):
        for update in updates:
            update(buffer[:found])
        most_bytes -= found


@contextmanager
def _still(path: Path) -> Iterator[FileIO]:
    """Give the regular file at `path`, unbuffered, for a block that reads it to its end while it holds still."""
    with FileIO(open_regular(path)) as file:
        before = os.fstat(file.fileno())
        yield file
        after = os.fstat(file.fileno())
        read_bytes = file.tell()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or read_bytes != after.st_size:
        raise UnreadableError(path, CHANGES)
