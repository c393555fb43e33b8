"""Checkpoints signed and proofs made: what a first one costs, what 1,000 more events add, and the memory of both.

`python -m tests.benchmarks.checkpoints` measures these alone, in processor time, which other work does not lengthen.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

import click
from msgspec.structs import replace

from ledger.checkpoint.key_file import write_key
from ledger.checkpoint.note import new_key
from ledger.checkpoint.proving import FromTiles, prove, prove_extension
from ledger.checkpoint.published import Published
from ledger.checkpoint.signing import Publishing, Signed, sign_checkpoint
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.benchmarks import commands, ground
from tests.benchmarks.ground import Ground
from tests.benchmarks.report import Limit
from tests.support.drafts import JOB, connection_tested

T = TypeVar("T")

KEY = new_key("benchmark")
MORE = 1_000
FIRST_LIMIT_S, MORE_LIMIT_S, PROOF_LIMIT_S = 1.5, 0.1, 0.005
MEGABYTE = 1_000_000


def figures(measured: Ground, folder: Path, *, rounds: int) -> list[Limit]:
    """Sign a copy of the ledger, then what came after, and prove; medians over the rounds, of processor time."""
    home = LedgerHome(folder / "home")
    shutil.copytree(measured.home.root, home.root)
    firsts, agains, mores, proofs, extensions = (list[float]() for _ in range(5))
    with replace(measured, home=home).open() as log:
        for number in range(rounds):
            out = folder / f"out-{number}"
            _, took_s = _timed(lambda out=out: _sign(log, out))
            firsts.append(took_s)
            old, took_s = _timed(lambda out=out: _sign(log, out))
            agains.append(took_s)
            size = log.head().size
            log.append([connection_tested(at) for at in range(MORE)], append_id=append_id(f"more/{size}"))
            new, took_s = _timed(lambda out=out: _sign(log, out))
            mores.append(took_s)
            proofs.append(_timed(lambda out=out, new=new: _prove(log, out, new))[1])
            source = FromTiles(Published(out))
            extensions.append(
                _timed(lambda a=old, b=new, s=source: prove_extension(a.statement, b.statement, source=s))[1]
            )
    added_s = max(median(mores) - median(agains), 0.0)
    name = measured.name
    return [
        Limit(what=f"first checkpoint, {name}", value=median(firsts), unit="s", limit=FIRST_LIMIT_S),
        Limit(what=f"reading all again, nothing new, {name}", value=median(agains), unit="s"),
        Limit(what=f"{MORE:,} events more, over reading again, {name}", value=added_s, unit="s", limit=MORE_LIMIT_S),
        Limit(what=f"inclusion proof from tiles, {name}", value=median(proofs), unit="s", limit=PROOF_LIMIT_S),
        Limit(what=f"consistency proof from tiles, {name}", value=median(extensions), unit="s", limit=PROOF_LIMIT_S),
    ]


def peaks(grounds: Sequence[Ground], folder: Path) -> list[Limit]:
    """Return the most anonymous memory of one process that signs a first checkpoint, and that verifies at a URL."""
    write_key(folder / "k.key", KEY)
    found = []
    for each in grounds:
        args = ("checkpoint", "--key", str(folder / "k.key"), "--out", str(folder / f"peak-{each.events}"))
        peak_bytes = commands.peak_anonymous_bytes(each, args)
        found.append(Limit(what=f"main checkpoint, {each.name}, peak", value=peak_bytes / MEGABYTE, unit="MB"))
        url = f"file://{folder}/copy-{each.events}"
        commands.run(each, ("backup", "--create", "--to", url))
        peak_bytes = commands.peak_anonymous_bytes(each, ("verify", url))
        found.append(Limit(what=f"main verify URL, {each.name}, peak", value=peak_bytes / MEGABYTE, unit="MB"))
    return found


def _sign(log: EventLog, out: Path) -> Signed:
    return sign_checkpoint(log, KEY, job_id=JOB, lock_timeout_s=5, publishing=Publishing(place=Published(out)))


def _prove(log: EventLog, out: Path, signed: Signed) -> object:
    source = FromTiles(Published(out))
    return prove(log, signed.statement.size // 3, signed.statement, signed.note, source=source, with_body=True)


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    return call(), time.process_time() - started


@click.command()
@click.option("--events", type=int, default=1_000_000, help="Of the large ledger; the small ones have a tenth.")
@click.option("--rounds", type=int, default=3)
def main(events: int, rounds: int) -> None:
    """Measure checkpoints and proofs, and print a line a figure."""
    with tempfile.TemporaryDirectory(prefix="b3-ledger-bench-", dir=".") as name:
        folder = Path(name).absolute()
        fewer = ground.small(folder / "fewer", events // 10)
        usual = ground.realistic(folder / "usual", events // 10)
        many = ground.small(folder / "many", events)
        limits = []
        for number, each in enumerate((fewer, usual, many)):
            (place := folder / f"signed-{number}").mkdir()
            limits += figures(each, place, rounds=rounds)
            shutil.rmtree(place)
        limits += peaks((fewer, many), folder)
    for one in limits:
        click.echo(f"{one.what}: {one.value:.4g} {one.unit}{f' (at most {one.limit:g})' if one.limit else ''}")


if __name__ == "__main__":
    main()
