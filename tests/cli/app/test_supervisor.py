"""The parent tells apart an exit code, a signal from a person and a death by a damaged database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY

PRELUDE = "import os, signal, sys, time\nfrom cli.app.supervisor import *\n"


def start(body: str) -> "subprocess.Popen[str]":
    """Return a process that supervises the statements in `body`, its output piped."""
    statements = "\n".join(f"    {line}" for line in body.splitlines())
    program = f"{PRELUDE}def body():\n{statements}\nsupervise(body)\n"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of `process`."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture(autouse=True)
def _hangups_end_a_process() -> Iterator[None]:
    """Whoever runs the tests under nohup ignores SIGHUP, and so would every process that a test starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 130])
def test_the_childs_exit_code_is_the_exit_code(code: int) -> None:
    """What the body returns is what the shell sees."""
    assert (code, "said\n", "") == finish(start(f"print('said')\nreturn {code}"))


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE"])
def test_a_crash_of_the_engine_is_one_line_and_exit_2(name: str) -> None:
    """No damaged file ends the command line with a signal."""
    line = f"error: got {name} from the database engine, want a sound ledger\nhint: main verify --structure\n"
    assert (2, "", line) == finish(start(f"os.kill(os.getpid(), signal.{name})"))


def test_another_death_by_signal_exits_128_plus_its_number() -> None:
    """A person's kill -9 of the child is not taken for a damaged database."""
    assert (137, "", "") == finish(start("os.kill(os.getpid(), signal.SIGKILL)"))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_sent_to_the_parent_reaches_the_child_as_an_interrupt(signum: signal.Signals) -> None:
    """The child unwinds as for Ctrl-C, once, and its own exit code stands."""
    process = start(
        "try:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(20)\n"
        "except KeyboardInterrupt as order:\n"
        "    print(getattr(order, 'signum', signal.SIGINT))\n"
        "    return 7"
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    process.send_signal(signum)
    assert (7, f"{int(signum)}\n", "") == finish(process)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_order_to_the_whole_group_is_one_order(signum: signal.Signals) -> None:
    """It arrives directly and passed on; what answers it is not interrupted by itself."""
    process = start(
        "try:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(20)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(0.5)\n"
        "    os.kill(os.getppid(), signal.SIGTERM)\n"
        "    time.sleep(0.5)\n"
        "    return 7"
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    os.killpg(process.pid, signum)
    assert (7, "", "") == finish(process)


def test_a_later_order_is_another_one() -> None:
    """Whoever sees that the first one is not followed gives it again."""
    process = start(
        "import cli.app.supervisor\n"
        "cli.app.supervisor.ONE_ORDER_S = 0.2\n"
        "try:\n"
        "    try:\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(20)\n"
        "    except KeyboardInterrupt:\n"
        "        time.sleep(0.3)\n"
        "        print('at it', flush=True)\n"
        "        time.sleep(20)\n"
        "except KeyboardInterrupt:\n"
        "    return 7"
    )
    assert process.stdout is not None
    for said in ("ready\n", "at it\n"):
        assert said == process.stdout.readline()
        process.send_signal(signal.SIGINT)
    assert (7, "", "") == finish(process)


def test_a_child_that_dies_with_its_parent_outlives_it_by_no_work() -> None:
    """Kill -9 of the process that a person sees ends the one that writes."""
    process = start("die_with_parent()\nprint(os.getpid(), flush=True)\ntime.sleep(20)\nreturn 0")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=60)
    assert is_gone_within(child, seconds=5)


def is_gone_within(pid: int, *, seconds: float) -> bool:
    """Return whether the process ends (or is a corpse nobody buried) in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.01)
    return False


def test_an_ignored_hangup_stays_ignored() -> None:
    """Under nohup a hangup is passed on, and ignored."""
    ignore = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("print('ready', flush=True)\ntime.sleep(0.3)\nreturn 0")
    finally:
        signal.signal(signal.SIGHUP, ignore)
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    assert (0, "", "") == finish(process)
