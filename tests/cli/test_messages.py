"""What a person gets wrong is named as what it is, with the ticker at hand."""

import shutil
from pathlib import Path

import msgspec
import pytest

from cli.app.settings import REGISTRY
from tests.cli.commands.trust.test_verify import change
from tests.support import sample_ledger
from tests.support.cli import run_main

WEEKEND = "from 2026-02-07 to 2026-02-08 (B3 was closed)"
FIRST = "2026-02-13T23:00:00Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample's ledger, and a file without tickers."""
    made = tmp_path_factory.mktemp("messages")
    sample_ledger.make(made)
    (made / "empty.txt").write_text("# nobody\n\n")
    return made


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (
            "--ticker ITUB4 --start 2030-01-01",
            3,
            "error: got --start 2030-01-01 after today, want 2026-02-13 or before",
        ),
        ("--tickers-file empty.txt", 3, "error: got no ticker in empty.txt, want one a line (--tickers-file)"),
        (
            "prices ITUB4 --as-of 99 --start 2026-02-13",
            0,
            "warning: got seq 99, and the last one is 6: shown as of that",
        ),
        (
            "prices ITUB4 --as-of 2001-01-01",
            3,
            f"error: got no event recorded by 2001-01-01T23:59:59Z, want a time from {FIRST} on",
        ),
        (
            "snapshot ITUB4 --as-of 2001-01-01",
            3,
            f"error: got no event recorded by 2001-01-01T23:59:59Z, want a time from {FIRST} on",
        ),
        (
            "replay --until 2001-01-01",
            3,
            f"error: got no event recorded by 2001-01-01T23:59:59Z, want a time from {FIRST} on",
        ),
        (
            "why ITUB4 --date 2026-02-07",
            0,
            "warning: ITUB4.SA: B3 was closed on 2026-02-07",
        ),
        (
            "prices ITUB4 --start 2026-02-07 --end 2026-02-08",
            3,
            f"error: got no session of ITUB4.SA {WEEKEND} in the first 7 events, want at least one",
        ),
        ("prices ABEV3", 3, "error: got no series of ABEV3.SA, want one that was ingested"),
        ("logs ABEV3", 0, "no attempt of ABEV3.SA matches"),
        ("events ABEV3", 0, "no event of ABEV3.SA matches"),
        (
            "logs --since ontem",
            3,
            "error: got 'ontem', want a day as YYYY-MM-DD or a time such as 2026-02-15T12:34:56Z (--since)",
        ),
        (
            "--ledger a.db prices ITUB4",
            3,
            "error: got --ledger in front of prices, want it after: main prices --ledger",
        ),
    ],
)
def test_a_message_says_what_it_is(line: str, code: int, said: str, folder: Path) -> None:
    """One line, no internal error."""
    done = run_main(*line.split(), cwd=folder, env=sample_ledger.NOW)
    assert (code, said) == (done.code, done.err.splitlines()[0])


@pytest.mark.parametrize("line", ["prices ABEV3", "why ABEV3 --date 2026-02-13", "compare ITUB4", "metrics ABEV3"])
def test_the_hint_is_about_the_ticker_at_hand(line: str, folder: Path) -> None:
    """Not about an example."""
    done = run_main(*line.split(), cwd=folder, env=sample_ledger.NOW)
    ticker = f"{line.split()[1]}.SA"
    hint = f"hint: main --ticker {ticker}, or without a network: main --no-network --ticker {ticker}"
    assert (3, hint) == (done.code, done.err.splitlines()[-1])


def test_two_arrays_are_never_printed(folder: Path) -> None:
    """An error after the rows is on stderr alone; where there are no rows it is the array."""
    broken = {**sample_ledger.NOW, "LOG_LEVEL": "loud"}
    done = run_main("config", "--array", cwd=folder, env=broken)
    assert (3, len(REGISTRY)) == (done.code, len(msgspec.json.decode(done.out)))
    done = run_main("prices", "ABEV3", "--array", cwd=folder, env=sample_ledger.NOW)
    assert ["error"] == [one["status"] for one in msgspec.json.decode(done.out)]


@pytest.mark.damages("one event is changed")
@pytest.mark.parametrize(
    "line", ["events", "events --limit 3", "events show 2", "why PETR4 --date 2026-02-13", "snapshot --check", "audit"]
)
def test_a_changed_event_is_not_shown_as_the_logs_own(line: str, folder: Path, tmp_path: Path) -> None:
    """Exit 2, and its seq is named, by whatever shows or uses it."""
    shutil.copytree(folder, tmp_path / "copy")
    change(tmp_path / "copy", 2)
    done = run_main(*line.split(), cwd=tmp_path / "copy", env=sample_ledger.NOW)
    assert (2, True) == (done.code, "at seq 2: " in done.err), done.err
