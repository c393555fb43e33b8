"""What a run over years held costs by count: seconds are noise, calls and rows are not."""

import sys
from pathlib import Path
from zlib import crc32

import pytest

from ledger.market.sessions import shift
from projections.store import lmdb_tables
from tests.benchmarks.windows import TEN, TWO, Years

LEAF_BYTES = 40  # a year, and its leaf beside it
TIMES_READ = 2  # the row of leaves: for itself, and beside the first row of the table behind it
EVENINGS = 5


@pytest.fixture(name="ledgers")
def _ledgers(tmp_path: Path) -> tuple[Years, Years, Years]:
    """Return ledgers of ten years, of two, and of two again, each after the evening that keeps the leaves.

    The last is for whoever comes first in an evening: what is remembered of a day is remembered for the others.
    """
    ten, two, first = (
        Years(tmp_path / name, years=years, tickers=1, provider="yfinance", basis="split_adjusted")
        for name, years in (("ten", TEN), ("two", TWO), ("first", TWO))
    )
    for each in (first, ten, two):
        evening(each)
    return ten, two, first


def evening(years: Years) -> None:
    """Run the job of the next evening."""
    years.today = shift(years.today, 1)
    assert "success" == years.job(years.tickers[0]).run().status


def calls(years: Years) -> int:
    """Return how many calls the job of the next evening makes, of Python's and of C's."""
    made = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        evening(years)
    finally:
        sys.setprofile(None)
    return made


def rows(years: Years) -> tuple[int, int]:
    """Return how many rows the job of the next evening reads and writes in the store, and their bytes."""
    checked: list[int] = []

    def counted(row: bytes) -> int:
        checked.append(len(row))
        return crc32(row)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lmdb_tables, "crc32", counted)  # each row's check, once for each time that it is read
        evening(years)
    return len(checked), sum(checked)


def test_a_job_over_ten_years_held_does_what_one_over_two_does(ledgers: tuple[Years, Years, Years]) -> None:
    """From fetch to decision, with no call more; the first of ten years has a session less, and all of it is read."""
    ten, two, first = ledgers
    more = []
    for _ in range(EVENINGS):
        evening(first)
        more.append(calls(ten) - calls(two))
    assert max(more) <= 0, more


def test_a_job_over_ten_years_held_reads_the_rows_that_one_over_two_reads(
    ledgers: tuple[Years, Years, Years],
) -> None:
    """But for the leaf of each year more, which lie in one row."""
    ten, two, _ = ledgers
    for _ in range(EVENINGS):
        (count, size), (of_two, size_of_two) = rows(ten), rows(two)
        assert count <= of_two
        assert size <= size_of_two + TIMES_READ * LEAF_BYTES * (TEN - TWO)
