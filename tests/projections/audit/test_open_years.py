"""What is kept of a series between two events is what all of it comes to, whatever changed in between."""

from datetime import date

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.audit.series_fold import SeriesDecision
from ledger.files.scratch import ScratchMap
from ledger.ingest.rules.held import Reach
from ledger.market.series import Series
from ledger.values import Bar, Window
from projections.audit import open_years
from projections.audit.open_years import OpenYears
from projections.queries.snapshot_csv import render

DAYS = [date(2023 + year, 12 - 11 * year, day) for year in (0, 1) for day in range(11, 17)]
SERIES = [Series(ticker, "yfinance") for ticker in ("AAAA3.SA", "BBBB3.SA")]
BARS = st.builds(
    lambda day, price, adjusted, volume: Bar(day, price, price, price, price, adjusted, volume),
    st.sampled_from(DAYS),
    st.sampled_from([10_000_000, 10_000_001]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([0, 100]),
)
DECISIONS = st.tuples(
    st.sampled_from(SERIES),
    st.lists(BARS, max_size=4, unique_by=lambda bar: bar.date).map(lambda bars: sorted(bars, key=lambda bar: bar.date)),
    st.booleans(),
)


def decided(series: Series, bars: list[Bar]) -> SeriesDecision:
    """Return a decision that accepts the bars."""
    return SeriesDecision(
        ticker=series.ticker,
        provider=series.provider,
        basis="split_adjusted",
        rules_version=2,
        verdict="success",
        window=Window(DAYS[0], DAYS[-1]),
        received=len(bars),
        bars=tuple(bars),
        actions=(),
    )


@for_all(st.lists(DECISIONS, max_size=12), st.booleans())
def test_a_snapshot_is_the_one_of_all_the_rows(steps: list[tuple[Series, list[Bar], bool]], scarce: bool) -> None:
    """Whatever was hashed before: a row added, changed, put between, or read back from where it waited."""
    held: dict[Series, dict[date, Bar]] = {series: {} for series in SERIES}
    with pytest.MonkeyPatch.context() as patch, ScratchMap() as scratch, ScratchMap() as texts:
        if scarce:
            patch.setattr(open_years, "BARS_KEPT", 3)
            patch.setattr(open_years, "HASHES_KEPT", 1)
        years = OpenYears(scratch, texts)
        for seq, (series, bars, asked) in enumerate(steps):
            years.apply(seq, decided(series, bars), committing=False)
            held[series] |= {bar.date: bar for bar in bars}
            if asked and held[series]:
                csv, found = render(series.ticker, held[series]), years.snapshot(series)
                assert (csv.name, csv.rows, csv.sha256) == found


@for_all(st.lists(BARS, max_size=12, unique_by=lambda bar: bar.date), st.sampled_from(DAYS), st.integers(0, 40))
def test_the_newest_sessions_are_those_of_a_look_through_all_years(bars: list[Bar], start: date, days: int) -> None:
    """With runs of sessions alike, at the end of a year and across it."""
    reach = Reach(Window(start, date.fromordinal(start.toordinal() + days)), ends=True)
    with ScratchMap() as scratch, ScratchMap() as texts, pytest.MonkeyPatch.context() as patch:
        years = OpenYears(scratch, texts)
        years.apply(0, decided(SERIES[0], sorted(bars, key=lambda bar: bar.date)), committing=False)
        near = years.near(SERIES[0], reach).bars
        patch.setattr(OpenYears, "_newest", lambda *_: None)
        assert near == years.near(SERIES[0], reach).bars
