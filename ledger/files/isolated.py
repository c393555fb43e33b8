"""Work on a file that is not trusted, done in a child process: a damaged database can kill the process that maps it."""

import os
import select
import signal
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from ledger.errors import LedgerError, UnreadableError

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
        self._answer_type = answer_type
        self._reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid:
            os.close(writing)
            return
        os.close(self._reading)
        # What the engine prints as it dies is discarded: the parent reports what became of the child.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            # Whatever the parent has locked this process holds too, for as long as it lives.
            threading.Thread(target=_end_with_reader, args=[writing], daemon=True).start()
            try:
                raw = b"=" + msgspec.msgpack.encode(call())
            except UnreadableError as error:
                raw = b"!" + error.reason.encode()
            except LedgerError as error:
                raw = b"!" + str(error).encode()
            except OSError as error:
                raw = b"!" + (error.strerror or str(error)).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(raw)
        finally:
            # Exit at once: the parent's buffers, locks and handlers are not this process's to flush or run.
            os._exit(0)

    def result(self) -> T:
        """Wait for the child and return its answer; call it once.

        Raises: IsolatedProcessError when it raised a LedgerError or an OSError (what was wrong) or died.
        """
        with os.fdopen(self._reading, "rb") as pipe:
            raw = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        if os.WIFSIGNALED(status):
            raise IsolatedProcessError(f"death by {signal.Signals(os.WTERMSIG(status)).name}")
        if not raw:
            raise IsolatedProcessError("no word")
        if raw[:1] == b"!":
            raise IsolatedProcessError(raw[1:].decode())
        return msgspec.msgpack.decode(raw[1:], type=self._answer_type)


def _end_with_reader(writing: int) -> None:
    """End this process once nothing is left that would read its answer; a sibling that could ends the same way."""
    reader = select.poll()
    reader.register(writing, 0)  # POLLERR is always reported
    reader.poll()
    os._exit(1)
