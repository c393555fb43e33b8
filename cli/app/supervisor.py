"""The parent that outlives a damaged database: one fork, before anything is opened.

LMDB maps its file, so a damaged one can kill the process that reads it. The parent turns such a death into
one line and exit 2, and passes signals on. It imports nothing that its child will need to load again.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

# These come from a damaged file or a broken engine, never from a person.
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE})
CRITICAL = 2
SIGNALLED = 128  # a shell's exit code for a death by signal n is 128 + n

_FORWARDED = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_WATCHED = _FORWARDED | {signal.SIGCHLD}
_SI_KERNEL = 0x80
_PR_SET_PDEATHSIG = 1


class Terminated(KeyboardInterrupt):
    """Somebody asked this process to end (SIGTERM, SIGHUP); unwinds as Ctrl-C does, so one `except` serves both."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum


def supervise(body: Callable[[], int]) -> NoReturn:
    """Run `body` in a child and end with its exit code; 2 and one line when the engine killed it.

    Costs one fork (1 ms). Where no process can be forked, `body` runs unsupervised.
    """
    # A child of a parent that ignores SIGCHLD leaves no exit code behind.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        child = os.fork()
    except OSError:
        child = 0
    if child:
        # Nothing is buffered here, and an interpreter that unwinds costs milliseconds.
        os._exit(_outlive(child))
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _terminate)
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    leave(body())


def die_with_parent() -> None:
    """Have the kernel kill this process when its supervisor dies, so that kill -9 stops a job that writes.

    Costs 7 ms (ctypes), so commands that only read do without.
    """
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def leave(exit_code: int) -> NoReturn:
    """End this process with what it has said written out, and without waiting for its threads."""
    # Every ledger and lock is closed by its own `with`; taking the interpreter apart as well costs 10 ms a command.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(exit_code)


def _terminate(signum: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated(signum)


def _outlive(child: int) -> int:
    """Return the exit code for `child` once it has ended, handing on what it is told meanwhile."""
    while True:
        told = signal.sigwaitinfo(_WATCHED)
        if told.si_signo != signal.SIGCHLD:
            _forward(child, told)
            continue
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return _verdict(os.waitstatus_to_exitcode(status))


def _forward(child: int, told: signal.struct_siginfo) -> None:
    # Ctrl-C reaches the whole terminal group: passed on as well, it would interrupt the child's own clean-up.
    if told.si_code != _SI_KERNEL:
        os.kill(child, told.si_signo)


def _verdict(exit_code: int) -> int:
    if exit_code >= 0:
        return exit_code
    if -exit_code not in CRASHES:
        return SIGNALLED - exit_code
    name = signal.Signals(-exit_code).name
    line = f"error: got {name} from the database engine, want a sound ledger\nhint: main verify --structure\n"
    os.write(sys.stderr.fileno(), line.encode())
    return CRITICAL
