"""A process that is killed: forked from one that has everything imported, so a round costs milliseconds."""

import os
import signal
import traceback
from collections.abc import Callable
from typing import NoReturn


class Victim:
    """A forked process at work in a process group of its own, and the pipe into which it says what was acknowledged.

    Nobody else may hold the writing end: the pipe ends when the last process of the group is gone.
    The parent must have no database open: a child cannot reopen an environment that it inherited.
    """

    def __init__(self, work: Callable[[int], None]) -> None:
        """Start `work` on the pipe's file descriptor."""
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(writing)
            return
        os.close(self._reading)
        os.setsid()
        _live(work, writing)

    @property
    def said(self) -> int:
        """The reading end of the pipe, for who waits for a word before the end."""
        return self._reading

    def kill(self) -> None:
        """End the process alone with SIGKILL; its children live on unless they see to it themselves."""
        os.kill(self.pid, signal.SIGKILL)

    def kill_group(self) -> None:
        """End the process and all its children with SIGKILL."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.kill()  # it has not come to `setsid` yet

    def end(self) -> tuple[bytes, int]:
        """Wait until every process of the group is gone; return what was said, and the exit code (-9 when killed)."""
        with os.fdopen(self._reading, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        return said, os.waitstatus_to_exitcode(status)


def _live(work: Callable[[int], None], writing: int) -> NoReturn:
    code = 1
    try:
        work(writing)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        # Straight out: the parent's buffers, locks and fixtures are not this process's to run.
        os._exit(code)
