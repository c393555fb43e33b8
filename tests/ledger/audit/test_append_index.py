"""The index of appends is held against the events that it is derived from."""

from pathlib import Path

import lmdb
import pytest

from ledger.audit.append_index import IndexReport, compare_index
from ledger.audit.flaw import Flaw
from ledger.audit.verify import verify_ledger
from ledger.errors import DamagedError
from ledger.ids import append_id
from ledger.store.engine import APPEND, APPENDS
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import StepClock, connection_tested

SIZE = 7  # event 0, then appends of 1, 2 and 3 events
IDS = [append_id(f"n/{number}") for number in (1, 2, 3)]


@pytest.fixture
def folder(home: LedgerHome) -> Path:
    """A ledger folder with appends of several sizes, closed."""
    with EventLog(home, now=StepClock(), lock_timeout_s=5) as log:
        for count, identifier in enumerate(IDS, 1):
            log.append([connection_tested(number) for number in range(count)], append_id=identifier)
    return home.root / "ledger-1"


def put(folder: Path, identifier: bytes, value: bytes | None) -> None:
    """Change one entry of the index; None removes it."""
    with lmdb.open(str(folder), max_dbs=2) as env:
        index = env.open_db(APPENDS)
        with env.begin(write=True, db=index) as txn:
            assert txn.delete(identifier) if value is None else txn.put(identifier, value)


def test_an_index_that_agrees_has_no_flaw(folder: Path) -> None:
    """Creation and three appends; a prefix of them as well, since writers go on while one compares."""
    assert IndexReport(4, None) == compare_index(folder, SIZE)
    assert IndexReport(3, None) == compare_index(folder, 4)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "none"),
        (b"", "none"),
        (APPEND.pack(2, 1), "1 from seq 2"),
        (APPEND.pack(1, 2), "2 from seq 1"),
        (APPEND.pack(2, 2) + b"\0", "none"),
    ],
)
def test_an_entry_that_differs_is_named_with_its_append(folder: Path, value: bytes | None, found: str) -> None:
    """Gone, empty, another count, another place, or too long: the append of seqs 2 and 3 is what was expected."""
    put(folder, IDS[1], value)
    assert IndexReport(2, Flaw(2, "append index", "2 from seq 2", found)) == compare_index(folder, SIZE)


def test_an_entry_of_no_append_is_a_flaw(folder: Path) -> None:
    """A retry under that id would be taken for a repeat."""
    put(folder, bytes(16), APPEND.pack(5, 1))
    assert IndexReport(4, Flaw(None, "append index", "4 appends", "5")) == compare_index(folder, SIZE)


def test_verification_of_the_structure_tells_of_it(folder: Path, home: LedgerHome) -> None:
    """The plain one speaks of the events alone."""
    put(folder, IDS[1], APPEND.pack(2, 1))
    assert "intact" == verify_ledger(home).verdict
    assert "tampered" == verify_ledger(home, structure=True).verdict


def test_an_append_under_an_entry_that_is_none_is_refused(folder: Path, home: LedgerHome) -> None:
    """As damage, and nothing is appended."""
    put(folder, IDS[1], b"short")
    with EventLog(home, now=StepClock(), lock_timeout_s=5) as log:
        with pytest.raises(DamagedError) as refused:
            log.append([connection_tested(9)], append_id=IDS[1])
        assert ("append index", "5 bytes") == (refused.value.kind, refused.value.found)
        assert SIZE == log.head().size
