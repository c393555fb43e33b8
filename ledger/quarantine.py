"""Work on a file that is not trusted, done in a child process: a damaged database can kill whoever maps it."""

import os
import signal
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from ledger.errors import LedgerError

T = TypeVar("T")


class QuarantineError(LedgerError):
    """The child did not come back with an answer; `how` says what became of it."""

    def __init__(self, how: str) -> None:
        super().__init__(f"got {how} from the process that read the database, want an answer")
        self.how = how


class Quarantine(Generic[T]):
    """One call under way in a child process; several may run at once.

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
        # What the engine prints as it dies is for nobody: the parent says what became of the child.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            _answer(call, writing)
        finally:
            # Straight out: the parent's buffers, locks and handlers are not this process's to run.
            os._exit(0)

    def result(self) -> T:
        """Wait for the child and return its answer; call it once.

        Raises: QuarantineError when it raised a LedgerError (its text) or died.
        """
        with os.fdopen(self._reading, "rb") as pipe:
            raw = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        if os.WIFSIGNALED(status):
            raise QuarantineError(f"death by {signal.Signals(os.WTERMSIG(status)).name}")
        if not raw:
            raise QuarantineError("no word")
        if raw[:1] == b"!":
            raise QuarantineError(raw[1:].decode())
        return msgspec.msgpack.decode(raw[1:], type=self._answer_type)


def _answer(call: Callable[[], T], writing: int) -> None:
    try:
        raw = b"=" + msgspec.msgpack.encode(call())
    except LedgerError as error:
        raw = b"!" + str(error).encode()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(raw)
