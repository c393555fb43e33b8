"""Files of signing keys: one line, 0600, never replaced and never shown."""

import os
import select
import stat
from pathlib import Path

from ledger.checkpoint.errors import KeyFileError, KeyTextError
from ledger.checkpoint.note import SigningKey, parse_signing
from ledger.errors import unreadable
from ledger.files.atomic_file import MODE, part_file

WRITER_S = 2.0
LIMIT_BYTES = 4096


def write_key(path: Path, key: SigningKey) -> None:
    """Make the new file `path` hold `key`, readable by its owner alone.

    Raises: NameTakenError; DiskFullError, UnwritableError.
    """
    with part_file(path, mode=MODE) as part:
        part.write(f"{key.secret()}\n".encode())
        part.publish()


def read_key(path: Path) -> SigningKey:
    """Return the key in the file `path`.

    Raises: KeyFileError where it is none, or others may read it; UnreadableError.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb", buffering=0) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                # A shell's <(command) is written to soon; a pipe that nobody writes to is not waited for for ever.
                select.select([file], [], [], WRITER_S)
            content = file.read(LIMIT_BYTES) or b""
    except OSError as error:
        raise unreadable(path, error) from error
    if stat.S_ISREG(mode) and mode & 0o077:
        raise KeyFileError(path, f"mode {mode & 0o777:04o}", wanted="a key that its owner alone can read: mode 0600")
    try:
        return parse_signing(content.decode("ascii"))
    except (KeyTextError, UnicodeDecodeError) as error:
        raise KeyFileError(path, "no signing key", wanted="one that main key new made") from error
