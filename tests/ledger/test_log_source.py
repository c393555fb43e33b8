"""One check holds a log against a remembered head, whoever remembers it."""

import pytest

from ledger.chain import EMPTY_HEAD, Head, Link
from ledger.errors import DamagedError, ForkedError, RolledBackError
from ledger.ids import append_id
from ledger.log_source import check_head, sound
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.tampering import edit, filled, key
from tests.support.drafts import StepClock, connection_tested


def test_what_is_remembered_is_reported_beside_what_is_found(log: EventLog) -> None:
    """Nothing for any head that the log ever had, that of no events included; else both heads and the witness."""
    log.append([connection_tested(1)], append_id=append_id("n/1"))
    head, first, other = log.head(), log.link_at(0), Link(bytes(32))
    assert first is not None
    for held in (EMPTY_HEAD, Head(1, first), head):
        check_head(log.link_at, log.head, held, "saved head")
    found = {"witness": "saved head", "expected_link": other, "size": 2, "link": head.link}
    with pytest.raises(RolledBackError) as shorter:
        check_head(log.link_at, log.head, Head(3, other), "saved head")
    assert {**found, "expected_size": 3} == vars(shorter.value)
    with pytest.raises(ForkedError) as forked:
        check_head(log.link_at, log.head, Head(1, other), "saved head")
    assert {**found, "expected_size": 1, "found_link": first} == vars(forked.value)


@pytest.mark.damages("one event is changed")
def test_what_is_shown_follows_from_what_is_before_it(home: LedgerHome, clock: StepClock) -> None:
    """From any seq; of a changed event the ones before it come, then its seq."""
    filled(home, clock)
    edit(home, lambda txn, events: txn.put(key(3), txn.get(key(3), db=events)[:-1] + b"!", db=events))
    with EventLog(home, now=clock, readonly=True) as log:
        assert [1, 2] == [record.seq for record in sound(log, 1, 3)]
        assert [5] == [record.seq for record in sound(log, 5)]
        for start in (0, 3):
            shown = []
            with pytest.raises(DamagedError) as damage:
                shown += [record.seq for record in sound(log, start)]
            assert (3, "link", []) == (damage.value.seq, damage.value.kind, shown)
