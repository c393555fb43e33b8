"""Whatever contradicts the log, no command appends to it: each writer exits as it should and leaves it as it was."""

import shutil
from pathlib import Path

import pytest

from ledger.store.create import create_ledger
from ledger.store.home import LedgerHome
from tests.support import sample_ledger
from tests.support.cli import Result, run_main
from tests.support.rechained import changed, rewrite, stored_bodies
from tests.support.sample_ledger import EVENTS, FOLDER, look

WRITERS = {
    "run": ("--no-network", "--ticker", "VALE3"),
    "backup": ("backup", "--create", "--out", "late.db"),
    "record": ("verify", "--record"),
}
AT_2099 = {"B3_LEDGER_NOW": "2099-01-01T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
AT_2026 = {"B3_LEDGER_NOW": "2026-02-13T23:00:00Z"}
CREATED_US = 1_771_020_000_000_000  # 2026-02-13T22:00:00Z


def log_bytes(folder: Path) -> list[bytes]:
    """Return every event of the sample's ledger."""
    return stored_bodies(folder / FOLDER)


@pytest.fixture
def rolled_back(copy: Path, tmp_path: Path) -> Path:
    """An older database and its anchor put back; the read models remember the newer one."""
    old = shutil.copytree(copy / FOLDER, tmp_path / "old")
    sample_ledger.make_more(copy)
    for name in ("data.mdb", "head"):
        shutil.copy(old / name, copy / FOLDER / name)
    return copy


@pytest.mark.damages("an older database and anchor are put back")
@pytest.mark.parametrize("args", WRITERS.values(), ids=WRITERS)
def test_what_the_read_models_remember_stops_every_writer(args: tuple[str, ...], rolled_back: Path) -> None:
    """Before anything is appended, and before a backup is made."""
    found = look(*args, cwd=rolled_back)
    assert (2, EVENTS, False) == (found.code, len(log_bytes(rolled_back)), (rolled_back / "late.db").exists())


@pytest.mark.damages("an older database and anchor are put back")
def test_a_probe_is_shown_and_not_recorded(rolled_back: Path) -> None:
    """The provider answered; the log takes no event."""
    found = look("test-conn", "--provider", "sample", cwd=rolled_back)
    assert (1, EVENTS, True) == (found.code, len(log_bytes(rolled_back)), "projections" in found.err)


def test_a_restore_and_a_decision_go_on(rolled_back: Path) -> None:
    """A person decides; then every writer works again, and verification is intact."""
    assert 2 == look("verify", cwd=rolled_back).code
    assert 2 == look("health", cwd=rolled_back).code
    accepted = look("accept-head", "--reason", "a disk was put back", "--yes", cwd=rolled_back)
    assert (0, False) == (accepted.code, (rolled_back / FOLDER / "verdict").exists())
    assert 0 == look(*WRITERS["run"], cwd=rolled_back).code
    assert 0 == look("verify", "--record", cwd=rolled_back).code


@pytest.fixture
def tampered(copy: Path) -> Path:
    """One recorded event rewritten and everything after it chained again; what is remembered outside agrees."""
    bodies = log_bytes(copy)
    rewrite(copy / FOLDER, [*bodies[:3], b"\x98\x03", *bodies[4:]])
    return copy


@pytest.mark.damages("one event is no event, all else is chained to it")
@pytest.mark.parametrize("args", WRITERS.values(), ids=WRITERS)
def test_a_bad_verdict_stops_every_writer(args: tuple[str, ...], tampered: Path) -> None:
    """Until it is verified intact; health names it meanwhile."""
    found = look("verify", "--format", "json", cwd=tampered)
    assert (2, "tampered", True) == (found.code, found.lines()[0]["verdict"], found.lines()[0]["marked"])
    stopped, health = look(*args, cwd=tampered), look("health", cwd=tampered)
    assert (2, 2, EVENTS) == (stopped.code, health.code, len(log_bytes(tampered)))
    assert "main verify found tampered" in health.out


def test_an_intact_verification_clears_the_mark(copy: Path) -> None:
    """Of the same bytes put back; a mark that is no mark stops writers too."""
    mark = copy / FOLDER / "verdict"
    mark.write_bytes(b"\x00")
    assert (2, EVENTS) == (look(*WRITERS["run"], cwd=copy).code, len(log_bytes(copy)))
    assert (0, False) == (look("verify", cwd=copy).code, mark.exists())
    assert 0 == look(*WRITERS["run"], cwd=copy).code


@pytest.mark.damages("one event is no event, all else is chained to it")
def test_a_mark_that_cannot_be_left_is_said(tampered: Path) -> None:
    """The same exit code; whoever relies on writers stopping reads it."""
    (tampered / FOLDER / "verdict.new").mkdir()
    found = look("verify", "--format", "json", cwd=tampered)
    assert (2, False) == (found.code, found.lines()[0]["marked"])


def test_what_is_recorded_of_a_verification(copy: Path) -> None:
    """An event with the verdict, the head and the witnesses; the ledger verifies with it."""
    row = look("verify", "--record", "--format", "json", cwd=copy).lines()[0]
    assert EVENTS == row["recorded_seq"]
    (event,) = look("events", "--type", "log.verified", "--format", "json", cwd=copy).lines()
    assert EVENTS == event["seq"]
    assert 0 == look("verify", cwd=copy).code
    assert 3 == look("verify", "--record", "a.db", cwd=copy).code


def rewritten(folder: Path) -> Result:
    """Back the sample up, then rewrite an event before the backup; return what verification says."""
    assert 0 == look("backup", "--create", "--out", "honest.db", cwd=folder).code
    bodies = log_bytes(folder)
    rewrite(folder / FOLDER, changed(bodies, 4, job_id=bytes(16)))
    return look("verify", "--format", "json", cwd=folder)


def test_a_rewritten_ledger_contradicts_the_backup_that_it_recorded(copy: Path) -> None:
    """Named at the event that records it; the honest backup is named as forked from it, and is restored with --yes."""
    row = rewritten(copy).lines()[0]
    assert ("forked", EVENTS, True) == (row["verdict"], row["first_bad"]["seq"], row["marked"])
    for args in (("verify", "honest.db"), ("backup", "--verify", "--from", "honest.db")):
        found = look(*args, "--format", "json", cwd=copy)
        assert (2, "forked", 4) == (found.code, found.lines()[0]["verdict"], found.lines()[0]["first_bad"]["seq"])
    refused = look("backup", "--restore", "--from", "honest.db", cwd=copy)
    assert (3, EVENTS + 1) == (refused.code, len(log_bytes(copy)))
    assert 0 == look("backup", "--restore", "--from", "honest.db", "--yes", cwd=copy).code
    assert 0 == look("verify", cwd=copy).code
    assert 0 == look(*WRITERS["run"], cwd=copy).code


def test_a_rewritten_record_of_a_backup_does_not_keep_the_honest_one_out(copy: Path) -> None:
    """Whoever rewrites the log rewrites what it says of backups too: that is no fault of the file."""
    assert 0 == look("backup", "--create", "--out", "honest.db", cwd=copy).code
    bodies = changed(log_bytes(copy), 4, job_id=bytes(16))
    rewrite(copy / FOLDER, bodies[:EVENTS])
    assert 0 == look("backup", "--create", "--out", "other/honest.db", cwd=copy).code
    assert 0 == look("backup", "--restore", "--from", "honest.db", "--yes", cwd=copy).code


def test_a_backup_of_another_ledger_is_not_forked(copy: Path, tmp_path: Path) -> None:
    """Two ledgers that never were one contradict each other in nothing."""
    other = tmp_path / "other"
    other.mkdir()
    sample_ledger.make(other)
    assert 0 == look("backup", "--create", "--out", str(tmp_path / "b.db"), cwd=other).code
    found = look("verify", str(tmp_path / "b.db"), "--format", "json", cwd=copy)
    assert (0, ["checksum"]) == (found.code, found.lines()[0]["witnesses"])


def test_a_saved_head_is_never_replaced_by_one_that_contradicts_it(copy: Path, tmp_path: Path) -> None:
    """The file stays as it was; one that agrees keeps the last few."""
    path = tmp_path / "head.json"
    assert 0 == look("verify", "--save-head", str(path), cwd=copy).code
    rewrite(copy / FOLDER, changed(log_bytes(copy), 4, job_id=bytes(16)))
    before = path.read_bytes()
    found = look("verify", "--save-head", str(path), "--format", "json", cwd=copy)
    assert (2, "forked", before) == (found.code, found.lines()[0]["verdict"], path.read_bytes())


def test_a_saved_head_keeps_the_last_few(copy: Path, tmp_path: Path) -> None:
    """Newest first, and only those that the log still holds."""
    from cli.commands.trust.verify import saved_head

    path = tmp_path / "head.json"
    for _ in range(8):
        assert 0 == look("verify", "--record", "--save-head", str(path), cwd=copy).code
    saved = saved_head.parse(path.read_bytes())
    assert [EVENTS + 7, EVENTS + 6, EVENTS + 5, EVENTS + 4, EVENTS + 3, EVENTS + 2] == [
        saved.size,
        *(one.size for one in saved.earlier),
    ]


@pytest.mark.parametrize("content", ["no head", "{}"])
def test_a_file_that_is_no_head_is_not_overwritten(content: str, copy: Path, tmp_path: Path) -> None:
    """It is somebody's."""
    path = tmp_path / "notes.txt"
    path.write_text(content)
    assert (3, content) == (look("verify", "--save-head", str(path), cwd=copy).code, path.read_text())


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A folder with a real ledger of one event, recorded in February 2026."""
    create_ledger(
        LedgerHome(tmp_path / "dados"), kind="real", software="b3-ledger test", now=lambda: CREATED_US, lock_timeout_s=5
    )
    return tmp_path


def real_events(folder: Path) -> int:
    """Return how many events the real ledger holds."""
    return len(stored_bodies(folder / "dados" / "ledger-1"))


def test_a_clock_of_2099_dates_nothing(real: Path) -> None:
    """The backup is kept, unrecorded, and no run is recorded; a person may vouch for the clock."""
    made = run_main("backup", "--create", "--out", "b.db", "--format", "json", cwd=real, env=AT_2099)
    assert (1, "unrecorded", None) == (made.code, made.lines()[0]["status"], made.lines()[0]["seq"])
    assert "warning: not recorded: got a clock 26619 days past the last recorded event" in made.err
    ran = run_main("--ticker", "PETR4", cwd=real, env={**AT_2099, "ADAPTER_MAX_RETRIES": "0"})
    assert (2, 1, True) == (ran.code, real_events(real), (real / "b.db").exists())


def test_a_log_ahead_of_the_clock_is_named(real: Path) -> None:
    """By verification, by health, and by whoever writes."""
    vouched = run_main("backup", "--create", "--out", "b.db", "--clock-ok", cwd=real, env=AT_2099)
    assert (0, True) == (vouched.code, "note: the clock is 26619 days past" in vouched.err)
    verified = run_main("verify", "--format", "json", cwd=real, env=AT_2026)
    assert (1, True) == (verified.code, verified.lines()[0]["ahead_seconds"] > 0)
    health = run_main("health", cwd=real, env=AT_2026)
    assert (2, True) == (health.code, "ahead of the clock" in health.out)
    wrote = run_main(
        "backup", "--create", "--out", "c.db", cwd=real, env=AT_2026 | {"YAHOO_BASE_URL": "http://127.0.0.1:9"}
    )
    assert (0, True) == (wrote.code, "ahead of the clock" in wrote.err)
