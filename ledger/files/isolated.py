"""Work on a file that is not trusted, done in a child process: a damaged database can kill the process that maps it.

A child that is damaged by what it reads is told apart from one that lacked something, or that somebody ended: only
the former says anything about the file.
"""

import errno
import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ledger.errors import (
    SURROUNDINGS,
    DiskFullError,
    KilledError,
    LedgerError,
    ProcessShortageError,
    ShortageError,
    UnreadableError,
    UnwritableError,
    is_disk_full,
    shortage,
)
from ledger.foreseen import foreseen

# How a process ends that maps a damaged file; any other signal was sent by somebody.
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE})
MAY_NOT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
ANSWER, FLAW, SURROUNDING = b"=", b"!", b"~"

T = TypeVar("T")


class IsolatedProcessError(LedgerError):
    """The child did not return an answer; `how` is what became of it."""

    def __init__(self, how: str) -> None:
        super().__init__(f"got {how} from the process that read the database, want an answer")
        self.how = how


class IsolatedProcess(Generic[T]):
    """One call under way in a child process, which ends with its parent; several may run at once.

    The parent must not have the database open: a child cannot reopen an environment that it inherited.
    """

    def __init__(self, call: Callable[[], T], answer_type: type[T]) -> None:
        """Start the child.

        Raises: ShortageError.
        """
        self._answer_type = answer_type
        try:
            self._reading, writing = os.pipe()
        except OSError as error:
            raise shortage(error) or error from error
        try:
            self._pid = os.fork()
        except OSError as error:
            os.close(self._reading)
            os.close(writing)
            limited = error.errno == errno.EAGAIN  # of fork alone: elsewhere it says that something is in use
            raise ProcessShortageError(str(error)) if limited else shortage(error) or error from error
        if self._pid:
            os.close(writing)
            return
        try:
            os.close(self._reading)
            # What the engine prints as it dies is discarded: the parent reports what became of the child.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            raw = _outcome(call, writing)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(raw)
        finally:
            # Exit at once: the parent's buffers, locks and handlers are not this process's to flush or run.
            os._exit(0)

    def is_at_work(self, timeout_s: float) -> bool:
        """Return whether the child has neither answered nor ended within `timeout_s`; not after `result`."""
        return not select.select([self._reading], [], [], timeout_s)[0]

    def end(self) -> None:
        """End the child, whatever it is at; instead of `result`."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._reading)

    def result(self) -> T:
        """Wait for the child and return its answer; call it once.

        Raises: IsolatedProcessError when it raised a LedgerError or an OSError (what was wrong) or crashed;
        of SURROUNDINGS, what it lacked or might not do, KilledError when somebody ended it.
        """
        with os.fdopen(self._reading, "rb") as pipe:
            raw = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            if os.WTERMSIG(status) in CRASHES:
                raise IsolatedProcessError(f"death by {name}")
            raise KilledError(f"death by {name}")
        if not raw:
            # It could not say what was wrong: for want of memory, or since it was interrupted.
            raise KilledError("no word")
        if raw[:1] == SURROUNDING:
            # What the child met, raised as it met it.
            name, path, reason, found = msgspec.msgpack.decode(raw[1:], type=tuple[str, str, str, str])
            if name == DiskFullError.__name__:
                raise DiskFullError(Path(path))
            for placed in (UnreadableError, UnwritableError):
                if name == placed.__name__:
                    raise placed(Path(path), reason)
            raise next(kind for kind in ShortageError.__subclasses__() if kind.__name__ == name)(found)
        if raw[:1] == FLAW:
            raise IsolatedProcessError(raw[1:].decode())
        return msgspec.msgpack.decode(raw[1:], type=self._answer_type)


def _outcome(call: Callable[[], object], writing: int) -> bytes:
    """Return what the child sends its parent: the answer of `call`, or what became of it."""
    try:
        with foreseen("read"):
            try:
                # Whatever the parent has locked this process holds too, for as long as it lives.
                threading.Thread(target=_end_with_reader, args=[writing], daemon=True).start()
                return ANSWER + msgspec.msgpack.encode(call())
            except OSError as error:
                # Of the system's errors some say that something is lacking or forbidden; the others are a flaw.
                path = Path(os.fsdecode(error.filename or "."))
                if is_disk_full(error):
                    raise DiskFullError(path) from error
                if error.errno in MAY_NOT:
                    raise UnreadableError(path, error.strerror or str(error)) from error
                raise shortage(error) or IsolatedProcessError(error.strerror or str(error)) from error
    except SURROUNDINGS as error:
        fields = [str(vars(error).get(name, "")) for name in ("path", "reason", "found")]
        return SURROUNDING + msgspec.msgpack.encode([type(error).__name__, *fields])
    except IsolatedProcessError as error:
        return FLAW + error.how.encode(errors="replace")
    except LedgerError as error:
        return FLAW + str(error).encode(errors="replace")


def _end_with_reader(writing: int) -> None:
    """End this process once nothing is left that would read its answer; a sibling that could ends the same way."""
    reader = select.poll()
    reader.register(writing, 0)  # POLLERR is always reported
    reader.poll()
    os._exit(1)
