"""Bytes and names that a power cut leaves where they are: written whole, then synced."""

import os
from pathlib import Path

from ledger.errors import unwritable

MODE = 0o600


def pwrite_whole(fd: int, content: bytes, offset: int) -> None:
    """Write all of `content` at `offset`: the kernel may write less than that, and reports it only by the count."""
    while content:
        done = os.pwrite(fd, content, offset)
        content, offset = content[done:], offset + done


def put_file(path: Path, content: bytes) -> None:
    """Make the file `path` hold `content`, mode 0600; its name is not durable until its folder is synced."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    try:
        pwrite_whole(fd, content, 0)
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_private_folder(folder: Path) -> None:
    """Make `folder` and what is above it exist, durably, the folder itself mode 0700 when it is new.

    Raises: DiskFullError, UnwritableError.
    """
    try:
        new = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        for one in reversed(new):
            sync_folder(one.parent)
    except OSError as error:
        raise unwritable(folder, error) from error
