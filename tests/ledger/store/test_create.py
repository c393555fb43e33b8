"""Of all who would make the first ledger at once, one does, and only that one says so."""

import os
from functools import partial
from pathlib import Path

from ledger.store.create import create_ledger
from ledger.store.home import LedgerHome
from tests.kills.victim import Victim

PROCESSES = 8


def create(home: LedgerHome, start: int, said: int) -> None:
    """Wait until everybody is there, make the ledger, and say which folder it was."""
    os.read(start, 1)
    made = create_ledger(home, kind="real", software="test", now=lambda: 0, lock_timeout_s=30)
    os.write(said, str(made or "").encode())


def test_one_of_many_creators_made_the_ledger(tmp_path: Path) -> None:
    """It returns the folder in use, the others none."""
    home = LedgerHome(tmp_path / "dados")
    start, go = os.pipe()
    victims = [Victim(partial(create, home, start)) for _ in range(PROCESSES)]
    os.write(go, bytes(PROCESSES))
    ended = [victim.end() for victim in victims]
    os.close(start)
    os.close(go)
    assert [0] * PROCESSES == [code for _, code in ended]
    assert [b""] * (PROCESSES - 1) + [str(home.current()).encode()] == sorted(said for said, _ in ended)
