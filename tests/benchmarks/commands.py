"""Whole commands: wall time beside the bare imports in turn, and the anonymous memory they come to hold."""

import os
import subprocess
import sys
from collections.abc import Sequence

from tests.benchmarks.ground import Ground
from tests.benchmarks.measure import Timing, in_turn
from tests.support import memory

IMPORTS = "bare imports"
BARE = (sys.executable, "-c", "import click, msgspec, lmdb, blake3")
QUICK = {
    "main metrics": ("metrics",),
    "main logs --ticker T --limit 20": ("logs", "--ticker", "VALE3.SA", "--limit", "20"),
    "main health": ("health",),
}
# 1 and 2 are what metrics says of a ledger whose last ingest failed, or is years ago.
MEASURED_CODES = frozenset({0, 1, 2})


def quick(ground: Ground, *, rounds: int) -> dict[str, Timing]:
    """Time the commands that monitoring and people run all day, and the bare imports, in turn."""
    contestants = {name: (lambda args=args: run(ground, args)) for name, args in QUICK.items()}
    return in_turn(
        {IMPORTS: lambda: subprocess.run(BARE, check=True), **contestants}, units=1, unit="runs", rounds=rounds
    )


def verify(ground: Ground, *, rounds: int) -> dict[str, Timing]:
    """Time `main verify`, start-up and all."""
    return in_turn({"main verify": lambda: run(ground, ("verify",))}, units=1, unit="runs", rounds=rounds)


def peak_anonymous_bytes(ground: Ground, args: Sequence[str]) -> int:
    """Return the most RssAnon that one process of the command was seen to hold."""
    return memory.peak_anonymous_bytes(
        _command(args), cwd=ground.home.root, env=_environment(ground), codes=MEASURED_CODES
    )


def run(ground: Ground, args: Sequence[str]) -> None:
    """Run one command on the ledger of `ground`, to its end."""
    done = subprocess.run(_command(args), env=_environment(ground), stdout=subprocess.DEVNULL, check=False)
    assert done.returncode in MEASURED_CODES, done


def _command(args: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "cli", *args]


def _environment(ground: Ground) -> dict[str, str]:
    # As installed: pip compiles what it installs, whatever this shell says of byte code.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "DATA_DIR": os.path.abspath(ground.home.root), "LOG_LEVEL": "INFO"}
