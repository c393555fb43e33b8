"""Many series read at once are what each is scanned as, whatever is wrong with the rows."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import numpy as np
import pytest

from ledger.market.series import Series
from projections.fold.folding import replayed
from projections.models import prices
from projections.models.bar_columns import EPOCH_ORDINAL
from projections.models.prices import Prices, Version
from projections.queries.choosing import SeriesWanted, chosen
from projections.relations.sessions import sessions
from projections.store import bulk
from projections.store.mending import StoreDroppedWarning
from projections.store.replaying import compare
from projections.store.runner import catch_up, open_view
from projections.store.store import View
from tests.projections.store.test_commitments import (
    BARS,
    DECIDED,
    Fault,
    corrected_twice,
    doubled,
    edited,
    gone,
    older,
    removed,
    replaced,
    rows,
    told,
    twice,
    without_trace,
)
from tests.projections.store.test_mending import database, flip
from tests.projections.store.test_runner import LONG_STORY, Prefix
from tests.projections.story import Story, bar, day
from tests.projections.story import told as told_before
from tests.support.committed import SERIES

Found = list[tuple[int, int, int, int | None]]  # day, seq, recorded_at, close


@pytest.fixture(params=[0, 10_000], ids=["from the log", "from the store"], autouse=True)
def few_decisions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether every series is of so few decisions that it is read from them, or none is."""
    monkeypatch.setattr(bulk, "FROM_LOG_ROWS", request.param)
    return bool(request.param == 0)


def of_scan(versions: Iterator[Version]) -> Found:
    """Return what a scan gives of one series."""
    return [
        (one.date.toordinal() - EPOCH_ORDINAL, one.seq, one.recorded_at, one.bar and one.bar.close) for one in versions
    ]


def in_bulk(view: View, wanted: list[Series]) -> dict[Series, Found]:
    """Return what is read of some series at once."""
    found = {}
    for batch in view.versions(wanted):
        columns = batch.columns
        closes = [
            close if there else None
            for close, there in zip(columns.values["close"].tolist(), columns.present, strict=True)
        ]
        cells = list(zip(columns.days.tolist(), columns.seqs.tolist(), columns.recorded.tolist(), closes, strict=True))
        for part in batch.parts:
            found[part.series] = cells[part.start : part.stop]
    return found


def test_series_of_older_decisions_are_read_row_by_row(tmp_path: Path) -> None:
    """They commit to nothing; stored, behind the log, or in memory, all is the same, and a missing one has no row."""
    story = Story()
    story.log = told_before(LONG_STORY)
    story.decided(story.fetched(), bars=[bar(1, 11_000_000)], withdrawn=(day(2),))
    tables = replayed(story.log.read(), [Prices()])[1]["prices"]
    wanted = [*prices.all_series(tables), Series("XXXX3.SA", "yfinance")]
    want = {series: of_scan(prices.versions(tables, series)) for series in wanted}
    assert any(close is None for found in want.values() for *_, close in found)
    catch_up(Prefix(story.log, 150), tmp_path)
    with open_view(story.log, tmp_path, storing=False) as behind:
        assert want == in_bulk(behind, wanted)
    with open_view(story.log, tmp_path) as view, open_view(story.log, None) as folded:
        assert [want, want] == [in_bulk(view, wanted), in_bulk(folded, wanted)]


@pytest.mark.parametrize("mark", [BARS, DECIDED], ids=["prices", "actions"])
@pytest.mark.parametrize("fault", [removed, doubled, edited, older, twice, gone])
def test_no_false_row_is_read(tmp_path: Path, fault: Fault, mark: bytes, *, few_decisions: bool) -> None:
    """Though every check is right: the log is read in their place, and the store is built again.

    Prices that are read from the log are those of the log, whatever is stored of them.
    """
    ledger = told()
    want = of_scan(prices.versions(replayed(ledger.log.read(), [Prices()])[1]["prices"], SERIES))
    catch_up(Prefix(ledger.log, 3), tmp_path)
    with database(tmp_path) as txn:
        before = rows(txn, mark)
    catch_up(ledger.log, tmp_path)
    with database(tmp_path) as txn:
        fault(txn, rows(txn, mark), before)
    with open_view(ledger.log, tmp_path) as view, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert {SERIES: want} == in_bulk(view, [SERIES])
        if few_decisions and mark == BARS:
            assert [] == caught
            # Whoever reads what is stored of them is told.
            assert want == of_scan(prices.versions(view.state["prices"], SERIES))
    assert [StoreDroppedWarning] == [one.category for one in caught]
    assert [] == compare(ledger.log, tmp_path)


def test_no_flipped_bit_is_read(tmp_path: Path, *, few_decisions: bool) -> None:
    """Of any row, be it in force or replaced since: in its key, its value or its check."""
    ledger = told()
    want = of_scan(prices.versions(replayed(ledger.log.read(), [Prices()])[1]["prices"], SERIES))
    sound, damaged = tmp_path / "sound", tmp_path / "damaged"
    sound.mkdir()
    catch_up(ledger.log, sound)
    with database(sound) as txn:
        kept = [(key, value) for key, value in txn.cursor() if key.startswith(BARS)]
    missed = 0
    for number, (key, value) in enumerate(kept):
        for bit in range(number % 7, 8 * (len(key) + len(value)), 97):
            shutil.rmtree(damaged, ignore_errors=True)
            shutil.copytree(sound, damaged)
            flip(damaged, key, bit=bit)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                with open_view(ledger.log, damaged, storing=False) as view:
                    assert {SERIES: want} == in_bulk(view, [SERIES])
            missed += not caught
    # The check of a row that is in force is not read: what it is of is covered.
    assert few_decisions or missed <= len(kept)


@pytest.mark.parametrize("fault", [replaced, without_trace])
def test_no_false_past_is_read(tmp_path: Path, fault: Callable[[lmdb.Transaction], None]) -> None:
    """As of any position: what is in force then, and which series had been told of."""
    ledger = corrected_twice()
    catch_up(ledger.log, tmp_path)
    with database(tmp_path) as txn:
        fault(txn)
    wanted = SeriesWanted(order=(SERIES.provider,))
    for position in range(ledger.log.head().size + 1):
        shutil.rmtree(copy := tmp_path.with_name("copy"), ignore_errors=True)
        shutil.copytree(tmp_path, copy)
        with open_view(ledger.log, None) as sound, open_view(ledger.log, copy) as view:
            warnings.simplefilter("ignore", StoreDroppedWarning)
            want, found = (
                [
                    {name: cells.values.tolist() for name, cells in one.block.columns.items()}
                    for one in sessions(each, chosen(each, position, wanted), position, adjusted=None)
                ]
                for each in (sound, view)
            )
        assert want == found


@pytest.mark.parametrize(("rows", "sizes"), [(0, [2, 8, 8, 2]), (1, [2, 8, 8, 2]), (10, [2, 6, 6, 6]), (100, [2] * 10)])
def test_as_many_series_are_read_at_once_as_have_some_rows(
    rows: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what those before them had, and never more or fewer than so many."""
    for name, value in (("BATCH_SERIES", 2), ("MOST_SERIES", 8), ("BATCH_ROWS", 60)):
        monkeypatch.setattr(bulk, name, value)
    (empty,) = bulk.batches(replayed([], [Prices()])[1], [SERIES])
    asked: list[int] = []

    def read(names: list[Series]) -> bulk.Batch:
        asked.append(len(names))
        return empty._replace(numbers=np.zeros(rows * len(names), np.int64))

    wanted = [Series(f"T{number}", "yfinance") for number in range(20)]
    assert len(sizes) == len(list(bulk._together(wanted, read)))
    assert sizes == asked
