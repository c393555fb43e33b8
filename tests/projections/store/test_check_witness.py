"""What the read models remember is a witness: a log that does not hold it is refused, with everything it knows."""

from pathlib import Path

import pytest

from ledger.chain import EMPTY_HEAD, Head, Link
from ledger.errors import ForkedError, RolledBackError
from projections.store.folder import Shelf
from projections.store.runner import catch_up, check_witness, remembered
from tests.projections.story import told

STORY = [100, 400, 900]
ELSEWHERE = Link(bytes(32))


def test_a_log_that_holds_it_tells_its_head() -> None:
    """Any head it ever had, that of no events included."""
    log = told(STORY)
    heads = [EMPTY_HEAD, *(Head(record.seq + 1, record.link) for record in log.read())]
    assert [log.head()] * len(heads) == [check_witness(log, head) for head in heads]


def test_a_shorter_log_is_rolled_back() -> None:
    """Both heads are told."""
    log = told(STORY)
    head = log.head()
    with pytest.raises(RolledBackError) as refusal:
        check_witness(log, Head(head.size + 1, ELSEWHERE))
    assert {
        "witness": "projections",
        "expected_size": head.size + 1,
        "expected_link": ELSEWHERE,
        "size": head.size,
        "link": head.link,
    } == vars(refusal.value)


def test_another_event_there_is_a_fork() -> None:
    """All three links are told."""
    log = told(STORY)
    head, found = log.head(), next(log.read(1, 2)).link
    with pytest.raises(ForkedError) as refusal:
        check_witness(log, Head(2, ELSEWHERE))
    assert {
        "witness": "projections",
        "expected_size": 2,
        "expected_link": ELSEWHERE,
        "found_link": found,
        "size": head.size,
        "link": head.link,
    } == vars(refusal.value)


def test_what_is_up_to_date_takes_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual case of a reading command: it waits for nobody and writes nothing."""
    log = told(STORY)
    catch_up(log, tmp_path)
    monkeypatch.delattr(Shelf, "locked")
    assert log.head() == catch_up(log, tmp_path)


def test_what_is_remembered_is_the_head_that_is_stored(tmp_path: Path) -> None:
    """None before anything is stored."""
    log = told(STORY)
    assert remembered(tmp_path) is None
    assert catch_up(log, tmp_path) == remembered(tmp_path) == log.head()
