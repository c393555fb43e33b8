"""The long form: `python -m tests.kills --what append --rounds 10000 --seed 1`; non-zero exit on any violation."""

import secrets
import sys
import tempfile
from pathlib import Path

import click
import msgspec

from tests.kills import appends, checkpoints, commands, imports

CAMPAIGNS = {
    "append": appends.campaign,
    "cli": commands.campaign,
    "import": imports.campaign,
    "publish": checkpoints.publishing,
    "stamp": checkpoints.stamping,
}


@click.command()
@click.option("--what", type=click.Choice(sorted(CAMPAIGNS)), default="append", show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--seed", type=int, help="Names the events, the instants and who is killed; drawn when not given.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the counts there too.")
@click.option("--keep", type=click.Path(path_type=Path), help="Work there, so that a broken ledger can be looked at.")
def main(what: str, rounds: int, seed: int | None, file: Path | None, keep: Path | None) -> None:
    """Kill writers at random instants and check every promise after each kill."""
    seed = secrets.randbits(32) if seed is None else seed
    click.echo(f"python -m tests.kills --what {what} --rounds {rounds} --seed {seed}", err=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        tally = CAMPAIGNS[what](rounds, seed, keep or Path(scratch))
    click.echo(tally.table())
    for violation in tally.violations:
        click.echo(violation, err=True)
    if file is not None:
        file.write_bytes(msgspec.json.encode(tally) + b"\n")
    sys.exit(0 if tally.passed else 1)


if __name__ == "__main__":
    main()
