"""A long log folded aside, and a long archive read by commands: processor time with children, or what is waited."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from projections.store.replaying import compare, places_beside, replay
from projections.store.runner import rebuild
from tests.benchmarks import commands
from tests.benchmarks.ground import Ground
from tests.benchmarks.measure import Clock, Ratio, Timing, in_turn, over, ratio, spent_s
from tests.benchmarks.report import Limit
from tests.support import memory
from tests.support.mix import TICKERS

REBUILD, CHECK, REPLAY = "rebuild", "rebuild --check", "replay"
COLD, WARM, HASH = "main logs --ledger F, cold", "main logs --ledger F, warm", "SHA-256 of the file"
LOGS, PRICES = ("logs", "--limit", "20"), ("prices",)
MEMORY_LIMIT_MB = 60
WARM_LIMIT_S = 0.3
MEGABYTE = 1_000_000


def folding(ground: Ground, *, rounds: int, clock: Clock = spent_s) -> tuple[dict[str, Timing], list[Ratio]]:
    """Rebuild all read models, hold what is stored against the log, and replay it, in turn."""
    with ground.open() as log:
        places = places_beside(log.folder)

        def check() -> None:
            assert compare(log, log.folder, places=places) == []

        timings = in_turn(
            {
                REBUILD: lambda: rebuild(log, log.folder),
                CHECK: check,
                REPLAY: lambda: replay(log, places=places),
            },
            units=log.head().size,
            unit="events",
            rounds=rounds,
            clock=clock,
        )
    what = f"folded aside, {ground.name}"
    return timings, [ratio(timings, CHECK, REBUILD, what=what, want=0.8), ratio(timings, REPLAY, REBUILD, what=what)]


def fold_peaks(ground: Ground) -> Iterator[Limit]:
    """Yield the most anonymous memory of a check and of a replay."""
    for args in (("rebuild", "--check"), ("replay",)):
        peak_bytes = commands.peak_anonymous_bytes(ground, args)
        what = f"main {' '.join(args)}, {ground.name}"
        yield Limit(what=what, value=peak_bytes / MEGABYTE, unit="MB", limit=MEMORY_LIMIT_MB)


def reading(
    archive: Path, folder: Path, *, name: str, rounds: int, clock: Clock = spent_s
) -> tuple[dict[str, Timing], list[Ratio]]:
    """Ask an archive for a ticker's last log entries: nothing kept of it, all kept of it; and hash it, in turn."""
    cache = folder / "cache"

    def cold() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        _ask(archive, cache)

    timings = in_turn(
        {COLD: cold, WARM: lambda: _ask(archive, cache), HASH: lambda: _hash(archive)},
        units=archive.stat().st_size // MEGABYTE,
        unit="MB",
        rounds=rounds,
        clock=clock,
    )
    what = f"archive asked, {name}"
    return timings, [ratio(timings, one, HASH, what=what) for one in (COLD, WARM)]


def over_the_hash(archive: Path, folder: Path, args: Sequence[str], *, name: str, rounds: int) -> Iterator[Limit]:
    """Yield how much longer a warm question takes than to hash the archive: what both cores do, then what is waited."""
    cache = folder / "cache"
    for clock, counted in ((spent_s, "processor time"), (time.perf_counter, "waited")):
        timings = in_turn(
            {WARM: lambda: _ask(archive, cache, args), HASH: lambda: _hash(archive)},
            units=archive.stat().st_size // MEGABYTE,
            unit="MB",
            rounds=rounds,
            clock=clock,
        )
        what = f"main {args[0]} --ledger F, warm, over the SHA-256 of the file, {name}, {counted}"
        yield Limit(what=what, value=over(timings, WARM, HASH), unit="s", limit=WARM_LIMIT_S)


def reading_peaks(archive: Path, folder: Path, *, name: str) -> Iterator[Limit]:
    """Yield the most anonymous memory of the same question, cold and warm."""
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    for what in (COLD, WARM):
        words, env = _question(archive, cache)
        peak_bytes = memory.peak_anonymous_bytes(words, cwd=folder, env=env)
        yield Limit(what=f"{what}, {name}", value=peak_bytes / MEGABYTE, unit="MB", limit=MEMORY_LIMIT_MB)


def _question(archive: Path, cache: Path, args: Sequence[str] = LOGS) -> tuple[list[str], dict[str, str]]:
    words = [sys.executable, "-m", "cli", *args, "--ledger", str(archive), "--ticker", TICKERS[0]]
    # As installed: pip compiles what it installs, whatever this shell says of byte code.
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return words, {**inherited, "XDG_CACHE_HOME": str(cache)}


def _ask(archive: Path, cache: Path, args: Sequence[str] = LOGS) -> None:
    words, env = _question(archive, cache, args)
    subprocess.run(words, env=env, stdout=subprocess.DEVNULL, check=True)


def _hash(archive: Path) -> None:
    with archive.open("rb", buffering=0) as file:
        hashlib.file_digest(file, "sha256")
