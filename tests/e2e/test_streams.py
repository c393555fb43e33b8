"""Whoever does not read stdout or stderr, or closes them, changes nothing of what is done."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import sample_ledger
from tests.support.cli import command, environment

RUN = ("--no-network", "--ticker", "PETR4", "--ticker", "ITUB4", "--jobs", "1")
WARNING = 1  # ITUB4 of the sample has rows rejected
TWO_TICKERS = {"PETR4-20260213.csv", "ITUB4-20260213.csv"}

CLOSED = {
    "stderr closed": '"$@" 2>&-',
    "stderr full": '"$@" 2>/dev/full',
    "stderr read by nobody": '"$@" 2> >(true)',
    "stdout closed": '"$@" >&-',
    "stdout full": '"$@" >/dev/full',
    "stdout read by nobody": '"$@" > >(true)',
    "all closed": '"$@" <&- >&- 2>&-',
    "all full": '"$@" >/dev/full 2>/dev/full',
}


def run(words: str, *args: str, cwd: Path) -> int:
    """Return the exit code of `main` on `args`, its streams as the shell's `words` have them."""
    done = subprocess.run(
        ["bash", "-c", words, "bash", *command(*args)],
        cwd=cwd,
        env=environment(sample_ledger.NOW),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize("words", CLOSED.values(), ids=CLOSED)
def test_a_run_does_all_of_it_and_keeps_its_exit_code(words: str, tmp_path: Path) -> None:
    """As with a terminal: the same files, the same events, both tickers."""
    assert WARNING == run(words, *RUN, cwd=tmp_path)
    assert {path.name for path in (tmp_path / "snapshots").glob("*.csv")} == TWO_TICKERS
    (verified,) = sample_ledger.look("verify", "--format", "json", cwd=tmp_path).lines()
    assert ("intact", sample_ledger.EVENTS) == (verified["verdict"], verified["events"])


@pytest.mark.parametrize("words", [CLOSED["stderr full"], CLOSED["stderr closed"], CLOSED["stderr read by nobody"]])
def test_an_error_that_nobody_hears_has_its_exit_code(words: str, tmp_path: Path) -> None:
    """A usage error and a missing ledger."""
    assert [3, 3] == [run(words, *args, cwd=tmp_path) for args in (["--bogus"], ["health"])]


def test_what_could_not_be_printed_is_said_where_printing_was_all(tmp_path: Path) -> None:
    """A listing on a full disk is no success."""
    sample_ledger.make(tmp_path)
    done = subprocess.run(
        ["bash", "-c", '"$@" >/dev/full', "bash", *command("prices", "--ticker", "PETR4")],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (3, True) == (done.returncode, b"error: got 'No space left on device' on stdout" in done.stderr)


@pytest.mark.parametrize(
    "args",
    [
        ("health",),
        ("verify",),
        ("metrics",),
        ("metrics", "--format", "prometheus"),
        ("snapshot", "--check"),
        ("rebuild", "--check"),
        ("validate", "bars.csv"),
        ("backup", "--verify", "--from", "kept.db"),
        ("snapshot", "--ticker", "PETR4", "--out", "made"),
        ("plot", "PETR4", "--out", "made.svg"),
        ("export", "--format", "csv", "--out", "made"),
        ("key", "new", "--out", "made"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("words", [CLOSED["stdout full"], CLOSED["all full"]])
def test_what_judges_or_makes_a_file_keeps_its_exit_code(args: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """Its answer is the code, or the file."""
    sample_ledger.make(tmp_path)
    assert 0 == sample_ledger.look("backup", "--create", "--out", "kept.db", cwd=tmp_path).code
    (tmp_path / "bars.csv").write_text("date,open,high,low,close,volume\n2026-02-12,10,11,9,10,100\n")
    kept = run('"$@"', *args, cwd=tmp_path)
    for made in tmp_path.glob("made*"):
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    assert kept == run(words, *args, cwd=tmp_path)
    assert ("made" in "".join(args)) == any(tmp_path.glob("made*"))


def test_no_file_is_opened_under_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What is printed would be written into it: into the ledger itself."""
    program = "import os, sys\nfrom cli.app import standard_streams\nstandard_streams.settle()\n"
    program += "os.write(3, str(os.open('/', os.O_RDONLY)).encode())"
    words = f'{sys.executable} -c "$1" 3>out <&- >&- 2>&-'
    subprocess.run(["bash", "-c", words, "bash", program], cwd=tmp_path, env=environment(), timeout=20, check=True)
    assert 2 < int((tmp_path / "out").read_text())
