"""The parent that outlives a damaged database: one fork, before anything is opened.

LMDB maps its file, so a damaged one can kill the process that reads it. The parent turns such a death into
one line and exit 2, and passes signals on. It imports nothing that its child will need to load again.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

# Raised by a damaged file or a broken engine, never sent by a person.
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE})
CRITICAL = 2
SIGNALLED = 128  # a shell's exit code for a death by signal n is 128 + n

ORDERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ONE_ORDER_S = 2.0  # within it, a further signal repeats the order that is being followed

_FORWARDED = frozenset(ORDERS)
_WATCHED = _FORWARDED | {signal.SIGCHLD}
_SI_KERNEL = 0x80
_PR_SET_PDEATHSIG = 1


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM, SIGHUP); unwinds as Ctrl-C does, so one `except` serves both."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum


def supervise(body: Callable[[], int]) -> NoReturn:
    """Run `body` in a child and exit with its exit code, or with 2 and one line when the engine killed it.

    Costs one fork (1 ms). Where no process can be forked, `body` runs unsupervised.
    """
    # While SIGCHLD is ignored, the kernel discards a child's exit code.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        child = os.fork()
    except OSError:
        child = 0
    if child:
        # Nothing is buffered here, and unwinding the interpreter costs milliseconds.
        os._exit(_outlive(child))
    _heed_orders()
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    leave(body())


def die_with_parent() -> None:
    """Have the kernel kill this process when its supervisor dies, so that kill -9 stops a job that writes.

    Costs 7 ms (ctypes), so commands that only read do without.
    """
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def leave(exit_code: int) -> NoReturn:
    """Flush the output and end this process without waiting for its threads."""
    # Every ledger and lock is closed by its own `with`; tearing down the interpreter costs another 10 ms per command.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(exit_code)


def _heed_orders() -> None:
    """Have an order to end raise where this process is, once.

    What is sent to a whole group (`systemctl stop`, `kill -- -N`) comes twice, directly and passed on: the second
    one would raise in the middle of what answers the first.
    """
    heard = -ONE_ORDER_S

    def heed(signum: int, _frame: FrameType | None) -> None:
        nonlocal heard
        now = time.monotonic()
        if now - heard < ONE_ORDER_S:
            return
        heard = now
        raise KeyboardInterrupt if signum == signal.SIGINT else Terminated(signum)

    for signum in ORDERS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, heed)


def _outlive(child: int) -> int:
    """Return the exit code for `child` once it has ended, passing on the signals that arrive meanwhile."""
    pid = status = 0
    while not pid:
        received = signal.sigwaitinfo(_WATCHED)
        if received.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
        # Ctrl-C reaches the whole terminal group: passed on as well, it would interrupt the child's own clean-up.
        elif received.si_code != _SI_KERNEL:
            os.kill(child, received.si_signo)
    exit_code = os.waitstatus_to_exitcode(status)
    if exit_code >= 0:
        return exit_code
    if -exit_code not in CRASHES:
        return SIGNALLED - exit_code
    name = signal.Signals(-exit_code).name
    line = f"error: got {name} from the database engine, want a sound ledger\nhint: main verify --structure\n"
    with suppress(OSError):
        os.write(sys.stderr.fileno(), line.encode())
    return CRITICAL
