"""Parts of a stored series: held against the log, whatever is wrong with the rows or the leaves kept beside them."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.ingest.rules.held import Held, Reach
from ledger.market.series import Series
from ledger.market.sessions import sessions
from ledger.values import RawAction, RawBar, Window
from projections.fold.tables import Row
from projections.store.linked_tables import LinkedTable
from projections.store.lmdb_tables import CHECK_BYTES, LmdbTable, sealed
from projections.store.mending import StoreDroppedWarning
from projections.store.replaying import compare
from projections.store.runner import catch_up, open_view
from projections.store.store import LEAVES_MARK
from projections.store.windows import DECISIONS_MAX, KeptLeaves
from tests.projections.store.test_commitments import (
    BARS,
    DECIDED,
    KNOWN,
    Fault,
    doubled,
    edited,
    gone,
    older,
    removed,
    twice,
)
from tests.projections.store.test_mending import database
from tests.projections.store.test_runner import Prefix
from tests.support.committed import SERIES, CommittedLog

YEARS = (2021, 2022, 2023, 2024, 2025)
DAYS = [day for year in YEARS for day in sessions(Window(date(year, 3, 1), date(year, 3, 10)))]
LAST = Reach(Window(DAYS[-2], DAYS[-1]), ends=True)
Rows = list[tuple[bytes, bytes]]


def told() -> CommittedLog:
    """Return five years, and a correction of the newest sessions with a payment in it."""
    ledger = CommittedLog()
    rows = [raw(number) for number in range(len(DAYS))]
    ledger.answer(rows[:-1], [RawAction(DAYS[9], "dividend", 0.1)], Window(DAYS[0], DAYS[-2]))
    rows[-2] = raw(len(DAYS) - 2, 10.01)
    ledger.answer(rows[-3:], [RawAction(DAYS[-1], "dividend", 0.3)], Window(DAYS[-3], DAYS[-1]))
    return ledger


def raw(number: int, close: float = 10.0) -> RawBar:
    """Return the row of a day, like no other."""
    price = close + number / 100
    return RawBar(DAYS[number], price, price, price, price, price, 1000 + number)


def part(ledger: CommittedLog, folder: Path, reach: Reach | None = LAST, *, storing: bool = True) -> Held:
    """Return what a view hands out."""
    with open_view(ledger.log, folder, storing=storing) as view:
        return view.held(SERIES, reach)


def true_part(found: Held, ledger: CommittedLog) -> bool:
    """Return whether what was handed out is the truth: of all that is held, or of whole years of it."""
    whole = ledger.held()
    years = {day.year for day in found.bars}
    if found.reach is None:
        return found.bars == whole.bars and found.actions == whole.actions
    want = {day: bar for day, bar in whole.bars.items() if day.year in years}
    return {YEARS[0], YEARS[-1]} <= years and (want, whole.actions) == (found.bars, found.actions)


def kept(folder: Path) -> Rows:
    """Return the leaves that the store keeps, without their checks."""
    with database(folder) as txn:
        return [(key, value[:-CHECK_BYTES]) for key, value in txn.cursor() if key.startswith(LEAVES_MARK)]


def put(folder: Path, key: bytes, leaves: KeptLeaves) -> None:
    """Keep these leaves, with a check that is right."""
    with database(folder) as txn:
        txn.put(key, sealed(key, msgspec.msgpack.encode(leaves)))


def decode(value: bytes) -> KeptLeaves:
    """Return leaves as they are kept."""
    return msgspec.msgpack.decode(value, type=KeptLeaves)


def test_leaves_are_kept_and_read_in_place_of_rows(tmp_path: Path) -> None:
    """The second reader has three years of five, and the state of all; what is stored is what the log gives.

    Beside the four sessions of the last year lies the last one of the year before.
    """
    ledger = told()
    assert true_part(part(ledger, tmp_path), ledger)
    assert 1 == len(kept(tmp_path))
    found = part(ledger, tmp_path)
    assert true_part(found, ledger)
    assert found.reach is not None
    assert {YEARS[0], *YEARS[-2:]} == {day.year for day in found.bars}
    assert found.leaves is not None
    assert set(YEARS) == set(found.leaves)
    assert [] == compare(ledger.log, tmp_path)


def test_nothing_stored_of_a_series_that_was_decided_on_is_no_empty_series(tmp_path: Path) -> None:
    """A job that judged its answer against nothing held would record that for good."""
    ledger = told()
    catch_up(ledger.log, tmp_path)
    with database(tmp_path) as txn:
        for mark in (BARS, DECIDED, KNOWN):
            gone(txn, [(bytes(key), b"") for key, _ in txn.cursor() if key.startswith(mark)], [])
    with pytest.warns(StoreDroppedWarning):
        assert true_part(part(ledger, tmp_path), ledger)


def test_all_of_a_series_is_read_row_by_row(tmp_path: Path) -> None:
    """With the leaf of every year, whatever was kept."""
    ledger = told()
    for _ in range(2):
        found = part(ledger, tmp_path, None)
        assert true_part(found, ledger)
        assert found.reach is None
    assert [] == compare(ledger.log, tmp_path)


def test_leaves_outlive_later_decisions(tmp_path: Path) -> None:
    """The years that these touch are read; after some of them the leaves are kept anew."""
    ledger = told()
    part(ledger, tmp_path)
    first = decode(kept(tmp_path)[0][1]).seq
    for number in range(DECISIONS_MAX + 1):
        newest = [raw(len(DAYS) - 3), raw(len(DAYS) - 2, 10.02 + number / 100), raw(len(DAYS) - 1)]
        ledger.answer(newest, [], Window(DAYS[-3], DAYS[-1]))
        assert first == decode(kept(tmp_path)[0][1]).seq
        assert true_part(part(ledger, tmp_path), ledger)
    assert first < decode(kept(tmp_path)[0][1]).seq


def test_a_correction_of_another_year_is_seen(tmp_path: Path) -> None:
    """Its leaf is no longer the one kept."""
    ledger = told()
    part(ledger, tmp_path)
    ledger.answer([raw(12, 12.0), raw(13), raw(14)], [], Window(DAYS[12], DAYS[14]), [raw(n) for n in range(len(DAYS))])
    assert true_part(part(ledger, tmp_path), ledger)
    assert true_part(part(ledger, tmp_path), ledger)


@pytest.mark.parametrize("mark", [BARS, DECIDED], ids=["prices", "actions"])
@pytest.mark.parametrize("fault", [removed, doubled, edited, older, twice, gone])
@pytest.mark.parametrize("reach", [LAST, None], ids=["part", "whole"])
@pytest.mark.parametrize("storing", [True, False])
def test_no_false_part_is_read(
    tmp_path: Path, fault: Fault, mark: bytes, reach: Reach | None, *, storing: bool
) -> None:
    """Nor a false whole, whatever the rows are; the store is built again where that may be."""
    ledger = told()
    catch_up(Prefix(ledger.log, 3), tmp_path)
    before = rows(tmp_path, mark)
    part(ledger, tmp_path)
    with database(tmp_path) as txn:
        now = [(key, value[:-CHECK_BYTES]) for key, value in txn.cursor() if key.startswith(mark)]
        fault(txn, now, before)
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert true_part(part(ledger, tmp_path, reach, storing=storing), ledger)
    # A row that is doubled as it is changes no value that is in force.
    harmless = (fault, mark) == (doubled, BARS)
    assert (0 if harmless else 1) == len(caught)
    assert (storing and not harmless) is (compare(ledger.log, tmp_path) == [])


def rows(folder: Path, mark: bytes) -> Rows:
    """Return the rows of a table, without their checks."""
    with database(folder) as txn:
        return [(key, value[:-CHECK_BYTES]) for key, value in txn.cursor() if key.startswith(mark)]


def test_a_flipped_bit_of_kept_leaves_drops_the_store(tmp_path: Path) -> None:
    """As that of any row does."""
    ledger = told()
    part(ledger, tmp_path)
    (key, value) = kept(tmp_path)[0]
    for at in range(0, len(value), 7):
        with database(tmp_path) as txn:
            row = bytearray(txn.get(key))
            row[at] ^= 4
            txn.put(key, bytes(row))
        with pytest.warns(StoreDroppedWarning) as caught:
            assert true_part(part(ledger, tmp_path), ledger)
        assert 1 == len(caught)
        assert value == kept(tmp_path)[0][1]


def test_kept_leaves_that_are_false_are_not_believed(tmp_path: Path) -> None:
    """Removed, edited with their check, of an older state, or of no state at all: worked out again, and kept."""
    ledger = told()
    part(ledger, tmp_path)
    (key, value) = kept(tmp_path)[0]
    good = decode(value)
    older = CommittedLog()
    older.answer([raw(number, 11.0) for number in range(len(DAYS))], [], Window(DAYS[0], DAYS[-1]))
    other = decode(_kept_of(older, tmp_path / "other")[0][1])
    middle = YEARS[2]
    for false in (
        KeptLeaves(good.seq, {**good.leaves, middle: bytes(32)}, good.actions),
        KeptLeaves(good.seq, {year: one for year, one in good.leaves.items() if year != middle}, good.actions),
        KeptLeaves(good.seq, {**good.leaves, 1994: bytes(32)}, good.actions),
        KeptLeaves(good.seq, good.leaves, good.actions[:1]),
        KeptLeaves(good.seq, good.leaves, good.actions * 2),
        KeptLeaves(good.seq + 1_000, good.leaves, good.actions),
        KeptLeaves(good.seq, other.leaves, other.actions),
        KeptLeaves(0, other.leaves, other.actions),
    ):
        put(tmp_path, key, false)
        with warnings.catch_warnings(action="error"):
            assert true_part(part(ledger, tmp_path), ledger)
            assert good == decode(kept(tmp_path)[0][1])
    for junk in (b"", b"\xc1", msgspec.msgpack.encode([1, {}])):
        with database(tmp_path) as txn:
            txn.put(key, sealed(key, junk))
        assert true_part(part(ledger, tmp_path), ledger)
        assert good == decode(kept(tmp_path)[0][1])
    with database(tmp_path) as txn:
        txn.delete(key)
    assert true_part(part(ledger, tmp_path), ledger)
    assert good == decode(kept(tmp_path)[0][1])


def _kept_of(ledger: CommittedLog, folder: Path) -> Rows:
    folder.mkdir()
    part(ledger, folder)
    return kept(folder)


def test_damage_to_a_year_that_is_not_read_shows_once_it_is(tmp_path: Path) -> None:
    """What the job decides rests on what it read; a command that serves the series reads it all."""
    ledger = told()
    part(ledger, tmp_path)
    middle = next(key for key, value in rows(tmp_path, BARS) if b"2023-03" in value)
    with database(tmp_path) as txn:
        txn.delete(middle)
    with warnings.catch_warnings(action="error"):
        assert true_part(part(ledger, tmp_path), ledger)
    whole = Reach(Window(DAYS[0], DAYS[-1]), ends=True)
    with pytest.warns(StoreDroppedWarning):
        assert true_part(part(ledger, tmp_path, whole), ledger)
    assert [] == compare(ledger.log, tmp_path)


def test_where_nothing_may_be_written_nothing_is_kept(tmp_path: Path) -> None:
    """The part is read all the same."""
    ledger = told()
    catch_up(ledger.log, tmp_path)
    assert true_part(part(ledger, tmp_path, storing=False), ledger)
    assert [] == kept(tmp_path)


def test_a_view_that_ends_by_an_error_keeps_nothing(tmp_path: Path) -> None:
    """The next one does."""
    ledger = told()
    with suppress(KeyError), open_view(ledger.log, tmp_path) as view:
        view.held(SERIES, LAST)
        raise KeyError
    assert [] == kept(tmp_path)


def test_series_of_which_nothing_is_held_cost_three_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At names, decisions and rows, for all that lie beside each other: a file has thousands of new tickers."""
    log = told().log
    catch_up(log, tmp_path)
    looked: list[bytes] = []

    def counting(scan: Callable[..., Iterator[Row]]) -> Callable[..., Iterator[Row]]:
        def counted(table: LmdbTable, prefix: bytes = b"", **how: Any) -> Iterator[Row]:
            looked.append(prefix)
            return scan(table, prefix, **how)

        return counted

    with open_view(log, tmp_path) as view, monkeypatch.context() as patched:
        for kind in (LmdbTable, LinkedTable):
            patched.setattr(kind, "scan", counting(kind.scan))
        reach = Reach(Window(date(2025, 1, 2), date(2025, 1, 3)), ends=False)
        for ticker in ("NOVA3.SA", "NOVA4.SA"):
            assert Held({}) == view.held(Series(ticker, "cotahist"), reach)
    assert 3 == len(looked)


def test_what_lies_between_series_of_which_nothing_is_held_is_found(tmp_path: Path) -> None:
    """In whatever order they are asked for."""
    ledger = told()
    reach = Reach(Window(DAYS[0], DAYS[-1]), ends=False)
    with open_view(ledger.log, tmp_path) as view:
        for ticker in ("AAAA3.SA", SERIES.ticker, "ZZZZ3.SA", SERIES.ticker, "AAAA3.SA"):
            of = Series(ticker, SERIES.provider)
            assert (of == SERIES) == bool(view.held(of, reach).bars), ticker
