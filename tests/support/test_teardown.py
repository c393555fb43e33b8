"""The oracle finds a ledger that does not hold when its test is over, whoever made it and however well it is forged."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import msgspec
import pytest

from ledger.store.home import LedgerHome
from projections.store.folder import Shelf
from projections.store.lmdb_tables import CHECK_BYTES, sealed
from tests.support import sample_ledger
from tests.support.cli import REPOSITORY, environment
from tests.support.forging import DATA, TYPE, Body, forge_ledger
from tests.support.sample_ledger import FOLDER
from tests.support.teardown import NotWholeError, check_below, check_damaged, check_whole

CONFTEST = "from tests.conftest import _looked_at, _looked_at_last, pytest_fixture_setup, pytest_runtest_makereport\n"
TESTS = """
import shutil
from pathlib import Path

import pytest

from tests.support.sample_ledger import FOLDER
from tests.support.teardown import damaged
from tests.support.test_teardown import one_price_dearer

MADE = Path({made!r})


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return shutil.copytree(MADE, tmp_path_factory.mktemp("shared") / "copy")


def test_whole(tmp_path):
    shutil.copytree(MADE, tmp_path / "copy")


def test_forged(tmp_path):
    one_price_dearer(shutil.copytree(MADE, tmp_path / "copy"))


@pytest.mark.damages("one price is dearer")
def test_forged_and_said(tmp_path):
    one_price_dearer(shutil.copytree(MADE, tmp_path / "copy"))


@pytest.mark.damages("nothing at all")
def test_said_and_not_done(tmp_path):
    shutil.copytree(MADE, tmp_path / "copy")


@pytest.mark.damages("nothing, in this case", always=False)
def test_said_of_some_cases(tmp_path):
    shutil.copytree(MADE, tmp_path / "copy")


@pytest.mark.damages("what is not there on this machine")
def test_skipped(tmp_path):
    pytest.skip("it is not there")


def test_shared(shared):
    {does}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the sample's ledger in it, to be read only."""
    return sample_ledger.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return shutil.copytree(made, tmp_path / "copy")


def one_price_dearer(copy: Path) -> None:
    """Raise an accepted price, and mend whatever else of the ledger tells of it: it verifies."""

    def dearer(events: list[Body]) -> list[Body]:
        decision = next(event for event in events if event[TYPE].startswith("validation.completed/"))
        decision[DATA]["bars"][0][4] += 10_000
        decision[DATA].pop("series_state", None)
        return events

    forge_ledger(copy / FOLDER, dearer)


def one_byte_changed(copy: Path) -> None:
    """Change one byte of an event in the file."""
    with lmdb.open(str(copy / FOLDER), max_dbs=2) as env, env.begin(write=True) as txn:
        events, key = env.open_db(b"events", txn=txn), (3).to_bytes(8, "big")
        stored = txn.get(key, db=events)
        txn.put(key, stored[:-1] + bytes([stored[-1] ^ 1]), db=events)


def last_events_gone(copy: Path) -> None:
    """Put an older database back, whose anchor knows better."""
    old = (copy / FOLDER / "data.mdb").read_bytes()
    sample_ledger.make_more(copy)
    (copy / FOLDER / "data.mdb").write_bytes(old)


def one_row_changed(copy: Path) -> None:
    """Change a row of the read models, and its check: the log says something else."""
    store = Shelf(copy / FOLDER).current()
    assert store is not None
    with lmdb.open(str(store)) as env, env.begin(write=True) as txn:
        old, new = map(msgspec.msgpack.encode, (39_660_000, 39_670_000))
        key, stored = next((key, stored) for key, stored in txn.cursor() if old in stored)
        txn.put(key, sealed(key, stored[:-CHECK_BYTES].replace(old, new)))


@pytest.mark.damages("the ledger, once in each way")
@pytest.mark.parametrize("damage", [one_price_dearer, one_byte_changed, last_events_gone, one_row_changed])
def test_what_does_not_hold_is_found(damage: Callable[[Path], None], copy: Path) -> None:
    """By the audit, by verification, by a witness, by the fold; and it was whole before."""
    check_whole(LedgerHome(copy / FOLDER.parent))
    damage(copy)
    with pytest.raises(NotWholeError):
        check_below(copy.parent)
    check_damaged(copy.parent, "the ledger")


@pytest.mark.damages("the ledgers of the tests that are run in it")
@pytest.mark.parametrize(
    ("does", "of_shared"),
    [
        ("one_price_dearer(shared)", ["ERROR"]),
        ('one_price_dearer(damaged(shared, "one price is dearer"))', []),
        ('damaged(shared, "nothing at all")', ["ERROR"]),
    ],
)
def test_a_test_fails_whose_ledger_does_not_hold_unless_it_says_so(
    does: str, of_shared: list[str], made: Path, tmp_path: Path
) -> None:
    """In its own folder and in one that tests share; and so does one that says so of a ledger that is whole."""
    file = tmp_path / "test_these.py"
    (tmp_path / "conftest.py").write_text(CONFTEST)
    file.write_text(TESTS.format(made=str(made), does=does))
    options = ("-c", str(REPOSITORY / "pyproject.toml"), "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "--tb=no", *options, str(file)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    words = [line.split() for line in done.stdout.splitlines()]
    found = [(first, rest[0].rpartition("::")[2]) for first, *rest in words if rest and "::" in rest[0]]
    names = ("whole", "forged", "forged_and_said", "said_and_not_done", "said_of_some_cases", "shared")
    assert [
        *(("PASSED", f"test_{name}") for name in names),
        *(("ERROR", f"test_{name}") for name in ("forged", "said_and_not_done")),
        *((outcome, "test_shared") for outcome in of_shared),
    ] == found, done.stdout
