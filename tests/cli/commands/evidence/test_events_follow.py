"""`main events --follow` gives on what is appended, across a restore too, and ends with whoever reads it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cli.commands.evidence.events.following import apart
from ledger.memory_log import MemoryLog
from tests.support import sample_ledger
from tests.support.cli import command, environment
from tests.support.drafts import StepClock, connection_tested
from tests.support.sample_ledger import EVENTS, look

FOLLOW = ("events", "--follow")


@contextmanager
def following(folder: Path, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """Give the command at work; killed in the end, if it has not ended."""
    with subprocess.Popen(
        command(*FOLLOW, *args),
        cwd=folder,
        env=environment(sample_ledger.NOW),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def seqs(process: "subprocess.Popen[str]", count: int) -> list[int]:
    """Return the seqs of the next `count` lines; waits for them."""
    assert process.stdout is not None
    return [msgspec.json.decode(process.stdout.readline())["seq"] for _ in range(count)]


def test_what_is_there_comes_first_and_then_what_is_appended(copy: Path) -> None:
    """As JSON, each line as soon as it is there; once nobody reads, the command ends by itself, exit 0."""
    with following(copy, "--since", "3") as process:
        assert list(range(3, EVENTS)) == seqs(process, EVENTS - 3)
        sample_ledger.make_more(copy)
        assert list(range(EVENTS, EVENTS + 3)) == seqs(process, 3)
        assert process.stdout is not None
        process.stdout.close()
        assert (0, "") == (process.wait(20), process.stderr.read() if process.stderr else None)


def test_a_restore_is_told_of_and_followed(copy: Path) -> None:
    """From the first event that was not in the ledger before; Ctrl-C ends it as any command."""
    assert 0 == look("backup", "--create", "--out", "kept.db", cwd=copy).code
    sample_ledger.make_more(copy)
    with following(copy, "--since", "0", "--format", "json") as process:
        assert list(range(EVENTS + 4)) == seqs(process, EVENTS + 4)
        assert 0 == look("backup", "--restore", "--from", "kept.db", "--rollback", "--yes", cwd=copy).code
        assert [EVENTS] == seqs(process, 1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().splitlines()
        assert 130 == process.wait(20)
    assert f"note: the ledger was replaced by ledger-2, followed from seq {EVENTS} on" == said[0]


def test_only_what_is_asked_for_is_given_on(copy: Path) -> None:
    """A ticker, a type, text where that is meant."""
    args = ("--since", "0", "--type", "snapshot", "--ticker", "ITUB4", "--format", "text")
    with following(copy, *args) as process:
        assert process.stdout is not None
        assert "snapshot.written/1" in process.stdout.readline()


@pytest.mark.parametrize("more", [("--limit", "3"), ("--ledger", "kept.db")])
def test_what_does_not_grow_is_not_followed(more: tuple[str, ...], sample: Path) -> None:
    """A usage error, with what would do."""
    done = look(*FOLLOW, *more, cwd=sample)
    assert (3, "") == (done.code, done.out)
    assert "error: got --follow with --limit or --ledger, want the ledger in use" in done.err


@pytest.mark.parametrize(
    ("ours", "theirs", "seq"), [("", "", 0), ("abc", "abc", 3), ("abc", "ab", 2), ("abcd", "axcd", 1)]
)
def test_where_two_logs_part(ours: str, theirs: str, seq: int) -> None:
    """The end of the shorter one, where it is all of the longer one's beginning."""
    logs = []
    for text in (ours, theirs):
        log = MemoryLog(now=StepClock())
        for number, letter in enumerate(text):
            log.append([connection_tested(ord(letter))], append_id=bytes([number]) * 16)
        logs.append(log)
    assert seq == apart(*logs)
