"""The exchange's count of changes of rights, session by session."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from projections.actions.tape import RightsCount, Tape

FIRST = date(2024, 1, 1)
COUNTS = st.builds(RightsCount, st.sampled_from("AB"), st.none() | st.integers(0, 2), st.booleans())


@given(st.lists(st.tuples(COUNTS, st.integers(1, 3)), max_size=6))
def test_sessions_may_have_one_count_between_them(runs: list[tuple[RightsCount, int]]) -> None:
    """One object for a run of sessions says what as many equal ones say."""
    shared = dict(enumerate(count for count, sessions in runs for _ in range(sessions)))
    days = {number: FIRST + timedelta(number) for number in range(len(shared) + 1)}
    one = Tape(counts={days[number]: count for number, count in shared.items()})
    each = Tape(counts={days[number]: RightsCount(*count) for number, count in shared.items()})
    assert list(each.steps()) == list(one.steps())
    assert [each.denies(day) for day in days.values()] == [one.denies(day) for day in days.values()]


def test_an_update_in_name_is_no_change() -> None:
    """Nor is what two papers count, or a count that nobody gave."""
    counts = [RightsCount("A", 1), RightsCount("A", 2, is_nominal=True), RightsCount("B", 9), RightsCount("B", None)]
    tape = Tape(counts={FIRST + timedelta(number): count for number, count in enumerate(counts)})
    assert [] == list(tape.steps())
