"""A service user's ledger that root looks at and works on: nothing that root leaves locks its owner out."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.as_user import NOBODY, ROOT, main_as, warmed

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != ROOT, reason="only root can be two users")
LOOKS = (
    ("metrics",),
    ("health",),
    ("verify",),
    ("prices", "--ticker", "PETR4.SA"),
    ("logs",),
    ("rebuild", "--check"),
    ("snapshot", "--check"),
)
WORKS = (
    ("--no-network", "--ticker", "VALE3.SA"),
    ("backup", "--create", "--verify"),
    ("rebuild",),
    ("export", "--format", "csv", "--out", "tables"),
    ("checkpoint", "--key", "signing.key", "--out", "published"),
    ("verify", "--save-head", "head.json"),
)
KEY = ("key", "new", "--out", "signing.key")

pytestmark = NEEDS_ROOT


@pytest.fixture(scope="module", autouse=True)
def _warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what the commands need while that can be read."""
    first = ("--no-network", "--ticker", "PETR4.SA", "--ticker", "VALE3.SA")
    warmed(
        tmp_path_factory.mktemp("warm"), [first, KEY, *WORKS, *LOOKS, ("salvage", "--out", "saved.db"), ("verify", "x")]
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the service user's, on a path that everybody may walk, with a ledger in it."""
    place = Path(tempfile.mkdtemp(prefix="b3-ledger-two-users-"))
    os.chown(place, NOBODY, NOBODY)
    place.chmod(0o755)
    made = main_as(NOBODY, place, "--no-network", "--ticker", "PETR4.SA")
    assert 0 == made.code, made.err
    assert 0 == main_as(NOBODY, place, *KEY).code
    yield place
    shutil.rmtree(place)


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the owner and group of everything in `folder` that is not the service user's."""
    found = {str(path.relative_to(folder)): path.lstat() for path in folder.rglob("*")}
    return {name: (one.st_uid, one.st_gid) for name, one in found.items() if (one.st_uid, one.st_gid) != (NOBODY,) * 2}


def ledger(folder: Path) -> Path:
    """Return the folder of the ledger in use."""
    return folder / "dados" / "sample" / "ledger-1"


@pytest.mark.parametrize("args", [*LOOKS, *WORKS], ids=" ".join)
def test_what_root_makes_is_the_service_users(folder: Path, args: tuple[str, ...]) -> None:
    """Whatever root was the first to need: the lock file, the read models, a ticker's lock, a snapshot, a backup."""
    for one in (ledger(folder) / "lock.mdb", ledger(folder) / "projections", folder / "dados" / "sample" / "locks"):
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    looked = main_as(ROOT, folder, *args)
    assert {} == owners(folder), looked.err
    for theirs in (("--no-network", "--ticker", "PETR4.SA"), ("metrics",), ("rebuild", "--check")):
        done = main_as(NOBODY, folder, *theirs)
        assert 0 == done.code, done.err


def test_a_ledger_that_root_makes_in_a_service_users_folder_is_that_users(folder: Path) -> None:
    """From the data folder down."""
    shutil.rmtree(folder / "dados")
    shutil.rmtree(folder / "snapshots")
    made = main_as(ROOT, folder, "--no-network", "--ticker", "PETR4.SA")
    assert (0, {}) == (made.code, owners(folder))
    assert 0 == main_as(NOBODY, folder, "--no-network", "--ticker", "PETR4.SA").code


@pytest.mark.parametrize("user", [ROOT, NOBODY])
def test_no_umask_leaves_anything_that_others_may_write(folder: Path, user: int) -> None:
    """Folders, snapshots, backups and exports among them."""
    shutil.rmtree(folder / "dados")
    shutil.rmtree(folder / "snapshots")
    for args in (("--no-network", "--ticker", "PETR4.SA"), *WORKS, *LOOKS):
        done = main_as(user, folder, *args, umask=0)
        assert done.code in (0, 1), done.err
    open_to_others = stat.S_IWGRP | stat.S_IWOTH
    assert [] == [str(path) for path in folder.rglob("*") if path.lstat().st_mode & open_to_others]


def test_what_root_left_in_other_days_counts_as_absent(folder: Path) -> None:
    """A store and locks that their folder's owner cannot open are made anew: all that they hold is in the log."""
    projections, locks = ledger(folder) / "projections", folder / "dados" / "sample" / "locks"
    (store,) = projections.glob("store-*")
    for path in (store, *store.iterdir(), projections / "lock", projections / "CURRENT", locks / "PETR4.SA.lock"):
        os.chown(path, ROOT, ROOT)
        path.chmod(0o700 if path.is_dir() else 0o600)
    for args in (*LOOKS, ("--no-network", "--ticker", "PETR4.SA")):
        done = main_as(NOBODY, folder, *args)
        assert (0, "") == (done.code, done.err if "error" in done.err else ""), args
    (current,) = {(projections / "CURRENT").read_text().strip()} - {store.name}
    assert NOBODY == (projections / current).stat().st_uid


def test_a_ticker_lock_that_somebody_holds_is_not_replaced(folder: Path) -> None:
    """The note of its holder lies beside it, whether or not it can be read."""
    locks = folder / "dados" / "sample" / "locks"
    for name in ("PETR4.SA.lock", "PETR4.SA.holder"):
        (locks / name).touch(0o600)
        os.chown(locks / name, ROOT, ROOT)
        (locks / name).chmod(0o600)
    done = main_as(NOBODY, folder, "--no-network", "--ticker", "PETR4.SA")
    assert 3 == done.code
    assert f"got 'Permission denied' on writing {locks.relative_to(folder)}/PETR4.SA.lock" in done.err
    assert ROOT == (locks / "PETR4.SA.lock").stat().st_uid


@pytest.mark.parametrize("name", ["lock.mdb", "data.mdb", "head"])
@pytest.mark.parametrize(
    "args",
    [
        ("verify",),
        ("salvage", "--out", "saved.db"),
        ("metrics",),
        ("health",),
        ("prices", "--ticker", "PETR4.SA"),
        ("--no-network", "--ticker", "PETR4.SA"),
        ("backup", "--create"),
    ],
    ids=" ".join,
)
def test_a_file_of_the_ledger_that_may_not_be_read_is_named(folder: Path, name: str, args: tuple[str, ...]) -> None:
    """Exit 3: nothing was seen of the ledger, so nothing is said of damage, nor of restoring."""
    os.chown(ledger(folder) / name, ROOT, ROOT)
    done = main_as(NOBODY, folder, *args)
    words = done.out + done.err
    assert 3 == done.code, words
    assert f"got 'Permission denied' on reading {(ledger(folder) / name).relative_to(folder)}" in words
    assert not any(word in words for word in ("restore", "unreadable:", "tampered", "Traceback"))
