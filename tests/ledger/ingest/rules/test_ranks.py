"""Of several files about one day the one made last stands, then the narrower one, then the one imported last."""

from datetime import date
from itertools import product

import pytest

from ledger.ingest.rules.ranks import RankedAnswer, of_days, outranks, rank_of
from ledger.values import Coverage, Rank, Window

MADE = date(2025, 2, 1)
DAYS = [date(2025, 1, day) for day in (6, 7, 8)]
ORDER = [
    None,
    *(Rank(made_on, coverage) for made_on in (MADE, date(2025, 2, 2)) for coverage in ("year", "month", "day")),
]


@pytest.mark.parametrize(
    ("window", "coverage"),
    [
        (Window(DAYS[0], DAYS[0]), "day"),
        (Window(DAYS[0], DAYS[1]), "month"),
        (Window(date(2025, 1, 2), date(2025, 1, 31)), "month"),
        (Window(date(2025, 1, 31), date(2025, 2, 3)), "year"),
        (Window(date(2024, 1, 2), date(2025, 1, 31)), "year"),
    ],
)
def test_a_file_covers_what_its_dates_span(window: Window, coverage: Coverage) -> None:
    """A day, days of one month of one year, or more."""
    assert Rank(MADE, coverage) == rank_of(MADE, window)


def test_ranks_have_one_order() -> None:
    """No rank is the lowest, and none outranks its equal."""
    pairs = list(product(range(len(ORDER)), repeat=2))
    assert [held > other for held, other in pairs] == [outranks(ORDER[held], ORDER[other]) for held, other in pairs]


def test_a_day_has_the_highest_rank_of_the_answers_that_know_it() -> None:
    """Not of one before its first bar, of one that lacks it, or of one over other days; what has no rank gives none."""
    month, day, later = Rank(MADE, "month"), Rank(MADE, "day"), Rank(date(2025, 2, 3), "month")
    whole = Window(DAYS[0], DAYS[2])
    answers = [
        RankedAnswer(3, later, whole, ()),
        RankedAnswer(5, day, Window(DAYS[1], DAYS[1]), ()),
        RankedAnswer(6, month, whole, (DAYS[2],)),
        RankedAnswer(7, None, whole, ()),
    ]
    assert {DAYS[0]: later, DAYS[1]: day} == of_days({DAYS[0]: 3, DAYS[1]: 4, DAYS[2]: 4}, answers)
    assert {DAYS[0]: month, DAYS[1]: day} == of_days(dict.fromkeys(DAYS, 4), answers)
    assert dict.fromkeys(DAYS, later) == of_days(dict.fromkeys(DAYS, 3), answers)
    assert {} == of_days(dict.fromkeys(DAYS, 7), answers)
