"""`main accept-head` is the only way on after a rollback, and it leaves a record."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.cli.commands.trust.test_verify import change
from tests.support import sample_ledger
from tests.support.cli import command, environment
from tests.support.oracle import check_log
from tests.support.sample_ledger import EVENTS, FOLDER, NOW, kept, look

YES = ("accept-head", "--reason", "disk replaced", "--yes")


@pytest.fixture
def rolled_back(copy: Path, tmp_path: Path) -> Path:
    """A working folder whose database is older than its anchor and its projections remember."""
    older = shutil.copy(copy / FOLDER / "data.mdb", tmp_path / "older.mdb")
    sample_ledger.make_more(copy)
    look("metrics", cwd=copy)
    shutil.copy(older, copy / FOLDER / "data.mdb")
    return copy


def heads(folder: Path, events: int) -> tuple[str, int]:
    """Return the head after the first `events` events, and how many there are; the oracle runs over them."""
    with EventLog(LedgerHome(folder / "dados" / "sample"), now=lambda: 0, readonly=True) as log:
        check_log(log)
        return (log.link_at(events - 1) or b"").hex(), log.head().size


def test_every_command_stops_until_somebody_accepts(rolled_back: Path) -> None:
    """Then all of them go on, from the log as it is."""
    before = kept(rolled_back)
    for args in (["metrics"], ["rebuild"], ["--no-network", "--ticker", "PETR4"]):
        assert 2 == look(*args, cwd=rolled_back).code
    assert before == kept(rolled_back)
    assert 0 == look(*YES, cwd=rolled_back).code
    for args in (["verify"], ["rebuild", "--check"], ["--no-network", "--ticker", "PETR4"], ["verify"]):
        look("metrics", cwd=rolled_back)
        assert 0 == look(*args, cwd=rolled_back).code


def test_what_was_expected_and_found_is_recorded(rolled_back: Path) -> None:
    """An event a witness, printed and stored alike."""
    found = look(*YES, "--format", "json", cwd=rolled_back)
    (row,) = found.lines()
    head, size = heads(rolled_back, EVENTS)
    expected = {"verdict": "rolled_back", "expected_events": EVENTS + 3}
    assert (EVENTS + 2, row["head"]) == (size, heads(rolled_back, size)[0])
    assert ("accepted", EVENTS, EVENTS + 2, EVENTS, head, "disk replaced") == (
        row["status"],
        row["seq"],
        row["events"],
        row["found_events"],
        row["found_head"],
        row["reason"],
    )
    events = look("events", "--type", "head.accepted", "--format", "json", cwd=rolled_back).lines()
    stored = [event["data"] for event in events]
    for name, shown, kept_event in zip(("anchor", "projections"), row["accepted"], stored, strict=True):
        assert {**expected, "witness": name, "expected_head": shown["expected_head"]} == shown
        assert kept_event == {
            "reason": "disk replaced",
            "verdict": "rolled_back",
            "witness": name,
            "expected_size": EVENTS + 3,
            "expected_link": shown["expected_head"],
            "found_size": EVENTS,
            "found_link": head,
        }


def test_a_damaged_anchor_is_accepted_too(copy: Path) -> None:
    """What it remembered is not known."""
    (copy / FOLDER / "head").write_bytes(bytes(128))
    assert 2 == look("metrics", cwd=copy).code
    found = look(*YES, "--format", "json", cwd=copy)
    (row,) = found.lines()
    nothing = {"witness": "anchor", "verdict": "unreadable", "expected_events": None, "expected_head": None}
    assert (0, [nothing]) == (found.code, row["accepted"])
    assert 0 == look("verify", cwd=copy).code


def test_nothing_wrong_is_nothing_to_accept(copy: Path) -> None:
    """Exit 3, nothing changed."""
    before = kept(copy)
    found = look(*YES, cwd=copy)
    assert (3, "error: got a log that every witness remembers, want one that was rolled back or forked") == (
        found.code,
        found.err.splitlines()[0],
    )
    assert before == kept(copy)


@pytest.mark.damages("one event is changed")
def test_a_log_that_does_not_hold_is_never_accepted(rolled_back: Path) -> None:
    """Whatever else is wrong."""
    change(rolled_back, 2)
    before = kept(rolled_back)
    found = look(*YES, cwd=rolled_back)
    message = "error: got a log that is tampered, want one that holds in itself\nhint: main verify\n"
    assert (3, message, before) == (found.code, found.err, kept(rolled_back))


@pytest.mark.damages("an older database is put back")
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--reason", "x"], "got no --yes and no terminal to ask on, want --yes"),
        (["--yes"], "got no --reason, want one"),
        (["--reason", " ", "--yes"], "got an empty --reason, want what happened"),
    ],
)
def test_without_a_word_and_a_reason_nothing_is_changed(args: list[str], message: str, rolled_back: Path) -> None:
    """Exit 3."""
    before = kept(rolled_back)
    found = look("accept-head", *args, cwd=rolled_back)
    assert (3, before) == (found.code, kept(rolled_back))
    assert [f"error: {message}", "hint: main accept-head --help"] == found.err.splitlines()[-2:]


@pytest.mark.damages("an older database is put back, and the head not accepted", always=False)
@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 3), (b"\n", 3)])
def test_on_a_terminal_it_asks(answer: bytes, code: int, rolled_back: Path) -> None:
    """No is the answer of whoever says nothing."""
    master, slave = pty.openpty()
    os.write(master, answer)
    done = subprocess.run(
        command("accept-head", "--reason", "x"),
        cwd=rolled_back,
        env=environment(NOW),
        stdin=slave,
        capture_output=True,
        check=False,
    )
    os.close(slave)
    os.close(master)
    assert (code, True) == (done.returncode, b"Go on with the log as it is?" in done.stderr)
