"""A disk that takes no more: a clear error, the log intact, and work that goes on once there is space again."""

import subprocess
import sys
from datetime import date

import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace
from tests.support.cli import Result, environment
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

HELD, NEXT = "PETR4.SA", "VALE3.SA"
SHORT = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
LONG = sessions(Window(date(2024, 2, 14), date(2026, 2, 12)))

# In a mount namespace of its own, so that nothing stays mounted: a small disk holds the data folder, then is filled.
ON_A_FULL_DISK = """
set -e
mkdir small
mount -t tmpfs -o size=1m tmpfs small
cp -a dados/. small/ 2>/dev/null || true
dd if=/dev/zero of=small/filler bs=4096 2>/dev/null || true
status=0
DATA_DIR=small "$@" || status=$?
rm small/filler
mkdir -p after
cp -a small/. after/
exit $status
"""


@pytest.fixture(scope="module", autouse=True)
def namespace() -> None:
    """Skip where this user may not mount anything."""
    tried = subprocess.run(
        ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip("no mount namespaces here: a full disk cannot be made")


def run_on_a_full_disk(place: Workplace, *args: str) -> Result:
    """Run `main` with its data folder on a disk with no byte left; what is then there stands in `after`."""
    words = ["unshare", "-rm", "sh", "-c", ON_A_FULL_DISK, "sh", sys.executable, "-m", "cli", *args]
    done = subprocess.run(
        words, cwd=place.folder, env=environment(place.settings), capture_output=True, timeout=60, check=False
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_ledger_on_a_full_disk_loses_nothing(place: Workplace, server: YahooServer) -> None:
    """The ticker fails with a line that names the disk; what was held is whole, and goes on being."""
    server.series = {HELD: make_series(SHORT, seed=1), NEXT: make_series(LONG, seed=2)}
    assert 0 == place.run("--ticker", HELD).code
    before = place.events()
    result = run_on_a_full_disk(place, "--ticker", NEXT, "--format", "json")
    (row,) = result.lines()
    assert (2, "error", "internal") == (result.code, row["status"], row["error_kind"])
    assert "got a full disk at small/ledger-1/data.mdb, want free space" in row["error_message"]
    assert row["hint"].startswith("df -h small/ledger-1")
    place.home.root.rename(place.folder / "as-it-was")
    (place.folder / "after").rename(place.home.root)
    assert before == place.events()[: len(before)]
    assert 0 == place.run("--ticker", NEXT, "--ticker", HELD).code


def test_no_ledger_is_half_made_on_a_full_disk(place: Workplace, server: YahooServer) -> None:
    """Exit 2, a line and a hint; the next run makes the ledger as if nothing had been."""
    server.series[HELD] = make_series(SHORT, seed=1)
    result = run_on_a_full_disk(place, "--ticker", HELD)
    assert 2 == result.code
    error, hint = result.err.splitlines()[-2:]
    assert error.startswith(f"error: {HELD}: internal: got a full disk at ")
    assert hint.startswith("hint: df -h ")
    (place.folder / "after").rename(place.home.root)
    assert 0 == place.run("--ticker", HELD).code
    assert ["ledger.created", "fetch.succeeded", "validation.completed", "snapshot.written"] == place.types()


def test_health_says_so_before_an_append_finds_out(place: Workplace, server: YahooServer) -> None:
    """Exit 2, though the ledger can be read and no run failed."""
    server.series[HELD] = make_series(SHORT, seed=1)
    assert 0 == place.run("--ticker", HELD).code
    result = run_on_a_full_disk(place, "health", "--format", "json")
    (row,) = result.lines()
    assert (2, "critical", True, 0) == (result.code, row["status"], row["db_accessible"], row["free_bytes"])
    assert "got 0.0 MiB free on the ledger's disk, want 64 or more" == row["error_message"]
