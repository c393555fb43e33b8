"""Stored rows whose checks are right and whose content is not: the state shows it, and the log is read instead."""

import shutil
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import lmdb
import msgspec
import pytest

from ledger.values import RawAction, Window
from projections.fold.folding import replayed
from projections.fold.keys import SEQ_BYTES, seq_key
from projections.fold.tables import Tables
from projections.models import decisions, prices
from projections.models.prices import Prices
from projections.store.lmdb_tables import CHECK_BYTES, sealed
from projections.store.mending import StoreDroppedWarning
from projections.store.replaying import compare
from projections.store.runner import catch_up, open_view
from tests.ledger.ingest.answers import run_of, session
from tests.projections.store.test_mending import database
from tests.projections.store.test_runner import Prefix
from tests.support.committed import SERIES, CommittedLog

BARS, DECIDED, KNOWN, NEWEST = b"\1", b"\2", b"\3", b"\4"
Rows = list[tuple[bytes, bytes]]
Fault = Callable[[lmdb.Transaction, Rows, Rows], None]


def told() -> CommittedLog:
    """Return a series of two decisions that both left something in force."""
    ledger = CommittedLog()
    ledger.answer(run_of([10 + n / 10 for n in range(8)]), [], Window(session(0), session(7)))
    later = run_of([10.5, 10.6, 10.75, 10.9, 11.0], first=5)
    ledger.answer(later, [RawAction(session(8), "dividend", 0.3)], Window(session(5), session(9)))
    return ledger


def removed(txn: lmdb.Transaction, now: Rows, _before: Rows) -> None:
    """Take the newest row away."""
    txn.delete(now[-1][0])


def doubled(txn: lmdb.Transaction, now: Rows, _before: Rows) -> None:
    """Put an older row again, as if a later event had told it."""
    key, value = now[0]
    again = key[:-SEQ_BYTES] + seq_key(10_000)
    txn.put(again, sealed(again, value))


def edited(txn: lmdb.Transaction, now: Rows, _before: Rows) -> None:
    """Change the newest row, its check as well."""
    key, value = now[-1]
    txn.put(key, sealed(key, value[:20] + bytes([value[20] ^ 1]) + value[21:]))


def older(txn: lmdb.Transaction, now: Rows, before: Rows) -> None:
    """Leave only the rows that there were one decision ago."""
    for key, _ in now:
        txn.delete(key)
    for key, value in before:
        txn.put(key, sealed(key, value))


def twice(txn: lmdb.Transaction, now: Rows, _before: Rows) -> None:
    """Put every row again under a later event, the older ones last."""
    for number, (key, value) in enumerate(reversed(now)):
        again = key[:-SEQ_BYTES] + seq_key(10_000 + number)
        txn.put(again, sealed(again, value))


def gone(txn: lmdb.Transaction, now: Rows, _before: Rows) -> None:
    """Take every row away."""
    for key, _ in now:
        txn.delete(key)


def rows(txn: lmdb.Transaction, mark: bytes) -> Rows:
    """Return the rows of one table without their checks."""
    return [(key, stored[:-CHECK_BYTES]) for key, stored in txn.cursor() if key.startswith(mark)]


@pytest.mark.parametrize("mark", [BARS, DECIDED], ids=["prices", "actions"])
@pytest.mark.parametrize("fault", [removed, doubled, edited, older, twice, gone])
@pytest.mark.parametrize("storing", [True, False])
def test_no_false_price_or_action_is_read(tmp_path: Path, fault: Fault, mark: bytes, *, storing: bool) -> None:
    """Whatever the rows are, prices and actions are those of the log; the store is built again where that may be."""
    ledger = told()
    first = next(seq for seq in range(1, ledger.log.head().size) if _decides(ledger, seq))
    catch_up(Prefix(ledger.log, first + 1), tmp_path)
    with database(tmp_path) as txn:
        before = rows(txn, mark)
    catch_up(ledger.log, tmp_path)
    with database(tmp_path) as txn:
        fault(txn, rows(txn, mark), before)
    want = ledger.held()
    with open_view(ledger.log, tmp_path, storing=storing) as view:
        with pytest.warns(StoreDroppedWarning) as caught:
            found = prices.held(view.state["prices"], SERIES)
        assert want == found
        assert want.bars == prices.bars(view.state["prices"], SERIES)
    assert 1 == len(caught)
    assert storing is (compare(ledger.log, tmp_path) == [])


def of_no_bars() -> CommittedLog:
    """Return a series whose newest decision brought a payment and no price that was not held."""
    ledger = CommittedLog()
    rows = run_of([10 + n / 10 for n in range(8)])
    for actions in ([], [RawAction(session(6), "dividend", 0.3)]):
        ledger.answer(rows, actions, Window(session(0), session(7)))
    assert [8, 0] == [len(one.bars) for one in ledger.decisions]
    return ledger


@pytest.mark.parametrize("mark", [DECIDED, KNOWN, NEWEST], ids=["decision", "name", "newest"])
@pytest.mark.parametrize("fault", [removed, gone])
@pytest.mark.parametrize("storing", [True, False])
def test_no_decision_is_lost(tmp_path: Path, mark: bytes, fault: Fault, *, storing: bool) -> None:
    """Though what is left leads to a state that was true once, or to none: the newest one is known twice."""
    ledger = of_no_bars()
    catch_up(ledger.log, tmp_path)
    with database(tmp_path) as txn:
        fault(txn, rows(txn, mark), [])
    want = ledger.held()
    with warnings.catch_warnings(record=True) as caught, open_view(ledger.log, tmp_path, storing=storing) as view:
        warnings.simplefilter("always")
        tables = view.state["prices"]
        assert (SERIES,) == prices.all_series(tables) == prices.all_series(tables, SERIES.ticker)
        assert (SERIES.provider,) == decisions.judged(tables, SERIES.ticker)
        assert want == prices.held(tables, SERIES)
    assert [StoreDroppedWarning] == [one.category for one in caught]
    assert [] == compare(ledger.log, tmp_path) or not storing


def _decides(ledger: CommittedLog, seq: int) -> bool:
    (record,) = ledger.log.read(seq, seq + 1)
    return b"validation.completed/2" in record.body


def test_rows_that_hold_are_read_as_they_are(tmp_path: Path) -> None:
    """Without a warning, and without a fold of the log."""
    ledger = told()
    catch_up(ledger.log, tmp_path)
    with open_view(ledger.log, tmp_path) as view:
        assert ledger.held() == prices.held(view.state["prices"], SERIES)


def test_events_past_the_store_are_folded_over_rows_that_hold(tmp_path: Path) -> None:
    """A reader that may not write holds what is stored against the decision at which the store stands."""
    ledger = told()
    first = next(seq for seq in range(1, ledger.log.head().size) if _decides(ledger, seq))
    catch_up(Prefix(ledger.log, first + 1), tmp_path)
    with open_view(ledger.log, tmp_path, storing=False) as view:
        assert ledger.held() == prices.held(view.state["prices"], SERIES)


def replaced(txn: lmdb.Transaction) -> None:
    """Change a bar that another one has replaced since, its check as well."""
    now = rows(txn, BARS)
    key, value = next(one for one, other in pairwise(now) if one[0][:-SEQ_BYTES] == other[0][:-SEQ_BYTES])
    bar, recorded_at = msgspec.msgpack.decode(value)
    value = msgspec.msgpack.encode([[*bar[:4], bar[4] + 10_000, *bar[5:]], recorded_at])
    txn.put(key, sealed(key, value))


def without_trace(txn: lmdb.Transaction) -> None:
    """Take the second of three decisions away with all that it made, where the third made the same days anew."""
    second = rows(txn, DECIDED)[1][0]
    for key, _ in [*rows(txn, DECIDED), *rows(txn, BARS)]:
        if key.endswith(second[-SEQ_BYTES:]):
            txn.delete(key)


def other_terms(txn: lmdb.Transaction) -> None:
    """Have the newest decision say that its prices are on another basis."""
    key, value = rows(txn, DECIDED)[-1]
    decision = msgspec.msgpack.decode(value, type=decisions.Decision)
    txn.put(key, sealed(key, msgspec.msgpack.encode(msgspec.structs.replace(decision, basis="as_traded"))))


def corrected_twice() -> CommittedLog:
    """Return a series whose middle decision has nothing in force any more."""
    ledger = told()
    ledger.answer(run_of([10.5, 10.6, 10.7, 10.95, 10.9], first=5), [], Window(session(5), session(9)))
    return ledger


@pytest.mark.parametrize("fault", [replaced, without_trace, other_terms])
@pytest.mark.parametrize("storing", [True, False])
def test_no_false_past_is_read(tmp_path: Path, fault: Callable[[lmdb.Transaction], None], *, storing: bool) -> None:
    """As of any position, and of every version there was: though what is in force now leads to its state."""
    ledger = corrected_twice()
    size = ledger.log.head().size
    catch_up(ledger.log, tmp_path)
    with database(tmp_path) as txn:
        fault(txn)
    asked: list[Callable[[Tables], object]] = [
        *(partial(as_of, position=position) for position in range(size + 1)),
        lambda tables: list(prices.versions(tables, SERIES)),
        lambda tables: prices.on_day(tables, SERIES, session(7), size - 2),
    ]
    sound, warned = replayed(ledger.log.read(), [Prices()])[1]["prices"], 0
    for question in asked:
        shutil.rmtree(copy := tmp_path.with_name("copy"), ignore_errors=True)
        shutil.copytree(tmp_path, copy)
        with warnings.catch_warnings(record=True) as caught, open_view(ledger.log, copy, storing=storing) as view:
            warnings.simplefilter("always")
            assert question(sound) == question(view.state["prices"])
        warned += bool(caught)
    assert warned == (len(asked) if fault == other_terms else warned)
    assert 0 < warned


def as_of(tables: Tables, position: int) -> object:
    """Return what the series is once `position` events were read."""
    newest = decisions.newest(tables, SERIES, position)
    held = prices.in_force(tables, SERIES, position)
    return newest and newest.basis, held, prices.actions(tables, SERIES, position)


def test_a_past_that_holds_is_read_as_it_is(tmp_path: Path) -> None:
    """Without a warning, and without a fold of the log."""
    ledger = corrected_twice()
    catch_up(ledger.log, tmp_path)
    with warnings.catch_warnings(action="error"), open_view(ledger.log, tmp_path) as view:
        for position in range(ledger.log.head().size + 1):
            as_of(view.state["prices"], position)
        assert 8 + 3 + 3 == len(list(prices.versions(view.state["prices"], SERIES)))
