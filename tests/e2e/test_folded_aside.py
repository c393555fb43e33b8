"""`replay` and `rebuild --check` on a ledger of many events: the memory of one batch, and nothing left behind."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ledger.store.home import LedgerHome
from projections.store.unnamed import PREFIX
from tests.benchmarks import ground
from tests.support.cli import Result, command, cut_short, environment, run_main
from tests.support.memory import peak_anonymous_bytes

FEW, MANY = 5_000, 30_000
COMMANDS = (("replay",), ("rebuild", "--check"))
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, ground.Ground]:
    """A ledger of each size, its read models stored."""
    folder = tmp_path_factory.mktemp("aside")
    made = {events: ground.small(folder / str(events), events) for events in (FEW, MANY)}
    for one in made.values():
        assert 0 == look(one.home, "rebuild").code
    return made


def look(home: LedgerHome, *args: str, **env: str) -> Result:
    """Run `main` on `args` over the ledger in `home`."""
    return run_main(*args, cwd=home.root, env={"DATA_DIR": str(home.root), **env})


def left(home: LedgerHome) -> list[Path]:
    """Return what is there of stores that should have no name."""
    return list(home.root.rglob(f"{PREFIX}*"))


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_memory_does_not_grow_with_the_log(args: tuple[str, ...], grounds: Mapping[int, ground.Ground]) -> None:
    """Held in memory, the rows of 25,000 events more are 11 MB."""
    peaks = [
        peak_anonymous_bytes(
            command(*args), cwd=one.home.root, env=environment({"DATA_DIR": str(one.home.root)}), codes=(0,)
        )
        for one in grounds.values()
    ]
    assert peaks[1] < peaks[0] + 5 * MEGABYTE
    assert max(peaks) < 60 * MEGABYTE


@pytest.mark.parametrize(
    ("args", "order"),
    [(("rebuild", "--check"), signal.SIGKILL), (("replay",), signal.SIGINT)],
    ids=["killed", "Ctrl-C"],
)
def test_an_end_in_the_middle_leaves_nothing(
    args: tuple[str, ...], order: signal.Signals, grounds: Mapping[int, ground.Ground]
) -> None:
    """Of the supervisor and of its child, at several instants; the next run says what it would have."""
    home = grounds[MANY].home
    expected = look(home, *args)
    for delay_s in (0.2, 0.4):
        cut_short(*args, cwd=home.root, env={"DATA_DIR": str(home.root)}, order=order, after_s=delay_s)
    assert expected == look(home, *args)
    assert [] == left(home)


# In a mount namespace of its own, so that nothing stays mounted.
READ_ONLY = """
set -e
mount --bind "$DATA_DIR" "$DATA_DIR"
mount -o remount,ro,bind "$DATA_DIR"
exec "$@"
"""


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_a_place_that_takes_no_writing_is_enough(
    args: tuple[str, ...], grounds: Mapping[int, ground.Ground], tmp_path: Path
) -> None:
    """The temporary files take it; where they do not either, memory does, and stderr says so."""
    home = grounds[FEW].home
    words = ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", *command(*args)]
    expected = look(home, *args)
    for temporary, warned in ((tmp_path, False), (tmp_path / "gone", True), (home.root, True)):
        env = environment({"DATA_DIR": str(home.root), "TMPDIR": str(temporary)})
        done = subprocess.run(words, cwd=home.root, env=env, capture_output=True, text=True, check=False)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip("no mount namespaces here")
        assert (expected.code, expected.out) == (done.returncode, done.stdout)
        said = "warning: the log is folded in memory, since no disk takes it ("
        assert warned is done.stderr.startswith(said)
        assert warned is (done.stderr != "")


FULL = """
set -e
mkdir small
mount -t tmpfs -o size=20m tmpfs small
cp -a "$DATA_DIR"/. small/
dd if=/dev/zero of=small/filler bs=4096 2>/dev/null || true
DATA_DIR=small TMPDIR=small exec "$@"
"""


@pytest.mark.parametrize("args", COMMANDS[1:], ids=" ".join)
def test_a_full_disk_is_enough(args: tuple[str, ...], grounds: Mapping[int, ground.Ground], tmp_path: Path) -> None:
    """The same words, out of memory."""
    home = grounds[FEW].home
    env = environment({"DATA_DIR": str(home.root)})
    words = ["unshare", "-rm", "sh", "-c", FULL, "sh", sys.executable, "-m", "cli", *args]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mount namespaces here")
    expected = look(home, *args)
    assert (expected.code, expected.out) == (done.returncode, done.stdout)
    assert "warning: the log is folded in memory" in done.stderr
    assert "got a full disk at small/" in done.stderr
