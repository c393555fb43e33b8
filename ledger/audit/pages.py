"""Checks the pages of a database file by plain reads, without opening it with the engine.

Source: py-lmdb 3, `lmdb.verify`; either that check or re-hashing alone misses some damage, both together none.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import lmdb.verify

from ledger.audit.flaw import Flaw
from ledger.errors import SURROUNDINGS, LedgerError, NoLedgerError
from ledger.files.isolated import IsolatedProcess
from ledger.files.regular import open_own
from ledger.store.engine import Engine
from ledger.store.home import DATA_FILE, LOCKS
from ledger.store.lmdb_file import inspect


def structure_flaw(folder: Path, *, alone: bool = False) -> Flaw | None:
    """Return the first thing wrong with the pages of the ledger in `folder`, None when all are sound.

    Reads the file itself while no writer can be at work, a copy of it otherwise.
    `alone` when the caller holds the writer lock.

    Raises: NoLedgerError; UnreadableError, ShortageError and their like.
    """
    try:
        inspect(folder / DATA_FILE)
        with nullcontext(enter_result=True) if alone else _no_writers(folder) as quiet:
            problems = (
                _problems(folder / DATA_FILE)
                if quiet
                else IsolatedProcess(partial(_copy_problems, folder), list).result()
            )
    except (NoLedgerError, *SURROUNDINGS):
        raise
    except (LedgerError, lmdb.verify.VerifyError) as error:
        return Flaw(None, "structure", "a sound database file", str(error))
    return Flaw(None, "structure", "sound pages", problems[0]) if problems else None


def _problems(data_file: Path) -> list[str]:
    return [str(problem) for problem in lmdb.verify.verify(os.fspath(data_file))]


def _copy_problems(folder: Path) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="b3-ledger-") as name:
        engine = Engine(folder, readonly=True)
        try:
            engine.copy(Path(name))
        finally:
            engine.close()
        return _problems(Path(name) / DATA_FILE)


@contextmanager
def _no_writers(folder: Path) -> Iterator[bool]:
    """Keep writers out for the block without writing anything; gives False while one is at work."""
    try:
        fd = open_own(folder.parent / LOCKS / "writer.lock", os.O_RDONLY)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)
