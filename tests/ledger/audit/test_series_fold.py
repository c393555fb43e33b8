"""A series folded decision by decision comes to the states that `series_state` has of the whole of it."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import series_fold
from ledger.audit.series_fold import SeriesDecision, SeriesFold, put_among
from ledger.files.scratch import ScratchMap
from ledger.market.series import Series
from ledger.market.series_state import leaves_of, state
from ledger.values import Bar, Window

SERIES = Series("PETR4.SA", "yfinance")
DAYS = st.dictionaries(st.integers(0, 40), st.sampled_from([1, 200, 70_000, 2**40]), min_size=1)
YEARS = [(2024,), (2025,), (2023,), (2025, 2026), (2023, 2024, 2025), (2022,), (2026,)]


def bar(day: date, close: int) -> Bar:
    """Return a session that closed at `close`."""
    return Bar(day, close, close, close, close, None, 1)


@pytest.mark.parametrize("live_items", [1, 50_000])
def test_years_come_in_any_order(live_items: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones after newer ones, several at once, and again after the series waited in the scratch map."""
    monkeypatch.setattr(series_fold, "LIVE_ITEMS", live_items)
    held: dict[date, Bar] = {}
    with ScratchMap() as scratch:
        fold = SeriesFold(scratch)
        for seq, years in enumerate(YEARS):
            before = state(SERIES, "split_adjusted", leaves_of(held[day] for day in sorted(held)), ())
            new = [bar(date(year, 1 + seq, 2), 1_000_000 + seq) for year in years]
            held |= {one.date: one for one in new}
            after = state(SERIES, "split_adjusted", leaves_of(held[day] for day in sorted(held)), ())
            decision = SeriesDecision(
                ticker=SERIES.ticker,
                provider=SERIES.provider,
                basis="split_adjusted",
                rules_version=2,
                verdict="success",
                window=Window(date.min, date.max),
                received=len(new),
                bars=tuple(new),
                actions=(),
            )
            assert (before, after) == fold.apply(seq, decision, committing=True)
            assert [] == fold.bars(Series(f"X{seq}.SA", "yfinance"), 2024)  # takes the place of the other in memory


@given(held=DAYS, fresh=DAYS)
def test_fresh_bars_come_among_those_of_their_year(held: dict[int, int], fresh: dict[int, int]) -> None:
    """Before, between, after and in place of those held, whatever they take in bytes: as if all were sorted again."""

    def encoded(closes: dict[int, int]) -> list[bytes]:
        days = {date(2024, 2, 20) + timedelta(days): close for days, close in sorted(closes.items())}
        return [msgspec.msgpack.encode(bar(day, close)) for day, close in days.items()]

    every = encoded(held | fresh)
    assert (b"".join(every), len(every)) == put_among(len(held), b"".join(encoded(held)), encoded(fresh))
