"""The real command line in a process of its own, as a person or a script runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cli.app.settings import REGISTRY

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60.0


class Result(msgspec.Struct, frozen=True):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def lines(self) -> list[Any]:
        """Return the JSON objects on stdout, one a line."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


def command(*args: str) -> list[str]:
    """Return the words that start `main` on `args`, for a test that needs the process itself."""
    return [sys.executable, "-m", "cli", *args]


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment with no setting of its own but those in `env`."""
    names = {setting.name for setting in REGISTRY}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    return {**inherited, "PYTHONPATH": str(REPOSITORY), **(env or {})}


def run_main(*args: str, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> Result:
    """Run `main` on `args` in the folder `cwd`, with only the settings in `env`, and return how it ended."""
    return _run(command(*args), cwd, env, timeout_s)


def cut_short(*args: str, cwd: Path, env: Mapping[str, str], order: signal.Signals, after_s: float) -> None:
    """Run `main` on `args`, and give it and whatever it started this `order` where it has not ended by itself."""
    process = subprocess.Popen(
        command(*args),
        cwd=cwd,
        env=environment(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after_s)
    if process.poll() is None:
        os.killpg(process.pid, order)
    process.wait()


def run_code(code: str, *, cwd: Path) -> Result:
    """Run a program of Python in the folder `cwd`, with no setting, and return how it ended."""
    return _run([sys.executable, "-c", code], cwd, None, TIMEOUT_S)


def _run(words: list[str], cwd: Path, env: Mapping[str, str] | None, timeout_s: float) -> Result:
    done = subprocess.run(words, cwd=cwd, env=environment(env), capture_output=True, timeout=timeout_s, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
