"""What a run over years held costs by count: seconds are noise, calls are not."""

import sys
from pathlib import Path

from ledger.market.sessions import shift
from tests.benchmarks.windows import TEN, TWO, Years

CALLS_A_YEAR = 4  # each year has a leaf, which a state is made of


def calls(years: Years) -> int:
    """Return how many calls the job of the next evening makes, of Python's and of C's."""
    years.today = shift(years.today, 1)
    job, made = years.job(years.tickers[0]), 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        outcome = job.run()
    finally:
        sys.setprofile(None)
    assert "success" == outcome.status
    return made


def test_a_job_over_ten_years_held_does_what_one_over_two_does(tmp_path: Path) -> None:
    """From fetch to decision, but for a few calls for each year more; the first evening keeps the leaves."""
    ten, two = (
        Years(tmp_path / str(years), years=years, tickers=1, provider="yfinance", basis="split_adjusted")
        for years in (TEN, TWO)
    )
    calls(ten)
    calls(two)
    more = [calls(ten) - calls(two) for _ in range(5)]
    assert max(more) <= CALLS_A_YEAR * (TEN - TWO), more
