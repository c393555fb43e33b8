"""Whole commands: wall time beside the bare imports in turn, and the anonymous memory they come to hold."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.ground import Ground
from tests.benchmarks.measure import Timing, in_turn

IMPORTS = "bare imports"
BARE = (sys.executable, "-c", "import click, msgspec, lmdb, blake3")
QUICK = {
    "main metrics": ("metrics",),
    "main logs --ticker T --limit 20": ("logs", "--ticker", "VALE3.SA", "--limit", "20"),
    "main health": ("health",),
}
POLL_S = 0.001


def quick(ground: Ground, *, rounds: int) -> dict[str, Timing]:
    """Time the commands that monitoring and people run all day, and the bare imports, in turn."""
    contestants = {name: (lambda args=args: _run(ground, args)) for name, args in QUICK.items()}
    return in_turn(
        {IMPORTS: lambda: subprocess.run(BARE, check=True), **contestants}, units=1, unit="runs", rounds=rounds
    )


def verify(ground: Ground, *, rounds: int) -> dict[str, Timing]:
    """Time `main verify`, start-up and all."""
    return in_turn({"main verify": lambda: _run(ground, ("verify",))}, units=1, unit="runs", rounds=rounds)


def peak_anonymous_bytes(ground: Ground, args: Sequence[str]) -> int:
    """Return the most RssAnon that one process of the command was seen to hold, looked at every millisecond."""
    process = subprocess.Popen(_command(args), env=_environment(ground), stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, *(_anonymous(pid) for pid in _family(process.pid)))
        time.sleep(POLL_S)
    return peak


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return [pid]
    return [pid, *(grandchild for child in children for grandchild in _family(int(child)))]


def _anonymous(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)


def _run(ground: Ground, args: Sequence[str]) -> None:
    done = subprocess.run(_command(args), env=_environment(ground), stdout=subprocess.DEVNULL, check=False)
    # 2 is what metrics says of a ledger whose last ingest is years ago.
    assert done.returncode in {0, 1, 2}, done


def _command(args: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "cli", *args]


def _environment(ground: Ground) -> dict[str, str]:
    # As installed: pip compiles what it installs, whatever this shell says of byte code.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "DATA_DIR": str(ground.home.root), "LOG_LEVEL": "INFO"}
