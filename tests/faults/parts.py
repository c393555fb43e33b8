"""A part of the campaign that needs the shim, run as the command line runs it: in a process of its own."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.faults.shim import compiler
from tests.faults.tally import Tally
from tests.support.cli import REPOSITORY, environment


def run_part(part: str, folder: Path, *, seed: int, rounds: int = 1) -> Tally:
    """Return what `rounds` rounds of `part` came to; the test is skipped where there is no C compiler."""
    if compiler() is None:
        pytest.skip("got no C compiler, want one to build the shim that sees system calls")
    file = folder / "tally.json"
    words = ["--only", part, "--seed", str(seed), "--rounds", str(rounds), "--json", str(file)]
    subprocess.run(
        [sys.executable, "-m", "tests.faults", *words],
        cwd=REPOSITORY,
        env=environment({"TMPDIR": str(folder)}),
        capture_output=True,
        timeout=110,
        check=False,
    )
    (tally,) = msgspec.json.decode(file.read_bytes(), type=list[Tally])
    return tally
