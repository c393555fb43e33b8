"""A backup goes only while a newer one, read again, holds every byte of it, and two sound ones stay."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.backup.create import create_backup
from ledger.backup.prune import Pruned, Retention, choose, held, prune
from ledger.errors import UnwritableError
from ledger.events import BackupPruned
from ledger.files.checksum import checksum_path
from ledger.log_source import events_of
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import PrunedFile
from tests.ledger.backup.test_create import job
from tests.support.drafts import StepClock

DAY_US = 86_400 * 10**6
# Backups by name, and how many days after the first: two of one day, two months.
MADE = {"a.db": 0, "b.db": 0, "c.db": 1, "d.db": 2, "e.db": 40, "f.db": 41}


@pytest.fixture
def folder(log: EventLog, clock: StepClock, tmp_path: Path) -> Path:
    """The backups, each of a log that is longer by the event of the one before."""
    began = clock.now_us
    for number, (name, days) in enumerate(MADE.items()):
        clock.now_us = began + days * DAY_US
        create_backup(log, tmp_path / "backups" / name, job_id=job(number))
    return tmp_path / "backups"


def names(folder: Path) -> list[str]:
    """Return what is in `folder`, by name."""
    return sorted(path.name for path in folder.iterdir())


def whys(found: Pruned) -> dict[str, str]:
    """Return why each file stays, by name; `` for one that goes."""
    return {choice.listed.path.name: choice.kept or "" for choice in found.choices}


def pruned_events(log: EventLog) -> list[BackupPruned]:
    """Return what the log records of backups that were given up."""
    return [event for _, event in events_of(log.read(), BackupPruned)]


@pytest.mark.parametrize(
    ("retention", "staying"),
    [
        (Retention(daily=1), {"e.db": "newest", "f.db": "newest"}),
        (Retention(daily=3), {"d.db": "daily", "e.db": "newest", "f.db": "newest"}),
        (Retention(daily=5), {"b.db": "daily", "c.db": "daily", "d.db": "daily", "e.db": "newest", "f.db": "newest"}),
        (Retention(monthly=9), {"d.db": "monthly", "e.db": "newest", "f.db": "newest"}),
        (Retention(daily=1, monthly=1), {"e.db": "newest", "f.db": "newest"}),
    ],
)
def test_the_newest_of_each_day_and_month_stays(
    retention: Retention, staying: dict[str, str], log: EventLog, folder: Path
) -> None:
    """Of as many as were asked for; the newest two stay whatever was asked for."""
    assert dict.fromkeys(MADE, "") | staying == whys(choose(log, folder, retention))


def test_what_goes_is_recorded_with_its_checksum_and_who_holds_it(log: EventLog, folder: Path) -> None:
    """One event, in the order of the names; a checkpoint stays, and a second call finds nothing to do."""
    (folder / "a.db.checkpoint").write_text("signed")
    going = ("a.db", "b.db", "c.db")
    sums = {name: bytes.fromhex(checksum_path(folder / name).read_text()[:64]) for name in going}
    sizes = {name: (folder / name).stat().st_size for name in going}
    done = prune(log, folder, Retention(daily=3), job_id=job(9))
    files = tuple(PrunedFile(name, sizes[name], sums[name]) for name in going)
    assert [BackupPruned(keeper="f.db", files=files)] == pruned_events(log)
    assert (log.head().size - 1, folder / "f.db") == (done.seq, done.keeper)
    stay = ["d.db", "e.db", "f.db"]
    assert sorted([*stay, *(f"{name}.checksum" for name in stay), "a.db.checkpoint"]) == names(folder)
    assert prune(log, folder, Retention(daily=3), job_id=job(10)).going == ()
    assert 1 == len(pruned_events(log))


def rot(path: Path) -> None:
    """Turn one bit of the last byte."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def link_away(path: Path) -> None:
    """Put a link to the file in its place."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("change", "name", "expected"),
    [
        (rot, "b.db", {"b.db": "differs"}),  # what would go is not what was recorded
        (rot, "f.db", {"f.db": "differs", "d.db": "newest"}),  # the newest: the next sound one holds the others
        (link_away, "b.db", {"b.db": "unreadable"}),
        (link_away, "f.db", {"f.db": "unreadable", "d.db": "newest"}),
        (lambda path: path.write_bytes(b"foreign"), "b.db", {"b.db": "unreadable"}),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "b.db", {"b.db": "differs"}),
        (lambda path: shutil.copy(path, path.with_name("z.db")), "b.db", {"z.db": "unrecorded"}),
    ],
)
def test_what_is_not_as_recorded_stays_and_holds_nothing(
    change: Callable[[Path], object], name: str, expected: dict[str, str], log: EventLog, folder: Path
) -> None:
    """Whichever file it is, two sound ones stay beside it."""
    change(folder / name)
    found = whys(prune(log, folder, Retention(daily=1), job_id=job(9)))
    assert dict.fromkeys(MADE, "") | {"e.db": "newest", "f.db": "newest"} | expected == found
    assert {name for name, why in found.items() if why} <= set(names(folder))


def test_nothing_goes_below_two_sound_ones(log: EventLog, folder: Path) -> None:
    """Where all but one rotted nothing is removed, and nothing recorded."""
    for name in ("a.db", "b.db", "d.db", "e.db", "f.db"):
        rot(folder / name)
    before = names(folder)
    found = prune(log, folder, Retention(daily=1), job_id=job(9))
    assert dict.fromkeys(MADE, "differs") | {"a.db": "unreadable", "c.db": "newest"} == whys(found)
    assert (before, []) == (names(folder), pruned_events(log))


def test_a_recorded_file_that_the_newest_does_not_begin_with_stays(log: EventLog, folder: Path) -> None:
    """The bytes decide, not the records: one that is longer than the newest is not held by it."""
    found = {choice.listed.path.name: choice.listed for choice in choose(log, folder, Retention(daily=1)).choices}
    assert isinstance(held(found["a.db"], beside=folder / "b.db"), bytes)
    assert "not held" == held(found["b.db"], beside=folder / "a.db")


def test_a_folder_that_takes_no_removal_is_refused_before_anything_is_recorded(
    log: EventLog, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code and hint are those of any such folder."""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != folder)
    with pytest.raises(UnwritableError):
        prune(log, folder, Retention(daily=1), job_id=job(9))
    assert [] == pruned_events(log)


def test_a_kill_at_each_call_loses_nothing_that_was_not_recorded(
    folder: Path, home: LedgerHome, clock: StepClock, tmp_path: Path
) -> None:
    """Until no call is left: what is gone was recorded first, what is there is whole, and the next call ends it."""
    whole = {name: (folder / name).read_bytes() for name in MADE}
    for step in range(200):
        place = tmp_path / f"step-{step}"
        shutil.copytree(home.root, place / "dados")
        shutil.copytree(folder, place / "backups")
        child = os.fork()
        if child == 0:
            try:
                _die_at(step)
                with EventLog(LedgerHome(place / "dados"), now=clock) as ours:
                    prune(ours, place / "backups", Retention(daily=1), job_id=job(9))
            finally:
                os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        with EventLog(LedgerHome(place / "dados"), now=clock) as ours:
            told = {one.name for event in pruned_events(ours) for one in event.files}
            left = {path.name: path.read_bytes() for path in (place / "backups").glob("*.db")}
            assert set(whole) - set(left) <= told, step
            assert {name: whole[name] for name in left} == left, step
            prune(ours, place / "backups", Retention(daily=1), job_id=job(10))
        assert ["e.db", "e.db.checksum", "f.db", "f.db.checksum"] == names(place / "backups"), step
        if not killed:
            break
    assert step > 10


def _die_at(step: int) -> None:
    """Have this process killed at its call number `step` of those that open, write, sync or remove a file."""
    calls = iter(range(10**6))

    def fatal(name: str) -> None:
        original = getattr(os, name)

        def call(*args: object, **options: object) -> object:
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **options)

        setattr(os, name, call)

    for name in ("open", "fsync", "write", "pwrite", "unlink"):
        fatal(name)
