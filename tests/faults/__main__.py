"""The campaign: `python -m tests.faults --full --seed 1`, or one part of it; non-zero exit on any violation."""

import importlib
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from tests.faults.shim import NoCompilerError, Shim, ensure
from tests.faults.tally import Tally

VIOLATIONS_SHOWN = 5  # of each part; the counts and the file of --json have them all
SHORT_ROUNDS = {
    "archives": 3,
    "files": 60,
    "fuzz": 20,
    "power_log": 1,
    "power_names": 5,
    "calls": 6,
    "killed": 4,
    "crowd": 1,
    "processes": 1,
    "store": 60,
    "tree": 60,
    "soak": 1,
}
SHIMMED = {"power_log", "power_names", "calls"}  # what sees or fails system calls
UNKNOWN = 3


@click.command()
@click.option("--only", type=click.Choice(sorted(SHORT_ROUNDS)), help="One part.  [default: all, one after the other]")
@click.option("--full", is_flag=True, help="As many rounds as the page of reliability reports.")
@click.option("--rounds", type=click.IntRange(min=1), help="So many rounds of each part.  [default: a few]")
@click.option("--seed", type=int, help="Of the first round; the next one's is one more. Drawn when not given.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the counts there too.")
def main(only: str | None, full: bool, rounds: int | None, seed: int | None, file: Path | None) -> None:
    """Do to ledgers and backups what disks, kernels and killers do, and check every promise each time."""
    seed = secrets.randbits(31) if seed is None else seed
    parts = [only] if only else list(SHORT_ROUNDS)
    shim = _shim(parts, seed)
    click.echo(f"seed {seed}", err=True)
    tallies = [run(part, seed, _rounds(part, rounds, full=full), shim) for part in parts]
    click.echo("| part | seed | what | count |\n|---|---|---|---|")
    for tally in tallies:
        click.echo(tally.table())
    for tally in tallies:
        for violation in tally.violations[:VIOLATIONS_SHOWN]:
            click.echo(violation, err=True)
    if file is not None:
        file.write_bytes(msgspec.json.encode(tallies) + b"\n")
    sys.exit(0 if all(tally.passed for tally in tallies) else 1)


def _shim(parts: Sequence[str], seed: int) -> Shim | None:
    if not SHIMMED.intersection(parts):
        return None
    try:
        return ensure(["-m", "tests.faults", *sys.argv[1:], "--seed", str(seed)])
    except NoCompilerError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(UNKNOWN)


def run(part: str, seed: int, rounds: int, shim: Shim | None) -> Tally:
    """Return what `rounds` rounds of one part came to."""
    tally = Tally(part=part, seed=seed, rounds=rounds)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        given = [shim] if part in SHIMMED else []
        _module(part).campaign(seed, rounds, Path(scratch), tally, *given)
    tally.seconds = time.perf_counter() - began
    return tally


def _module(part: str) -> Any:
    return importlib.import_module(f"tests.faults.{part}")


def _rounds(part: str, rounds: int | None, *, full: bool) -> int:
    if rounds is not None:
        return rounds
    return _module(part).LONG_ROUNDS if full else SHORT_ROUNDS[part]


if __name__ == "__main__":
    main()
