"""The campaign: `python -m tests.fuzz --full --seed 1`, or one part of it; non-zero exit on any violation."""

import importlib
import secrets
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.faults.tally import Tally

PARTS = {"commands": 60, "charts": 1500, "files": 1500}  # rounds of the short form
VIOLATIONS_SHOWN = 5


@click.command()
@click.option("--only", type=click.Choice(sorted(PARTS)), help="One part.  [default: all, one after the other]")
@click.option("--full", is_flag=True, help="As many rounds as the page of reliability asks for.")
@click.option("--rounds", type=click.IntRange(min=1), help="So many rounds of each part.  [default: a few]")
@click.option("--seed", type=int, help="Of the first round; the next one's is one more. Drawn when not given.")
def main(only: str | None, full: bool, rounds: int | None, seed: int | None) -> None:
    """Throw junk at the command line, at answers and at files, and hold what comes back to the contract."""
    seed = secrets.randbits(31) if seed is None else seed
    click.echo(f"seed {seed}", err=True)
    tallies = []
    for part in [only] if only else PARTS:
        long_rounds: int = importlib.import_module(f"tests.fuzz.{part}").LONG_ROUNDS
        tallies.append(run(part, seed, rounds or (long_rounds if full else PARTS[part])))
    click.echo("| part | seed | what | count |\n|---|---|---|---|")
    for tally in tallies:
        click.echo(tally.table())
        for violation in tally.violations[:VIOLATIONS_SHOWN]:
            click.echo(violation, err=True)
    sys.exit(0 if all(tally.passed for tally in tallies) else 1)


def run(part: str, seed: int, rounds: int) -> Tally:
    """Return what `rounds` rounds of one part came to."""
    tally = Tally(part=part, seed=seed, rounds=rounds, campaign="tests.fuzz")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        importlib.import_module(f"tests.fuzz.{part}").campaign(seed, rounds, Path(scratch), tally)
    tally.seconds = time.perf_counter() - began
    return tally


if __name__ == "__main__":
    main()
