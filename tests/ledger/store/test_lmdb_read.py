"""A reader that is suspended between the two steps of LMDB's own begin sees one commit, and never a later one first."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.store.engine import Engine
from ledger.store.lmdb_read import begin_reading
from tests.support.readers import dead_reader

COUNT = b"count"
SLOTS = 8


class Overtaken:
    """An environment in which others commit right after a transaction is begun; LMDB's own race, made slow."""

    def __init__(self, env: Any, commits: list[int]) -> None:
        self._env = env
        self._commits = iter(commits)
        self.begin: Callable[[], Any] = self._overtaken
        self.info: Callable[[], Any] = env.info

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def _overtaken(self) -> Any:
        txn = self._env.begin()
        for _ in range(next(self._commits, 0)):
            commit(self._env)
        return txn


def commit(env: Any) -> None:
    """Commit the number of commits."""
    with env.begin(write=True) as txn:
        txn.put(COUNT, str(int(txn.get(COUNT, b"0")) + 1).encode())


def never() -> None:
    """Nobody grows the map here."""
    raise AssertionError


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A database with one commit."""
    folder: Path = tmp_path_factory.mktemp("lmdb")
    with lmdb.open(str(folder), max_readers=SLOTS) as env:
        commit(env)
        yield env


@given(st.lists(st.integers(0, 3), max_size=8))
def test_what_is_begun_is_the_newest_commit_of_two_looks(env: Any, commits: list[int]) -> None:
    """Whatever overtakes it meanwhile: nobody committed between its own begin and the look after it."""
    with env.begin() as txn:
        before = int(txn.get(COUNT))
    settled = commits.index(0) if 0 in commits else len(commits)
    txn = begin_reading(Overtaken(env, commits), adopt_map=never)
    try:
        assert before + sum(commits[:settled]) == int(txn.get(COUNT))
    finally:
        txn.abort()


@pytest.mark.parametrize("commits", [[], [1], [2, 2, 2]])
def test_it_holds_one_slot(env: Any, commits: list[int]) -> None:
    """However often it was begun again; where nobody commits, the last free slot is enough."""
    begun = []
    try:
        begun.extend(begin_reading(Overtaken(env, commits), adopt_map=never) for _ in range(SLOTS - 1))
        begun.append(begin_reading(env, adopt_map=never))
        with pytest.raises(lmdb.ReadersFullError):
            begun.append(begin_reading(env, adopt_map=never))
    finally:
        for txn in begun:
            txn.abort()


@pytest.mark.parametrize("dead", [False, True])
def test_a_commit_that_is_never_announced_is_waited_for_by_nobody(env: Any, dead: bool) -> None:
    """Its writer died between its page and its number: the commit before it is what readers see."""
    unannounced = Overtaken(env, [])
    newest = env.info()["last_txnid"]
    unannounced.info = lambda: {"last_txnid": newest + dead}
    txn = begin_reading(unannounced, adopt_map=never)
    try:
        assert newest == txn.id()
    finally:
        txn.abort()


def test_whoever_opens_the_log_for_writing_frees_the_slots_of_the_dead(tmp_path: Path) -> None:
    """Else what they read stays for ever, and their slots are nobody's."""
    Engine(tmp_path, readonly=False, create=True).close()
    with dead_reader(tmp_path) as is_listed:
        assert is_listed()
        Engine(tmp_path, readonly=False).close()
        assert not is_listed()


def test_a_map_that_others_grow_is_adopted_with_no_transaction_open(env: Any) -> None:
    """LMDB moves the map: whatever would still read from it would read nothing mapped."""
    open_ones: list[Any] = []

    def growing(raises_at: int) -> Callable[[], Any]:
        calls = 0

        def begin() -> Any:
            nonlocal calls
            calls += 1
            if calls == raises_at:
                raise lmdb.MapResizedError
            open_ones.append(env.begin())
            return open_ones[-1]

        return begin

    for raises_at in (1, 2):
        open_ones.clear()
        grown = Overtaken(env, [])
        grown.begin = growing(raises_at)
        grown.info = lambda: {"last_txnid": 0}
        adopted = []

        def adopt(adopted: list[bool] = adopted) -> None:
            for txn in open_ones:
                with pytest.raises(lmdb.Error):
                    txn.get(COUNT)
            adopted.append(True)

        begin_reading(grown, adopt_map=adopt).abort()
        assert [True] == adopted
