"""`--ledger F` with its cache, as a person meets it: whatever becomes of the cache, the same words."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.files.hash_beside import WORTH_A_PROCESS_BYTES
from projections.store.unnamed import PREFIX
from tests.benchmarks import ground
from tests.support.archives import archive, put
from tests.support.cli import Result, command, cut_short, environment, run_main
from tests.support.memory import peak_anonymous_bytes

EVENTS = 36_000
ASKED = ("logs", "--ledger", "a.db", "--limit", "3", "--format", "json")
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive in it, long enough that folding it takes a while and that it is hashed beside."""
    folder = tmp_path_factory.mktemp("auditor")
    with ground.small(folder / "dados", EVENTS).open(readonly=True) as log:
        path = put(folder / "a.db", archive(log.read()), checksum=True)
    assert path.stat().st_size > WORTH_A_PROCESS_BYTES
    shutil.rmtree(folder / "dados")
    return folder


def look(folder: Path, cache: Path | str, *args: str) -> Result:
    """Run `main` with what is cached kept under `cache`."""
    return run_main(*args, cwd=folder, env={"XDG_CACHE_HOME": str(cache)})


def kept(cache: Path) -> set[str]:
    """Return the names of what is kept of the one archive."""
    return {one.name for one in cache.glob("b3-ledger/*/*")}


def test_the_second_look_is_the_first_one_again(auditor: Path, tmp_path: Path) -> None:
    """And `--no-cache` keeps nothing, uses nothing, and says the same."""
    want = look(auditor, tmp_path, *ASKED, "--no-cache")
    assert (0, 3, set()) == (want.code, len(want.lines()), kept(tmp_path))
    assert want == look(auditor, tmp_path, *ASKED)
    assert {"scan", "ingest_logs"} == kept(tmp_path)
    assert want == look(auditor, tmp_path, *ASKED)
    for one in tmp_path.rglob("scan"):
        one.write_bytes(b"")
    assert want == look(auditor, tmp_path, *ASKED, "--no-cache")
    assert [b""] == [one.read_bytes() for one in tmp_path.rglob("scan")]


def test_a_byte_changed_in_the_middle_is_seen_warm(auditor: Path, tmp_path: Path) -> None:
    """Though the file is as long, ends alike and has its times: what was kept of it before is not told."""
    folder = shutil.copytree(auditor, tmp_path / "copy")
    assert 0 == look(folder, tmp_path, *ASKED).code
    path = folder / "a.db"
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    want = look(folder, tmp_path, *ASKED, "--no-cache")
    assert (2, want) == (want.code, look(folder, tmp_path, *ASKED))


def test_what_judges_the_file_uses_nothing_that_was_kept_of_it(auditor: Path, tmp_path: Path) -> None:
    """Neither reads the cache nor fills it, and takes no --no-cache: `verify`, `audit`, `salvage`."""
    for args in (("verify", "a.db"), ("verify", "--ledger", "a.db"), ("audit", "--ledger", "a.db")):
        assert look(auditor, tmp_path, *args).code in {0, 1}, args
    assert 0 == look(auditor, tmp_path, "salvage", "--ledger", "a.db", "--out", str(tmp_path / "s.db")).code
    assert set() == kept(tmp_path)
    assert 3 == look(auditor, tmp_path, "verify", "a.db", "--no-cache").code


def test_a_group_and_its_command_take_it(auditor: Path, tmp_path: Path) -> None:
    """`main metrics --no-cache …`, before or after the command's name."""
    args = ("last-date", "PETR4", "--ledger", "a.db")
    for words in (("metrics", "--no-cache", *args), ("metrics", *args, "--no-cache")):
        look(auditor, tmp_path, *words)
        assert set() == kept(tmp_path)
    look(auditor, tmp_path, "metrics", *args)
    assert {"scan", "metrics"} == kept(tmp_path)


@pytest.mark.parametrize("order", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_an_end_while_the_cache_is_filled_leaves_it_sound(order: signal.Signals, auditor: Path, tmp_path: Path) -> None:
    """At several instants; the next look says what it would have, and clears what was left."""
    want = look(auditor, tmp_path / "other", *ASKED)
    for delay_s in (0.3, 0.5, 0.7):
        cut_short(*ASKED, cwd=auditor, env={"XDG_CACHE_HOME": str(tmp_path)}, order=order, after_s=delay_s)
        assert want == look(auditor, tmp_path, *ASKED)
        assert [] == list(tmp_path.rglob(f"{PREFIX}*"))
        shutil.rmtree(tmp_path / "b3-ledger")


def test_two_at_once_say_the_same(auditor: Path, tmp_path: Path) -> None:
    """Both begin with an empty cache."""
    want = look(auditor, tmp_path / "other", *ASKED)
    env = environment({"XDG_CACHE_HOME": str(tmp_path)})
    both = [
        subprocess.Popen(command(*ASKED), cwd=auditor, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        out, err = process.communicate()
        assert (want.code, want.out, want.err) == (process.returncode, out.decode(), err.decode())
    assert {"scan", "ingest_logs"} == kept(tmp_path)


@pytest.mark.parametrize("home", ["", "relative", "gone"])
def test_without_a_home_nothing_is_kept(home: str, auditor: Path, tmp_path: Path) -> None:
    """Nor is a home made."""
    env = environment({"XDG_CACHE_HOME": "", "HOME": str(tmp_path / "gone") if home == "gone" else home})
    if not home:
        del env["HOME"]
    before = sorted(auditor.iterdir())
    done = subprocess.run(command(*ASKED), cwd=auditor, env=env, capture_output=True, text=True, check=False)
    want = look(auditor, tmp_path, *ASKED)
    assert (want.code, want.out, want.err) == (done.returncode, done.stdout, done.stderr)
    assert (before, False) == (sorted(auditor.iterdir()), (tmp_path / "gone").exists())


# In a mount namespace of its own, so that nothing stays mounted.
READ_ONLY = """
set -e
mkdir -p "$HOME"
mount --bind "$HOME" "$HOME"
mount -o remount,ro,bind "$HOME"
exec "$@"
"""
FULL = """
set -e
mkdir -p "$HOME"
mount -t tmpfs -o size=600k tmpfs "$HOME"
dd if=/dev/zero of="$HOME/filler" bs=4096 count=100 2>/dev/null || true
exec "$@"
"""


@pytest.mark.parametrize("script", [READ_ONLY, FULL], ids=["read-only", "full"])
@pytest.mark.parametrize("earlier", [[], [ASKED]], ids=["empty", "filled"])
def test_a_home_that_takes_nothing_is_enough(
    script: str, earlier: Sequence[Sequence[str]], auditor: Path, tmp_path: Path
) -> None:
    """Cold or warm: the same words, and nothing half is left that the next look would stumble over."""
    want = look(auditor, tmp_path / "other", *ASKED)
    home = tmp_path / "home"
    for asked in earlier:
        assert want == look(auditor, home / ".cache", *asked)
    env = environment({"XDG_CACHE_HOME": "", "HOME": str(home)})
    words = ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-m", "cli", *ASKED]
    done = subprocess.run(words, cwd=auditor, env=env, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert (want.code, want.out, want.err) == (done.returncode, done.stdout, done.stderr)
    assert want == look(auditor, home / ".cache", *ASKED)


def test_a_cold_look_takes_the_memory_of_a_batch(auditor: Path, tmp_path: Path) -> None:
    """Cold or warm, far from what the rows would take."""
    env = environment({"XDG_CACHE_HOME": str(tmp_path)})
    peaks = [peak_anonymous_bytes(command(*ASKED), cwd=auditor, env=env) for _ in range(2)]
    assert max(peaks) < 60 * MEGABYTE
