"""Two bars are compared field by field."""

from ledger.values import Bar
from projections.queries.bar_fields import FieldChange, apart, moved, relative
from tests.projections.story import bar, day


def test_a_change_is_told_field_by_field() -> None:
    """In the order of a bar; what is alike is not told."""
    old, new = Bar(day(0), 10, 12, 9, 11, None, 100), Bar(day(0), 10, 12, 8, 11, 11, 90)
    expected = [
        FieldChange(date=day(0), field="low", old=9, new=8),
        FieldChange(date=day(0), field="adj_close", old=None, new=11),
        FieldChange(date=day(0), field="volume", old=100, new=90),
    ]
    assert expected == list(moved(old, new))
    assert [] == list(moved(old, old))
    assert [] == list(moved(None, None))


def test_series_part_by_day_and_a_day_of_one_side_is_its_close() -> None:
    """Whichever side it is on."""
    old, new = {day(0): bar(0), day(2): bar(2)}, {day(1): bar(1), day(2): bar(2)}
    expected = [
        FieldChange(date=day(0), field="close", old=10_000_000, new=None),
        FieldChange(date=day(1), field="close", old=None, new=10_000_000),
    ]
    assert expected == list(apart(old, new))


def test_a_relative_change_needs_two_values_and_a_base() -> None:
    """Volume may be 0 before and after."""
    assert [0.5, None, None, None, -1.0] == [relative(*pair) for pair in ((2, 3), (None, 3), (2, None), (0, 3), (2, 0))]
