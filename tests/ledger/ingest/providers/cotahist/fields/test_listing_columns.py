"""Answers read together are described as each by itself is; what is unusual is left to a look at its lines."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.ingest.providers.cotahist.fields import listing_columns, quotations
from ledger.market.quotation import DescribedSessions, Listing
from ledger.market.sessions import shift
from ledger.values import Bar
from tests.support.cotahist import line

FIRST = date(2024, 12, 23)
DESCRIBED = st.fixed_dictionaries(
    {
        "specification": st.sampled_from(["PN      N2", "PN  ED  N2", "ON"]),
        "bdi": st.sampled_from(["02", "96"]),
        "distribution": st.integers(100, 102),
        "strike": st.sampled_from([0, 2079]),
        "factor": st.sampled_from([1, 1000]),
        "expiry": st.sampled_from(["99991231", "20250117", "20251341"]),
    }
)
LINES = st.builds(
    lambda number, fields: line(shift(FIRST, number), **fields), st.integers(0, 8), DESCRIBED | st.just({})
)
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b""])
BODIES = st.lists(st.lists(st.tuples(LINES, ENDS), max_size=6), max_size=6)


def by_itself(body: bytes) -> Mapping[date, Listing]:
    """Return how the body describes each session that it has."""
    days = [shift(FIRST, number) for number in range(9)]
    return quotations.listings(body, {day: Bar(day, 1, 1, 1, 1, None, 1) for day in days})


def told(found: DescribedSessions) -> dict[date, Listing]:
    """Return the same of what was read together, whose days of the year are those of its days."""
    assert b"".join(day.timetuple().tm_yday.to_bytes(2, "big") for day in found.days) == found.numbers
    assert {found.year} == {day.year for day in found.days}
    listings = chain.from_iterable(repeat(listing, sessions) for listing, sessions in found.runs)
    return dict(zip(found.days, listings, strict=True))


@settings(deadline=None)
@given(BODIES)
def test_columns_say_what_each_answer_says(bodies: Sequence[Sequence[tuple[bytes, bytes]]]) -> None:
    """Wherever they say anything, to the order of the days."""
    joined = [b"".join(text.rstrip(b"\r\n") + end for text, end in lines) for lines in bodies]
    for body, found in zip(joined, listing_columns.sessions(joined), strict=True):
        if found is not None:
            assert list(by_itself(body).items()) == list(told(found).items())


def test_sessions_under_one_listing_are_one_run() -> None:
    """In each answer by itself, however the one before it ended; days in order are never left to the lines."""
    days = [shift(FIRST, number) for number in range(3)]
    first = [line(day, specification=one) for day, one in zip(days, ["ON", "ON", "PN"], strict=True)]
    found = listing_columns.sessions([b"".join(first), line(days[0], specification="PN")])
    assert [[("ON", 2), ("PN", 1)], [("PN", 1)]] == [
        [(listing.specification, sessions) for listing, sessions in one.runs] for one in found if one is not None
    ]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(FIRST), line(FIRST)],
        [line(shift(FIRST, 1)), line(FIRST)],
        [line(FIRST), line(date(2025, 1, 2))],
    ],
    ids=["none", "twice", "backwards", "two years"],
)
def test_an_unusual_answer_is_left_to_its_lines(lines: Sequence[bytes]) -> None:
    """The one beside it is not."""
    found = listing_columns.sessions([b"".join(lines), line(FIRST)])
    assert [True, False] == [one is None for one in found]


@pytest.mark.parametrize(
    "change",
    [
        {b"01": b"02"},
        {b"20241223": b"20241323"},
        {b"PETR4 ": b"PETR\n "},
        {b"PETR4 ": b"PETR\x1f "},
        {b"\r\n": b"\n\r"},
    ],
    ids=["kind", "day", "end inside", "control", "end"],
)
def test_a_line_that_is_none_leaves_all_of_them_to_theirs(change: Mapping[bytes, bytes]) -> None:
    """Columns name no fault."""
    ((old, new),) = change.items()
    assert [None, None] == listing_columns.sessions([line(FIRST).replace(old, new, 1), line(FIRST)])
    assert [None] == listing_columns.sessions([line(FIRST)[:-1]])
