"""Fixtures shared by all tests: ledgers that the oracle checks when they close."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support import teardown
from tests.support.drafts import StepClock
from tests.support.oracle import check_log

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

PASSED = pytest.StashKey[bool]()
SHARED = pytest.StashKey[set[Path]]()
# Rooms whose tests have the oracle look by a call of their own, where they do: what they damage bears no mark yet.
BY_THEMSELVES = ("benchmarks", "docs", "e2e", "faults", "fuzz", "kills", "properties", "scripts", "test_old_ledger.py")


def _is_looked_at(node_id: str) -> bool:
    return not node_id.startswith(tuple(f"tests/{room}" for room in BY_THEMSELVES))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep whether the test passed, for what comes after it."""
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Keep which folders several tests share, for what comes after them all."""
    made = yield
    if fixturedef.scope != "function" and isinstance(made, Path) and _is_looked_at(fixturedef.baseid):
        request.config.stash.setdefault(SHARED, set()).add(made)
    return made


@pytest.fixture(scope="session", autouse=True)
def _looked_at_last(request: pytest.FixtureRequest) -> Iterator[None]:
    """The oracle looks at every ledger in the folders that tests shared."""
    yield
    for folder in sorted(request.config.stash.get(SHARED, set())):
        teardown.check_below(folder)
    teardown.check_all_damaged()


@pytest.fixture(autouse=True)
def _looked_at(request: pytest.FixtureRequest) -> Iterator[None]:
    """The oracle looks at every ledger that the test left in its folder, whoever made it."""
    folder: Path | None = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None and _is_looked_at(request.node.nodeid):
        mark = request.node.get_closest_marker("damages")
        if mark is None:
            teardown.check_below(folder)
        elif mark.kwargs.get("always", True) and request.node.stash.get(PASSED, False):
            teardown.check_damaged(folder, *mark.args)


@pytest.fixture(scope="session", autouse=True)
def _cached_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept of archives is kept for this session alone, by whatever is started in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def clock() -> StepClock:
    """A clock that only the test moves."""
    return StepClock()


@pytest.fixture
def home(tmp_path: Path, clock: StepClock) -> LedgerHome:
    """A home with a new ledger in it."""
    home = LedgerHome(tmp_path / "dados")
    create_ledger(home, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    return home


@pytest.fixture
def log(home: LedgerHome, clock: StepClock) -> Iterator[EventLog]:
    """A ledger open for writing; the oracle runs over it at the end."""
    log = EventLog(home, now=clock, lock_timeout_s=5)
    yield log
    check_log(log)
    log.close()
