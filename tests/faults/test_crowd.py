"""Two writers and ten readers for two seconds in every run; more: `python -m tests.faults --only crowd --full`."""

import os
from pathlib import Path
from typing import Any

import pytest

import ledger.store.engine
from ledger.ids import append_id
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.faults import crowd
from tests.faults.place import LOCK_TIMEOUT_S, new_home
from tests.faults.tally import Tally
from tests.kills.victim import Victim
from tests.support.drafts import StepClock, connection_tested


def test_readers_follow_a_log_that_grows_under_them(tmp_path: Path) -> None:
    """Two writers whose clocks jump by hours; the map grows and nobody sees a hole, a fork or time run backwards."""
    tally = Tally(part="crowd", seed=1, rounds=1)
    crowd.campaign(1, 1, tmp_path, tally)
    assert [] == tally.violations
    assert tally.counts["looks at the growing log"] > crowd.READERS


def test_a_ledger_that_grows_while_it_is_opened_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process grows the map after this one has mapped the file, and before it looks for its databases."""
    home = new_home(tmp_path / "dados")
    waiting, go = os.pipe()
    monkeypatch.setattr(ledger.store.engine, "FIRST_MAP_BYTES", crowd.SMALL_MAP_BYTES)
    # Forked before anything is open here: a child cannot reopen what it inherited.
    other = Victim(lambda _said: _grow(home, waiting))
    real = Engine._open

    def opened(engine: Engine, **options: Any) -> Any:
        env = real(engine, **options)
        os.write(go, b"!")
        assert (b"", 0) == other.end()
        return env

    monkeypatch.setattr(Engine, "_open", opened)
    with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
        assert 2 == log.head().size
    os.close(waiting)
    os.close(go)


def _grow(home: LedgerHome, waiting: int) -> None:
    os.read(waiting, 1)
    with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
        log.append([connection_tested(0, note="x" * 4 * crowd.SMALL_MAP_BYTES)], append_id=append_id("large"))
