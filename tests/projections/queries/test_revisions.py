"""Four causes of a change, told apart, each just inside and just outside its tolerance."""

from typing import Any

import pytest

from ledger.values import Bar
from projections.queries.revisions import Revision, revisions
from tests.projections.verdicts import NOON, SERIES, Verdicts, bar, day, instant

WEEK = (0, 4)


def told(verdicts: Verdicts, *, since: int = 0, position: int | None = None) -> list[Revision]:
    """Return the revisions from the event at `since` on."""
    return [one for one in revisions(verdicts.tables(), SERIES, position) if one.seq >= since]


def causes(found: list[Revision]) -> list[tuple[int, str, str]]:
    """Return (day, field, cause) of each."""
    return [((one.date - day(0)).days, one.field, one.cause) for one in found]


def after(old: list[Bar], new: list[Bar], **fields: Any) -> list[Revision]:
    """Return the revisions that a second answer makes of a first one."""
    verdicts = Verdicts()
    verdicts.add(instant(4), WEEK, old)
    since = verdicts.add(instant(5), WEEK, new, **fields)
    return told(verdicts, since=since)


def test_a_first_bar_is_told_by_its_close() -> None:
    """It has no old value, and is on time unless it had been asked for."""
    verdicts = Verdicts()
    seq = verdicts.add(instant(0), (0, 0), [bar(0)])
    expected = Revision(
        date=day(0),
        field="close",
        old=None,
        new=10_000_000,
        cause="first",
        late=False,
        seq=seq,
        recorded_at=instant(0),
        old_seq=None,
        old_recorded_at=None,
    )
    assert [expected] == told(verdicts)


def test_a_first_bar_of_a_session_that_was_asked_for_in_vain_is_late() -> None:
    """One before the first day ever asked for is not, and neither is the next session."""
    verdicts = Verdicts()
    verdicts.add(instant(8), (7, 8), [bar(8)])
    since = verdicts.add(instant(9), (0, 9), [bar(4), bar(7), bar(9)])
    assert [(4, False), (7, True), (9, False)] == [
        ((one.date - day(0)).days, one.late) for one in told(verdicts, since=since)
    ]


def test_a_session_that_was_partial_when_asked_for_is_on_time() -> None:
    """It comes the day after, as it must."""
    verdicts = Verdicts()
    verdicts.add(instant(1, NOON), (0, 1), [bar(0)], partial=(day(1),))
    verdicts.add(instant(2, NOON), (0, 2), [bar(1)], partial=(day(2),))
    assert [False, False] == [one.late for one in told(verdicts)]


def test_a_correction_knows_what_it_replaced_and_when_that_was_learned() -> None:
    """Field by field, with the relative change."""
    verdicts = Verdicts()
    first = verdicts.add(instant(4), WEEK, [bar(number) for number in range(5)])
    second = verdicts.add(instant(7), WEEK, [bar(2, volume=150)])
    expected = Revision(
        date=day(2),
        field="volume",
        old=100,
        new=150,
        cause="correction",
        late=False,
        seq=second,
        recorded_at=instant(7),
        old_seq=first,
        old_recorded_at=instant(4),
    )
    assert [expected] == told(verdicts, since=second)
    assert 0.5 == expected.change


@pytest.mark.parametrize(
    ("close", "volume", "expected"),
    [
        (5_000_000, 200, ["rescale"] * 6),
        (5_000_499, 200, ["rescale"] * 6),
        (5_000_502, 200, ["correction"] * 4 + ["rescale"] * 2),  # the adjusted close is a field of its own
        (5_000_000, 201, ["rescale"] * 6),
        (5_000_000, 202, ["rescale"] * 5 + ["correction"]),
    ],
)
def test_a_rescale_is_within_a_ten_thousandth_of_prices_and_a_two_hundredth_of_volume(
    close: int, volume: int, expected: list[str]
) -> None:
    """Prices go with the decision's ratio, shares against it."""
    new = bar(0, close, adj=5_000_000, volume=volume)
    assert expected == [one.cause for one in after([bar(0)], [new], rescale=0.5)]


def test_a_dividend_rescales_adjusted_closes_that_moved_together() -> None:
    """No close moved, so the decision has no ratio; a close corrected in the same answer is told apart."""
    old = [bar(number) for number in range(5)]
    new = [bar(0, adj=9_800_000), bar(1, 11_000_000, adj=10_780_000), bar(2, adj=9_800_000)]
    assert [
        (0, "adj_close", "rescale"),
        (1, "open", "correction"),
        (1, "high", "correction"),
        (1, "low", "correction"),
        (1, "close", "correction"),
        (1, "adj_close", "rescale"),
        (2, "adj_close", "rescale"),
    ] == causes(after(old, new))


def test_an_adjusted_close_that_only_follows_its_close_is_a_correction() -> None:
    """Side by side too, and by the same ratio."""
    found = after([bar(0), bar(1)], [bar(0, 10_001_000), bar(1, 10_001_000)])
    assert {"correction"} == {one.cause for one in found}


def test_two_dividends_between_two_answers_are_two_rescales() -> None:
    """Older sessions moved by both factors, newer ones by one; a lone adjusted close is a correction."""
    old = [bar(number) for number in range(5)]
    new = [bar(number, adj=adj) for number, adj in enumerate((9_604_000, 9_604_000, 9_800_000, 9_800_000, 9_900_000))]
    assert [(n, "adj_close", "rescale") for n in range(4)] + [(4, "adj_close", "correction")] == causes(after(old, new))


@pytest.mark.parametrize(("second", "expected"), [(9_800_000, "rescale"), (9_801_000, "correction")])
def test_adjusted_closes_move_together_within_a_ten_thousandth(second: int, expected: str) -> None:
    """Two of them, side by side."""
    found = after([bar(0), bar(1)], [bar(0, adj=9_800_000), bar(1, adj=second)])
    assert [expected] * 2 == [one.cause for one in found]


def test_rounding_to_a_millionth_is_not_taken_for_a_correction() -> None:
    """Tiny adjusted closes have few digits to agree in."""
    old = [bar(0, adj=1_000), bar(1, adj=1_001)]
    assert ["rescale"] * 2 == [one.cause for one in after(old, [bar(0, adj=987), bar(1, adj=987)])]


def test_a_withdrawal_is_told_once_until_the_session_comes_back() -> None:
    """The close that stays held is the old value; there is no new one."""
    verdicts = Verdicts()
    verdicts.add(instant(4), WEEK, [bar(0), bar(1)])
    first = verdicts.add(instant(5), WEEK, withdrawn=(day(1),))
    verdicts.add(instant(6), WEEK, withdrawn=(day(1),))
    back = verdicts.add(instant(7), WEEK, [bar(1, volume=7)])
    again = verdicts.add(instant(8), WEEK, withdrawn=(day(1),))
    found = told(verdicts, since=first)
    assert [(first, "withdrawn"), (back, "correction"), (again, "withdrawn")] == [(one.seq, one.cause) for one in found]
    assert (10_000_000, None, None) == (found[0].old, found[0].new, found[0].change)


def test_revisions_as_of_a_position_know_no_later_event() -> None:
    """They are a prefix."""
    verdicts = Verdicts()
    verdicts.add(instant(4), WEEK, [bar(0)])
    second = verdicts.add(instant(5), WEEK, [bar(0, volume=7)])
    assert told(verdicts)[:1] == told(verdicts, position=second)
