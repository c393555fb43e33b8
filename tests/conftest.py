"""Fixtures shared by all tests: ledgers that the oracle checks when they close."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import StepClock
from tests.support.oracle import check_log

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


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
