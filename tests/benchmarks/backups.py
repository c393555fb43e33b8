"""An archive made, proved, verified and restored, beside the least that must be done to its bytes."""

import hashlib
import os
import shutil
import struct
import time
from collections.abc import Iterator, Sequence
from itertools import chain, count, islice
from pathlib import Path

import lmdb
from blake3 import blake3
from msgspec.structs import replace

from ledger.backup.archive_log import archive_log
from ledger.backup.frames import HEADER
from ledger.backup.restore_build import fill, new_engine
from ledger.backup.verify import verify_archive
from ledger.chain import GENESIS
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.benchmarks import commands
from tests.benchmarks.ground import Ground
from tests.benchmarks.measure import Clock, Ratio, Timing, in_turn, ratio, spent_s
from tests.benchmarks.report import Limit
from tests.support import mix

CREATE, CREATE_AND_VERIFY = "main backup --create --full", "main backup --create --full --verify"
INCREMENTAL, COPY = "main backup --create, 1,000 new events", "cp, fsync and SHA-256"
NEW_EVENTS = 1_000
VERIFY, BARE_LOOP = "verify an archive", "bare loop: frames, BLAKE3, SHA-256"
RESTORE, BARE_PUTS = "restore an archive's events", "bare LMDB puts"
FRAME = struct.Struct(">I32s")
PUTS_A_TRANSACTION = 10_000
MAP_BYTES = 4 * 1024**3
MEGABYTE = 1_000_000


def backing_up(
    ground: Ground, folder: Path, *, rounds: int, clock: Clock = spent_s
) -> tuple[dict[str, Timing], list[Ratio]]:
    """Back the ledger up by the command, and copy and hash a file of as many bytes, in turn."""
    grow(ground, 1)  # a ledger that the clock left far behind records no backup
    numbers, first = count(), back_up(ground, folder / "first.db")
    earlier = folder / "daily"
    earlier.mkdir()
    back_up(ground, earlier / "earlier.db")
    grow(ground, NEW_EVENTS)

    def back_up_whole(*more: str) -> None:
        path = folder / f"{next(numbers)}.db"
        commands.run(ground, ("backup", "--create", "--out", str(path), *more))
        path.unlink()

    def back_up_daily() -> None:
        path = earlier / f"{next(numbers)}.db"
        commands.run(ground, ("backup", "--create", "--out", str(path)))
        path.unlink()

    timings = in_turn(
        {
            CREATE: lambda: back_up_whole("--full"),
            CREATE_AND_VERIFY: lambda: back_up_whole("--full", "--verify"),
            INCREMENTAL: back_up_daily,
            COPY: lambda: _copy(first, folder / "copy.db"),
        },
        units=first.stat().st_size // MEGABYTE,
        unit="MB",
        rounds=rounds,
        clock=clock,
    )
    what, wanted = f"backup, {ground.name}", {CREATE: 0.25, CREATE_AND_VERIFY: None, INCREMENTAL: 0.6}
    return timings, [ratio(timings, name, COPY, what=what, want=want) for name, want in wanted.items()]


def reading_back(
    ground: Ground, folder: Path, *, rounds: int, clock: Clock = spent_s
) -> tuple[dict[str, Timing], list[Ratio]]:
    """Verify an archive and put its events into a database, each beside the bare calls, in turn."""
    path = back_up(ground, folder / "read.db")
    archive = archive_log(path)

    def restore() -> None:
        engine = new_engine(_emptied(folder / "restored"), archive)
        fill(engine, archive)
        engine.close()

    timings = in_turn(
        {
            VERIFY: lambda: verify_archive(path),
            BARE_LOOP: lambda: _verify_barely(path),
            RESTORE: restore,
            BARE_PUTS: lambda: _put_barely(path, _emptied(folder / "puts")),
        },
        units=archive.head().size,
        unit="events",
        rounds=rounds,
        clock=clock,
    )
    what = f"archive, {ground.name}"
    return timings, [
        ratio(timings, VERIFY, BARE_LOOP, what=what),
        ratio(timings, RESTORE, BARE_PUTS, what=what, want=0.9),
    ]


def peaks(grounds: Sequence[Ground], folder: Path) -> list[Limit]:
    """Return the most anonymous memory of one process, of each command that goes over a whole archive."""
    return [limit for ground in grounds for limit in _peaks(ground, folder / f"peaks-{ground.events}")]


def _peaks(ground: Ground, folder: Path) -> Iterator[Limit]:
    folder.mkdir()
    path = folder / "a.db"
    elsewhere = replace(ground, home=LedgerHome(_emptied(folder / "home")))
    for name, place, args in (
        (CREATE_AND_VERIFY, ground, ("backup", "--create", "--full", "--out", str(path), "--verify")),
        ("main verify FILE", ground, ("verify", str(path))),
        ("main backup --restore", elsewhere, ("backup", "--restore", "--from", str(path))),
    ):
        peak_bytes = commands.peak_anonymous_bytes(place, args)
        yield Limit(what=f"{name}, {ground.name}", value=peak_bytes / MEGABYTE, unit="MB")


def back_up(ground: Ground, path: Path) -> Path:
    """Return a backup of the ground that is now at `path`."""
    commands.run(ground, ("backup", "--create", "--out", str(path)))
    return path


def grow(ground: Ground, events: int) -> None:
    """Append small events, recorded now."""
    with EventLog(ground.home, now=lambda: time.time_ns() // 1000) as log:
        log.append(list(chain.from_iterable(mix.small(events))), append_id=append_id(f"new/{log.head().size}"))


def _copy(path: Path, to: Path) -> None:
    shutil.copyfile(path, to)
    with to.open("rb") as file:
        os.fsync(file.fileno())
        hashlib.file_digest(file, "sha256")


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _frames(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield link and body of each frame, as a page of the format's description would have it read."""
    with path.open("rb") as file:
        file.read(len(HEADER))
        while head := file.read(FRAME.size):
            body_bytes, link = FRAME.unpack(head)
            yield link, file.read(body_bytes)


def _verify_barely(path: Path) -> None:
    hasher, prev = blake3(), bytes(GENESIS)
    for link, body in _frames(path):
        hasher.reset()
        hasher.update(prev + body)
        prev = hasher.digest()
        assert prev == link
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def _put_barely(path: Path, folder: Path) -> None:
    frames = enumerate(_frames(path))
    with lmdb.open(str(folder), max_dbs=1, map_size=MAP_BYTES) as env:
        database = env.open_db(b"events")
        while batch := [
            (seq.to_bytes(8, "big"), link + body) for seq, (link, body) in islice(frames, PUTS_A_TRANSACTION)
        ]:
            with env.begin(write=True) as txn:
                txn.cursor(db=database).putmulti(batch, append=True)
