"""What each section of the pages for operators finds before its first command: a folder, and what went wrong in it.

A scene is real: the ledger comes from runs of `main` against a Yahoo on loopback, and what is broken was broken on
disk. The clock stands still, so that the page can show its times.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial, reduce
from pathlib import Path

import lmdb
import msgspec
import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.test_crash import die_at
from tests.e2e.workplace import Workplace, at
from tests.support.yahoo_series import correct, make_series
from tests.support.yahoo_server import REQUESTS_A_REFUSAL, Fault, Hang, Reset, Status, YahooServer

ALL = ("--tickers-file", "carteira.txt", "--jobs", "1")  # one at a time: the same seqs each time
TICKERS = ("PETR4.SA", "VALE3.SA")
NOW = datetime(2026, 2, 13, 23, tzinfo=UTC)  # a Friday, eight in the evening in São Paulo: its session is final
DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 13)))
# In a mount namespace of its own, so that nothing stays mounted; `dd` ends when the disk is full.
SMALL_DISK = """
mv dados kept && mkdir dados && mount -t tmpfs -o size=1m tmpfs dados && cp -a kept/. dados/ && rm -r kept
dd if=/dev/zero of=dados/antigo.log bs=4096 2>/dev/null
exec "$@"
"""
HOLDER_TIMEOUT_S = 60.0


class Scene(msgspec.Struct, frozen=True):
    """Where a section is played, the settings it gets, and the command under which its shell runs."""

    cwd: Path
    env: Mapping[str, str] = {}
    under: Sequence[str] = ()


Setup = Callable[[Path], AbstractContextManager[Scene]]


@contextmanager
def empty(folder: Path) -> Iterator[Scene]:
    """Give a folder with nothing in it, and no settings."""
    yield Scene(folder)


@contextmanager
def serving(folder: Path, *, ingested: datetime = NOW, faults: Sequence[Fault] = ()) -> Iterator[Scene]:
    """Give a ledger of both tickers, last ingested then; from now on PETR4 suffers `faults`."""
    with _served(folder, ingested, faults) as (scene, _):
        yield scene


@contextmanager
def backed_up(folder: Path) -> Iterator[Scene]:
    """Give a ledger with a backup of its first day, and a head that was saved after it."""
    with serving(folder, ingested=NOW - timedelta(days=1)) as scene:
        place = Workplace(folder, None, **scene.env)
        for args in (("backup", "--create"), ALL, ("metrics",)):
            done = place.run(*args)
            assert done.code == 0, done.err
        yield scene


@contextmanager
def damaged_backup(folder: Path) -> Iterator[Scene]:
    """Give a ledger with a backup, one bit of whose file turned since."""
    with backed_up(folder) as scene:
        (backup,) = (folder / "backups").glob("*.db")
        data = bytearray(backup.read_bytes())
        data[len(data) // 2] ^= 1
        backup.write_bytes(data)
        yield scene


@contextmanager
def dirty(folder: Path) -> Iterator[Scene]:
    """Give a ledger of the day before; of the last day Yahoo now sends a close of PETR4 above its high."""
    with YahooServer() as server:
        place = _place(folder, server)
        _ingest(place, server, NOW - timedelta(days=1))
        server.series[TICKERS[0]] = correct(server.series[TICKERS[0]], DAYS[-1], close=99.0)
        yield Scene(folder, place.settings)


@contextmanager
def nonsense(folder: Path) -> Iterator[Scene]:
    """Give a ledger of the day before; of PETR4's last three days Yahoo now sends closes above their highs."""
    with YahooServer() as server:
        place = _place(folder, server)
        _ingest(place, server, NOW - timedelta(days=1))
        sound = server.series[TICKERS[0]]
        server.series[TICKERS[0]] = reduce(partial(correct, close=99.0), DAYS[-3:], sound)
        yield Scene(folder, place.settings)


@contextmanager
def pending(folder: Path) -> Iterator[Scene]:
    """Give a ledger of the day before, and PETR4's last day as a run got it that was killed before it judged."""
    with serving(folder, ingested=NOW - timedelta(days=1)) as scene:
        die_at(Workplace(folder, None, **scene.env), "ledger.ingest.rules.judge:judge", "--ticker", TICKERS[0])
        yield scene


@contextmanager
def altered_snapshot(folder: Path) -> Iterator[Scene]:
    """Give a ledger in service one of whose CSVs somebody edited."""
    with serving(folder) as scene:
        csv = folder / "snapshots" / "PETR4-20260213.csv"
        lines = csv.read_text("ascii").splitlines(keepends=True)
        lines[3] = lines[3].replace(",", ",9", 1)
        csv.write_text("".join(lines), "ascii")
        yield scene


@contextmanager
def tampered(folder: Path) -> Iterator[Scene]:
    """Give a ledger with a backup, one bit of whose event 3 was changed since."""
    with backed_up(folder) as scene:
        with lmdb.open(str(_ledger(folder)), max_dbs=3) as env:
            events = env.open_db(b"events")
            with env.begin(write=True, db=events) as txn:
                value = bytearray(txn.get((3).to_bytes(8, "big")))
                value[-1] ^= 1
                txn.put((3).to_bytes(8, "big"), bytes(value))
        yield scene


@contextmanager
def rolled_back(folder: Path) -> Iterator[Scene]:
    """Give a ledger whose database file was replaced by one of the day before."""
    with serving(folder, ingested=NOW - timedelta(days=1)) as scene:
        older = shutil.copy(_ledger(folder) / "data.mdb", folder / "older")
        for args in (ALL, ("metrics",)):
            done = Workplace(folder, None, **scene.env).run(*args)
            assert done.code == 0, done.err
        Path(older).replace(_ledger(folder) / "data.mdb")
        yield scene


@contextmanager
def forked(folder: Path) -> Iterator[Scene]:
    """Give a ledger with a saved head and a backup of today, whose database is a second machine's.

    That one restored yesterday's backup and went on by itself.
    """
    with serving(folder, ingested=NOW - timedelta(days=1)) as scene:
        here, there = (Workplace(folder, None, **scene.env, DATA_DIR=f"./{name}") for name in ("dados", "outra"))
        for place, args in (
            (here, ("backup", "--create", "--out", "ontem.db")),
            (there, ("backup", "--restore", "--from", "ontem.db")),
            (here, ALL),
            (here, ("verify", "--save-head", "cabeca.json")),
            (here, ("backup", "--create")),
            (there, ALL),
            (there, ALL),
        ):
            done = place.run(*args)
            assert done.code == 0, done.err
        (folder / "outra" / "ledger-1" / "data.mdb").replace(_ledger(folder) / "data.mdb")
        shutil.rmtree(folder / "outra")
        yield scene


@contextmanager
def unreadable(folder: Path) -> Iterator[Scene]:
    """Give a ledger with a backup, whose database file lost its second half."""
    with backed_up(folder) as scene:
        data = _ledger(folder) / "data.mdb"
        with data.open("r+b") as file:
            file.truncate(data.stat().st_size // 2)
        yield scene


@contextmanager
def full_disk(folder: Path) -> Iterator[Scene]:
    """Give a ledger on a small disk that one other file has filled; skip where this user may not mount one."""
    tried = ("unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt")
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here: a full disk cannot be made")
    with serving(folder, ingested=NOW - timedelta(days=1)) as scene:
        yield Scene(folder, scene.env, ("unshare", "-rm", "sh", "-c", SMALL_DISK, "sh"))


@contextmanager
def locked(folder: Path) -> Iterator[Scene]:
    """Give a ledger in service, and a run that waits for Yahoo and holds PETR4's lock meanwhile."""
    with _served(folder, NOW - timedelta(days=1), [Hang()]) as (scene, server):
        place = Workplace(folder, None, **{**scene.env, "ADAPTER_TIMEOUT_SECONDS": "600"})
        holder = place.start("--ticker", "PETR4")
        try:
            _await_hanging(server)
            yield scene
        finally:
            holder.kill()
            holder.communicate()


@contextmanager
def two_machines(folder: Path) -> Iterator[Scene]:
    """Give the folder of an old machine with its ledger, and beside it that of a new one."""
    (folder / "antiga").mkdir()
    (folder / "nova").mkdir()
    with serving(folder / "antiga") as scene:
        yield msgspec.structs.replace(scene, cwd=folder)


@contextmanager
def committed(folder: Path) -> Iterator[Scene]:
    """Give a repository with a backup and the snapshots that it tells of, no settings, and no ledger."""
    repository = folder / "repository"
    (repository / "ci").mkdir(parents=True)
    with serving(folder) as scene:
        done = Workplace(folder, None, **scene.env).run("backup", "--create", "--out", "repository/ci/ledger.db")
        assert done.code == 0, done.err
    (folder / "snapshots").rename(repository / "snapshots")
    yield Scene(repository, {"LC_ALL": "C"})


@contextmanager
def _served(folder: Path, ingested: datetime, faults: Sequence[Fault]) -> Iterator[tuple[Scene, YahooServer]]:
    with YahooServer() as server:
        place = _place(folder, server)
        _ingest(place, server, ingested)
        server.faults[TICKERS[0]] = list(faults)
        yield Scene(folder, place.settings), server


def _place(folder: Path, server: YahooServer) -> Workplace:
    server.series = {ticker: make_series(DAYS, seed=seed) for seed, ticker in enumerate(TICKERS)}
    (folder / "carteira.txt").write_text("".join(f"{ticker}\n" for ticker in TICKERS))
    return Workplace(folder, server, B3_LEDGER_NOW=at(NOW), LC_ALL="C", LOG_LEVEL="ERROR")


def _ingest(place: Workplace, server: YahooServer, moment: datetime) -> None:
    server.now = moment
    done = place.run(*ALL, B3_LEDGER_NOW=at(moment))
    assert done.code == 0, done.err
    server.now = NOW


def _ledger(folder: Path) -> Path:
    return folder / "dados" / "ledger-1"


def _await_hanging(server: YahooServer) -> None:
    # A run that is killed before it asks would leave the fault to the next one.
    limit = time.monotonic() + HOLDER_TIMEOUT_S
    while server.faults[TICKERS[0]]:
        assert time.monotonic() < limit, "no run asked"
        time.sleep(0.02)


def _refusals(count: int) -> list[Fault]:
    return [Status(code=429, retry_after="900", times=REQUESTS_A_REFUSAL * count)]


SETUPS: Mapping[str, Setup] = {
    "empty": empty,
    "serving": serving,
    "late": partial(serving, ingested=NOW - timedelta(days=3)),
    "limited": partial(serving, ingested=NOW - timedelta(days=1), faults=_refusals(2)),
    "unreachable": partial(serving, ingested=NOW - timedelta(days=1), faults=[Reset(times=None)]),
    "dirty": dirty,
    "nonsense": nonsense,
    "pending": pending,
    "damaged-backup": damaged_backup,
    "altered-snapshot": altered_snapshot,
    "tampered": tampered,
    "rolled-back": rolled_back,
    "forked": forked,
    "unreadable": unreadable,
    "full-disk": full_disk,
    "locked": locked,
    "two-machines": two_machines,
    "committed": committed,
}
