"""Prices of many series at once are the rows of the Python API, to the last bit of every double."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from ledger.events import LedgerCreated
from ledger.ids import append_id
from ledger.log_source import LogSource
from ledger.memory_log import MemoryLog
from projections.api import series_rows
from projections.api.faces import to_columns
from projections.api.rows import AdjustedPrice, Price
from projections.models import prices
from projections.queries.adjusted import AS_USUAL
from projections.queries.choosing import SeriesWanted, chosen
from projections.relations.block import EXACT, reais
from projections.relations.sessions import sessions
from projections.store import bulk
from projections.store.runner import catch_up, open_view
from projections.store.store import View
from tests.projections.story import Story, bar
from tests.support import mix
from tests.support.archives import created
from tests.support.drafts import StepClock


def realistic(appends: int, *, seed: int = 3, number: int = 1) -> MemoryLog:
    """Return a log with splits, dividends, corrections and rejected answers in it, of the ledger of that number."""
    log = MemoryLog(now=StepClock())
    first = created()
    assert isinstance(first.event, LedgerCreated)
    event = msgspec.structs.replace(first.event, ledger_id=number.to_bytes(16, "big"))
    log.append([msgspec.structs.replace(first, event=event)], append_id=append_id("ledger.created"))
    for place, batch in enumerate(mix.realistic(appends, seed)):
        log.append(list(batch), append_id=append_id(f"mix/{place}"))
    return log


@pytest.fixture(scope="module")
def log() -> LogSource:
    """A log of two years of use."""
    return realistic(600)


def rows_of(view: View, position: int, row_type: type[Price]) -> list[Price]:
    """Return the rows of every ticker by the API, one after the other."""
    wanted = chosen(view, position, SeriesWanted(order=(mix.PROVIDER,), retired=True))
    if row_type is AdjustedPrice:
        return [row for series in wanted for row in series_rows.adjusted_prices(view.state, series, position)]
    return [row for series in wanted for row in series_rows.prices(view.state[prices.NAME], series, position)]


@pytest.mark.parametrize("from_log_rows", [0, 10_000])
@pytest.mark.parametrize("row_type", [AdjustedPrice, Price])
def test_every_value_is_that_of_the_rows(
    row_type: type[Price], from_log_rows: int, log: LogSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of any position; in Arrow's columns and in plain lists; read from decisions in the log or from the store."""
    monkeypatch.setattr(bulk, "FROM_LOG_ROWS", from_log_rows)
    catch_up(log, tmp_path)
    size = log.head().size
    with open_view(log, tmp_path) as view:
        for position in (0, 1, size // 7, size // 2, size):
            want = to_columns(row_type, rows_of(view, position, row_type))
            wanted = chosen(view, position, SeriesWanted(order=(mix.PROVIDER,)))
            blocks = [
                one.block
                for one in sessions(view, wanted, position, adjusted=AS_USUAL if row_type is AdjustedPrice else None)
            ]
            assert want.to_arrow().to_pylist() == [row for block in blocks for row in block.to_arrow().to_pylist()]
            assert list(want.plain()) == (list(blocks[0].plain()) if blocks else list(want.names))
            for name, values in want.plain().items():
                assert values == [value for block in blocks for value in block.plain()[name]]
        if row_type is AdjustedPrice:
            assert len({factor for block in blocks for factor in block.plain()["factor"]}) > 3


def test_each_part_is_one_series(log: LogSource) -> None:
    """Its rows, its decisions by then, and nothing of a series that had no price yet."""
    with open_view(log, None) as view:
        position = log.head().size // 9
        wanted = chosen(view, position, SeriesWanted(order=(mix.PROVIDER,)))
        for found in sessions(view, wanted, position, adjusted=None):
            tickers = found.block.plain()["ticker"]
            for part in found.parts:
                assert {part.series.ticker} == set(tickers[part.start : part.stop])
                assert part.judged[-1].seq < position
            assert len(found.block) == sum(part.stop - part.start for part in found.parts)


def test_a_price_beyond_the_exact_doubles_is_the_nearest_one() -> None:
    """As the decimal's double is."""
    micros = [0, 1, EXACT - 1, EXACT + 1, 2**63 - 1]
    assert [value / 1_000_000 for value in micros] == reais(np.array(micros)).tolist()


def test_the_series_of_a_position_stays_the_same_whatever_comes_later() -> None:
    """Another provider's series, and a retirement, count from their own events on; a ticker that is named is named."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(1)])
    then = story.log.head().size
    story.decided(story.fetched("VALE3.SA"), "VALE3.SA", bars=[bar(1)])
    story.retired()
    with open_view(story.log, None) as view:
        now = story.log.head().size
        (ended,) = {one.ticker for one in chosen(view, now, SeriesWanted(order=(), retired=True))} - {
            one.ticker for one in chosen(view, now, SeriesWanted(order=()))
        }
        assert [["PETR4.SA"], ["PETR4.SA", "VALE3.SA"], [ended], []] == [
            [one.ticker for one in found]
            for found in (
                chosen(view, then, SeriesWanted(order=())),
                chosen(view, now, SeriesWanted(order=(), retired=True)),
                chosen(view, now, SeriesWanted(order=(), tickers=[ended])),
                chosen(view, now, SeriesWanted(order=(), source="cotahist")),
            )
        ]
