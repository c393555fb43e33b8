"""Rows that were read before: what they come out as is what they come out as again."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules.judge import judge
from ledger.ingest.rules.row_rules import exact_bar, exact_bars
from ledger.market.series import Series
from ledger.values import RawBar
from projections.audit import known_rows
from projections.audit.known_rows import KnownRows
from tests.ledger.ingest.answers import TICKER, evidence, held, raw, session

SERIES = Series(TICKER, "yfinance")
CLOSES = st.sampled_from([10.0, 10.01, 10.010000228881836, 0.0, float("nan"), float("inf")])
VOLUMES = st.sampled_from([0, 0.0, 1000, 1000.0, -1, None])
CELLS = st.sampled_from([10.0, 10.01, 10.010000228881836, 0.0, -0.0, -1.0, float("nan"), float("inf"), 1e300])
ROWS = st.builds(RawBar, st.integers(0, 2).map(session), CELLS, CELLS, CELLS, CELLS, CELLS | st.none(), VOLUMES)


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
    known.exact(SERIES, rows(before))
    series = replace(held(()), bars={one.date: one for one in first.bars})
    again = evidence(rows(after))
    expected = judge(again, series, basis="as_traded", exchange="SAO")
    remembering = replace(series, exact=lambda sent: known.exact(SERIES, sent))
    assert expected == judge(again, remembering, basis="as_traded", exchange="SAO")


PLAIN = st.sampled_from([10.0, 10.01, 10.010000228881836, 9.87654321, 0.0])
LONG = st.lists(st.tuples(PLAIN, PLAIN | st.none() | CELLS, st.integers(0, 2)), min_size=8, max_size=12)


@for_all(st.lists(LONG, max_size=4))
def test_many_rows_come_out_as_each_of_them(asked: list[list[tuple[float, float | None, int]]]) -> None:
    """They are made exact by columns, and where only the adjusted close is another one, that alone is."""
    known = KnownRows()
    for cells in asked:
        sent = [raw(session(n), close, volume=volume) for n, (close, _, volume) in enumerate(cells)]
        sent = [replace(row, adj_close=adj_close) for row, (_, adj_close, _) in zip(sent, cells, strict=True)]
        expected = [exact_bar(row) for row in sent]
        assert expected == exact_bars(sent)
        assert expected == known.exact(SERIES, sent)


@for_all(st.lists(st.tuples(st.sampled_from("AB"), st.lists(ROWS, max_size=4)), max_size=6))
def test_a_row_comes_out_as_if_it_were_the_first(asked: list[tuple[str, list[RawBar]]]) -> None:
    """Whichever rows were read before it, of its series and of others, and in whichever cell it differs from them."""
    known = KnownRows()
    for ticker, sent in asked:
        assert [exact_bar(row) for row in sent] == known.exact(Series(ticker, "yfinance"), sent)


def test_the_series_that_was_used_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """So memory does not grow with the ledger."""
    monkeypatch.setattr(known_rows, "ROWS_KEPT", 3)
    known, two = KnownRows(), [raw(session(n), 10 + n) for n in range(2)]
    for ticker in ("AAAA3.SA", "BBBB3.SA", "CCCC3.SA"):
        known.exact(Series(ticker, "yfinance"), two)
        assert 2 == known.rows
