"""One job per ticker at a time, among threads and processes, and a record of whose it is.

The lock is filelock's (an flock: the kernel gives it back when its holder dies). Its holder is named in a
file beside it, which is valid only while the lock is held.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from ledger import ids
from ledger.errors import TickerLockError, UnwritableError, unwritable
from ledger.files.durable import make_private_folder, open_private
from ledger.files.regular import IS_A_LINK, open_regular, read_regular

LOCK, HOLDER = ".lock", ".holder"
POLL_S = 0.05
HOLDER_BYTES = 4096
PID_LIMIT = 2**31
TIME_LIMIT_US = 253_402_300_800_000_000  # the first microsecond of the year 10000


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose job holds a ticker's lock, and since when (microseconds UTC)."""

    ticker: str
    pid: int
    job_id: str
    since: int


@contextmanager
def ticker_lock(folder: Path, ticker: str, *, job_id: bytes, now_us: int, timeout_s: float) -> Iterator[None]:
    """Hold the lock of `ticker` among the lock files in `folder` for the block.

    Raises: TickerLockError naming the holder when it is not free within `timeout_s`; UnwritableError; ShortageError.
    """
    # Imported here: commands that only look at locks need not pay for it.
    from filelock import FileLock, Timeout

    make_private_folder(folder)
    if (folder / f"{ticker}{LOCK}").is_symlink():
        raise UnwritableError(folder / f"{ticker}{LOCK}", IS_A_LINK)
    lock = FileLock(folder / f"{ticker}{LOCK}", mode=0o600)
    try:
        _make(folder, ticker)
        lock.acquire(timeout=timeout_s, poll_interval=POLL_S)
    except Timeout as error:
        other = _read(folder / f"{ticker}{HOLDER}")
        other_id = ids.parse(other.job_id) if other else None
        raise TickerLockError(
            ticker, waited_s=timeout_s, holder_pid=other.pid if other else None, holder_job_id=other_id
        ) from error
    except OSError as error:
        raise unwritable(folder / f"{ticker}{LOCK}", error) from error
    holder = folder / f"{ticker}{HOLDER}"
    try:
        note = msgspec.json.encode(Holder(ticker=ticker, pid=os.getpid(), job_id=ids.text(job_id), since=now_us))
        # The lock is held whether or not a full disk takes the note of who holds it.
        with suppress(OSError):
            temporary = holder.with_suffix(".new")
            with os.fdopen(open_private(temporary, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(note)
            temporary.replace(holder)
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def holders(folder: Path) -> list[Holder]:
    """Return who holds which ticker's lock in `folder` at this moment; writes nothing."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(HOLDER))
    except FileNotFoundError:
        return []
    found = [(_is_held(folder / name.replace(HOLDER, LOCK)), _read(folder / name)) for name in names]
    return [holder for held, holder in found if held and holder is not None]


def _make(folder: Path, ticker: str) -> None:
    """Make the lock file of `ticker`, where there is none or one that another user left and nobody holds.

    Who holds it has a note beside it, which can be seen even where it cannot be read.
    """
    path = folder / f"{ticker}{LOCK}"
    try:
        os.close(open_private(path, os.O_RDWR))
    except PermissionError:
        if os.path.lexists(folder / f"{ticker}{HOLDER}"):
            raise
        path.unlink()
        os.close(open_private(path, os.O_RDWR))


def _read(path: Path) -> Holder | None:
    """Return the holder that the file names; None for a file that no job of ours wrote."""
    try:
        found = msgspec.json.decode(read_regular(path, limit_bytes=HOLDER_BYTES, follow=False), type=Holder)
        ids.parse(found.job_id)
    except (OSError, ValueError):  # what msgspec and UTF-8 raise are ValueErrors too
        return None
    return found if 0 < found.pid < PID_LIMIT and 0 <= found.since < TIME_LIMIT_US else None


def _is_held(path: Path) -> bool:
    try:
        fd = open_regular(path)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
