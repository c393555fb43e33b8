"""A backup of everything, made and verified, beside a plain copy of the same bytes and their SHA-256."""

import hashlib
import os
import shutil
from itertools import count
from pathlib import Path

from tests.benchmarks import commands
from tests.benchmarks.ground import Ground
from tests.benchmarks.measure import Ratio, Timing, in_turn, ratio

CREATE, CREATE_AND_VERIFY, COPY = "main backup --create", "main backup --create --verify", "cp, fsync and SHA-256"


def backing_up(ground: Ground, folder: Path, *, rounds: int) -> tuple[dict[str, Timing], list[Ratio]]:
    """Back the ledger up by the command, and copy and hash a file of as many bytes, in turn."""
    numbers = count()
    first = folder / "first.db"
    commands.run(ground, ("backup", "--create", "--out", str(first)))

    def back_up(*more: str) -> None:
        path = folder / f"{next(numbers)}.db"
        commands.run(ground, ("backup", "--create", "--out", str(path), *more))
        path.unlink()

    def copy() -> None:
        path = folder / "copy.db"
        shutil.copyfile(first, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
            hashlib.file_digest(file, "sha256")

    timings = in_turn(
        {CREATE: back_up, CREATE_AND_VERIFY: lambda: back_up("--verify"), COPY: copy},
        units=first.stat().st_size // 1_000_000,
        unit="MB",
        rounds=rounds,
    )
    what = f"backup, {ground.name}"
    return timings, [ratio(timings, name, COPY, what=what) for name in (CREATE, CREATE_AND_VERIFY)]
