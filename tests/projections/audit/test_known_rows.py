"""Rows that were read before: what they come out as is what they come out as again."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules.judge import judge
from ledger.market.series import Series
from ledger.values import RawBar
from projections.audit import known_rows
from projections.audit.known_rows import KnownRows
from tests.ledger.ingest.answers import TICKER, bar, evidence, held, raw, session

SERIES = Series(TICKER, "yfinance")
CLOSES = st.sampled_from([10.0, 10.01, 10.010000228881836, 0.0, float("nan"), float("inf")])
VOLUMES = st.sampled_from([0, 0.0, 1000, 1000.0, -1, None])


def rows(cells: list[tuple[float, float | None]]) -> tuple[RawBar, ...]:
    """Return a row per session from the first one on."""
    return tuple(raw(session(n), close, volume=volume) for n, (close, volume) in enumerate(cells))


@for_all(
    st.lists(st.tuples(CLOSES, VOLUMES), min_size=1, max_size=6),
    st.lists(st.tuples(CLOSES, VOLUMES), min_size=1, max_size=6),
)
def test_a_judgement_is_the_same_with_rows_that_are_known(
    before: list[tuple[float, float | None]], after: list[tuple[float, float | None]]
) -> None:
    """Whatever came before, and however the rows differ from it."""
    known, first = KnownRows(), judge(evidence(rows(before)), held(()), basis="as_traded", exchange="SAO")
    assert isinstance(first, ValidationCompleted)
    known.learn(SERIES, rows(before), first.bars)
    series = replace(held(()), bars={one.date: one for one in first.bars})
    again = evidence(rows(after))
    expected = judge(again, series, basis="as_traded", exchange="SAO")
    assert expected == judge(again, replace(series, read=known.of(SERIES)), basis="as_traded", exchange="SAO")


def test_a_row_that_another_bar_was_made_of_is_not_known() -> None:
    """The bar of a day whose rows were merged says nothing of either row."""
    known, row = KnownRows(), raw(session(0), 10)
    known.learn(SERIES, [row], [replace(bar(row), volume=7)])
    assert {} == known.of(SERIES)
    known.learn(SERIES, [row], [])
    assert {} == known.of(Series(TICKER, "sample"))


def test_the_series_that_was_used_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """So memory does not grow with the ledger."""
    monkeypatch.setattr(known_rows, "ROWS_KEPT", 3)
    known, two = KnownRows(), [raw(session(n), 10 + n) for n in range(2)]
    others = [Series(f"AAAA{n}.SA", "yfinance") for n in range(3)]
    for each in others[:2]:
        known.learn(each, two, map(bar, two))
    assert [0, 2] == [len(known.of(each)) for each in others[:2]]
