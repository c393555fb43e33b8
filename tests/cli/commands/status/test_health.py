"""`main health` answers quickly, whatever the state of the ledger."""

import os
import shutil
import subprocess
from pathlib import Path

import lmdb
import pytest

from cli.commands.status.health.free_space import AMPLE_BYTES
from ledger.backup.frames import HEADER
from ledger.chain import Head, Link
from ledger.ids import text
from ledger.ingest.ticker_lock import ticker_lock
from ledger.store.anchor import Anchor
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.cli.context.test_reading import AS_ANYBODY
from tests.support.cli import Result, command, environment, run_main
from tests.support.drafts import JOB
from tests.support.sample_ledger import EVENTS, FOLDER, NOW, kept, look

BAD_ROWS = "ITUB4.SA: 4 rows rejected, 0 flagged"
SINCE_US = 1_771_023_600_000_000


def test_a_ledger_that_is_well_says_so(sample: Path) -> None:
    """Every field; ITUB4 had rows rejected."""
    found = look("health", "--format", "json", cwd=sample)
    with EventLog(LedgerHome(sample / "dados" / "sample"), now=lambda: 0, readonly=True) as log:
        head = log.head()
    (row,) = found.lines()
    assert row.pop("free_bytes") > AMPLE_BYTES
    assert row.pop("bytes_a_day") > 0
    assert (1, f"warning: {BAD_ROWS}\n", expected_row(sample, head)) == (found.code, found.err, row)


def expected_row(folder: Path, head: Head) -> dict[str, object]:
    """Return what is printed of the sample."""
    return {
        "status": "warning",
        "db_accessible": True,
        "events": EVENTS,
        "head": head.link.hex(),
        "ingest_known": True,
        "last_ingest": "2026-02-13T23:00:00Z",
        "ingest_lag_seconds": 0,
        "missing_sessions": 3,
        "disputed_actions": 0,
        "locks": [],
        "ledger": str(folder / FOLDER),
        "kind": "sample",
        "error_message": BAD_ROWS,
        "last_checkpoint": None,
        "checkpoint_age_seconds": None,
        "uncovered_events": None,
        "last_backup": None,
        "backup_age_seconds": None,
        "last_verification": None,
        "verification_age_seconds": None,
        "verdict": None,
    }


def test_the_growth_is_that_of_a_backup_over_seven_days(sample: Path, tmp_path: Path) -> None:
    """A seventh of all of a ledger of today, but for the header; nothing once its events are older."""
    archive = tmp_path / "a.db"
    assert look("salvage", "--out", str(archive), cwd=sample).code == 0
    a_day = (archive.stat().st_size - len(HEADER)) // 7
    (today,), (later,), (last_day,) = (
        run_main("health", "--format", "json", cwd=sample, env={"B3_LEDGER_NOW": now}).lines()
        for now in (NOW["B3_LEDGER_NOW"], "2026-02-20T23:00:00Z", "2026-02-20T21:59:59Z")
    )
    assert (a_day, 0, a_day) == tuple(row["bytes_a_day"] for row in (today, later, last_day))
    assert f"{EVENTS} events, {a_day} bytes a day | " in look("health", cwd=sample).out


def test_who_is_at_work_is_named(copy: Path) -> None:
    """Only while they are."""
    locks = copy / "dados" / "sample" / "locks"
    with ticker_lock(locks, "PETR4.SA", job_id=JOB, now_us=SINCE_US, timeout_s=1):
        (row,) = look("health", "--format", "json", cwd=copy).lines()
        told = look("health", cwd=copy).out
    (lock,) = row["locks"]
    assert lock.pop("pid") > 0
    assert {"ticker": "PETR4.SA", "job_id": text(JOB), "since": "2026-02-13T23:00:00Z"} == lock
    assert "1 at work" in told
    assert [] == look("health", "--format", "json", cwd=copy).lines()[0]["locks"]


def test_a_late_ticker_is_critical(sample: Path) -> None:
    """As in `main metrics`, with the worst one's reason, which cron mails."""
    found = run_main("health", "--format", "json", cwd=sample, env={"B3_LEDGER_NOW": "2026-02-18T21:30:00Z"})
    (row,) = found.lines()
    why = "ITUB4.SA: got 426600s since its last ingest, want at most 86400s; sessions behind: 1"
    assert (2, "critical", why, f"critical: {why}\n") == (found.code, row["status"], row["error_message"], found.err)


def test_what_proves_the_ledger_has_its_age(copy: Path) -> None:
    """The last backup, each of which is checked when it is made, and the last verification that was recorded."""
    for args in (("backup", "--create"), ("verify", "--record")):
        assert 0 == look(*args, cwd=copy).code
    later = {"B3_LEDGER_NOW": "2026-02-14T00:00:00Z"}
    (row,) = run_main("health", "--format", "json", cwd=copy, env=later).lines()
    at = "2026-02-13T23:00:00Z"
    assert (at, 3600, at, 3600, "intact") == (
        *(row["last_backup"], row["backup_age_seconds"]),
        *(row["last_verification"], row["verification_age_seconds"], row["verdict"]),
    )
    told = run_main("health", cwd=copy, env=later).out
    assert f"  last backup {at} (3600s ago)\n  last verification {at} (3600s ago): intact\n" in told


def test_a_bad_verdict_is_named(copy: Path) -> None:
    """As the mark that it left has it."""
    Anchor.create(copy / FOLDER / "head", Head(EVENTS + 2, Link(bytes(32)))).close()
    assert 2 == look("verify", cwd=copy).code
    (copy / FOLDER / "head").unlink()
    found = look("health", "--format", "json", cwd=copy)
    (row,) = found.lines()
    assert (2, "critical", "rolled_back") == (found.code, row["status"], row["verdict"])
    assert "critical: got a ledger that main verify found rolled_back against the anchor" in found.err


@pytest.mark.damages("the anchor remembers another log")
@pytest.mark.parametrize(
    ("head", "message"),
    [
        (
            Head(EVENTS + 2, Link(bytes(32))),
            f"got a log of {EVENTS} events, want the {EVENTS + 2} that the anchor remembers",
        ),
        (Head(2, Link(bytes(32))), "at seq 1, want 0000000000000000 that the anchor remembers"),
    ],
)
def test_a_log_that_is_not_the_one_it_was_is_critical_and_readable(head: Head, message: str, copy: Path) -> None:
    """Behind its anchor, or on another branch."""
    Anchor.create(copy / FOLDER / "head", head).close()
    before = kept(copy)
    found = look("health", "--format", "json", cwd=copy)
    (row,) = found.lines()
    assert (2, "critical", True, EVENTS) == (found.code, row["status"], row["db_accessible"], row["events"])
    assert row["error_message"].endswith(message)
    assert f"critical: {EVENTS} events | last ingest unknown | 0 at work | " in look("health", cwd=copy).out
    assert before == kept(copy)


@pytest.mark.damages("the anchor is zeroed")
def test_a_damaged_anchor_is_critical_and_readable(copy: Path) -> None:
    """The database is there all the same."""
    (copy / FOLDER / "head").write_bytes(bytes(128))
    found = look("health", "--format", "json", cwd=copy)
    (row,) = found.lines()
    assert (2, True, True) == (found.code, row["db_accessible"], "anchor that is damaged" in row["error_message"])


@pytest.mark.damages("the database's file")
@pytest.mark.parametrize("damage", ["zeroed", "cut", "empty", "gone"])
def test_a_damaged_database_is_critical_and_no_crash(damage: str, copy: Path) -> None:
    """Whatever happened to its file."""
    data = copy / FOLDER / "data.mdb"
    raw = data.read_bytes()
    damaged = {"zeroed": raw[:8192] + bytes(len(raw) - 8192), "cut": raw[:9000], "empty": b""}
    if damage == "gone":
        data.unlink()
    else:
        data.write_bytes(damaged[damage])
    found = look("health", "--format", "json", cwd=copy)
    (row,) = found.lines()
    assert (2, "critical", False, None) == (found.code, row["status"], row["db_accessible"], row["head"])
    assert row["error_message"]
    assert "critical: database not readable | last ingest unknown | " in look("health", cwd=copy).out


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root cannot be kept from reading")
@pytest.mark.parametrize(
    ("path", "readable"),
    [(FOLDER / "data.mdb", False), (FOLDER / "head", True), (Path("dados") / "sample" / "CURRENT", False)],
)
def test_without_permission_nothing_is_known(path: Path, readable: bool, copy: Path) -> None:
    """Who may not look cannot say that anything is wrong."""
    (copy / path).chmod(0o000)
    found = look_as_anybody("health", "--format", "json", cwd=copy)
    (row,) = found.lines()
    assert (3, "unknown", readable) == (found.code, row["status"], row["db_accessible"])
    assert f"got 'Permission denied' on reading {path}, want a readable file" == row["error_message"]
    size = f"{EVENTS} events" if readable else "database not readable"
    assert f"unknown: {size} | last ingest unknown | " in look_as_anybody("health", cwd=copy).out


def look_as_anybody(*args: str, cwd: Path) -> Result:
    """Do what `look` does, without root's leave to read everything."""
    line = [*(AS_ANYBODY if os.geteuid() == 0 else []), *command(*args)]
    done = subprocess.run(line, cwd=cwd, env=environment(NOW), capture_output=True, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.damages("the format is a later one's")
def test_a_ledger_of_a_later_version_is_unknown(copy: Path) -> None:
    """What it cannot read it says nothing of."""
    with lmdb.open(str(copy / FOLDER), max_dbs=2) as database, database.begin(write=True) as txn:
        txn.put(b"format", b"b3-ledger 2")
    found = look("health", "--format", "json", cwd=copy)
    assert (3, "unknown", False) == (found.code, found.lines()[0]["status"], found.lines()[0]["db_accessible"])


def test_a_lost_current_is_critical(copy: Path) -> None:
    """A second ledger would start beside the first."""
    (copy / "dados" / "sample" / "CURRENT").unlink()
    found = look("health", "--format", "json", cwd=copy)
    assert (2, False) == (found.code, found.lines()[0]["db_accessible"])


def test_without_a_ledger_nothing_is_known(tmp_path: Path) -> None:
    """And nothing is made."""
    found = look("health", "--format", "json", cwd=tmp_path)
    (row,) = found.lines()
    assert (3, "unknown", False, []) == (found.code, row["status"], row["db_accessible"], list(tmp_path.iterdir()))


def test_without_an_ingest_nothing_is_known(tmp_path: Path, log: EventLog) -> None:
    """The ledger itself is well."""
    found = run_main("health", "--format", "json", cwd=tmp_path)
    (row,) = found.lines()
    assert (3, "unknown", True, log.head().size) == (found.code, row["status"], row["db_accessible"], row["events"])
    assert "last ingest never" in run_main("health", cwd=tmp_path).out


def test_missing_read_models_are_made_again(copy: Path) -> None:
    """They are disposable."""
    shutil.rmtree(copy / FOLDER / "projections")
    assert 1 == look("health", cwd=copy).code
