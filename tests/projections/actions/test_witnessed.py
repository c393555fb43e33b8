"""Witnesses of corporate actions: whose value counts, and what is in doubt."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from ledger.values import Action, ActionKind, Bar
from projections.actions.tape import NO_TAPE, RightsCount, Tape
from projections.actions.witnessed import ToldActions, WitnessedAction, counted, witnessed

DAY = date(2025, 3, 19)
REAL = 10**12


def paid(amount: int, kind: ActionKind = "dividend", day: date = DAY) -> Action:
    """Return a payment of so many millionths of a real."""
    return Action(day, kind, amount * 10**6, None, None, "BRL")


def parted(new: int, old: int, kind: ActionKind = "split", day: date = DAY) -> Action:
    """Return a change in the number of shares."""
    return Action(day, kind, None, new, old, "BRL")


def unsized(kind: ActionKind, day: date = DAY, label: str | None = None) -> Action:
    """Return an action of no size."""
    return Action(day, kind, None, None, None, "BRL", label=label)


def seen(tape: Tape | None = None, /, **told: list[Action]) -> list[WitnessedAction]:
    """Return what comes of what is told, the exchange's list before the daily provider, a person before both."""
    order = [name for name in ("manual", "b3", "yfinance") if name in told]
    words = [
        ToldActions(provider=one, actions=tuple(told[one]), withdraws=one == "manual", splits_alone=one == "yfinance")
        for one in order
    ]
    return witnessed(words, tape or NO_TAPE)


def flat(*closes: int) -> dict[date, Bar]:
    """Return bars around the day: the last close is that of the day itself."""
    days = [DAY - timedelta(days=len(closes) - 1 - number) for number in range(len(closes))]
    return {day: Bar(day, one, one, one, one, None, 1) for day, one in zip(days, closes, strict=True)}


def test_one_that_only_one_names_is_single() -> None:
    """Its value counts all the same."""
    (row,) = seen(b3=[parted(11, 10, "bonus")])
    assert ("single", "b3", None) == (row.state, row.provider, row.reason)


def test_those_that_name_one_size_agree_whatever_they_call_it() -> None:
    """A bonus is a split of 110 for 100 to the daily provider, and three payments of a day are one."""
    rows = seen(
        b3=[parted(11, 10, "bonus"), paid(653_565), paid(664_103, "interest_on_capital"), paid(10_538, "income")],
        yfinance=[parted(110, 100), paid(1_328_206)],
    )
    assert [("cash", "agreed"), ("shares", "agreed")] == [(row.family, row.state) for row in rows]
    assert (4, Fraction(11, 10)) == (len(counted(rows)), Fraction(11, 10))


def test_those_that_name_two_sizes_differ_and_the_better_one_counts() -> None:
    """PETR4 of 26/12/2024: the daily provider has an update of instalments in it."""
    (row,) = seen(b3=[paid(1_328_206)], yfinance=[paid(1_356_891)])
    assert ("differs", "b3", "yfinance has another size") == (row.state, row.provider, row.reason)
    assert (paid(1_328_206),) == row.actions


def test_a_person_decides_on_a_family_of_a_day() -> None:
    """Whole: what others call by another name is not counted beside it."""
    rows = seen(manual=[paid(1_500_000)], b3=[paid(1_000_000), paid(400_000, "interest_on_capital")])
    assert (paid(1_500_000),) == counted(rows)


def test_a_person_withdraws_a_kind_from_all_others() -> None:
    """And what else there is of that day stays."""
    rows = seen(
        manual=[unsized("dividend", label="withdrawn")],
        b3=[paid(400_000, "interest_on_capital"), paid(1_000_000)],
        yfinance=[paid(1_400_000)],
    )
    assert (paid(400_000, "interest_on_capital"),) == counted(rows)
    assert () == counted(seen(manual=[unsized("split", label="withdrawn")], yfinance=[parted(8, 1)]))


def test_what_others_label_withdrawn_withdraws_nothing_of_anybody() -> None:
    """Only a person's word does."""
    rows = seen(b3=[unsized("dividend", label="withdrawn")], yfinance=[paid(1_400_000)])
    assert (paid(1_400_000),) == counted(rows)


def test_paper_delivered_is_never_sized_as_a_split() -> None:
    """ITUB4 of 04/10/2021: the daily provider calls a spin-off a split of 1219 for 1000."""
    rows = seen(b3=[unsized("spin_off", label="CIS RED CAP")], yfinance=[parted(1219, 1000)])
    assert [("delivery", "unsized"), ("shares", "differs")] == [(row.family, row.state) for row in rows]
    assert 0 == sum(one.numerator is not None for one in counted(rows))
    valued = seen(manual=[Action(DAY, "spin_off", 5 * REAL, None, None, "BRL")], b3=[unsized("spin_off")])
    assert [("single", "manual")] == [(row.state, row.provider) for row in valued]


def test_one_action_on_two_days_counts_once() -> None:
    """A split that was told twice would be squared."""
    beside = DAY + timedelta(days=1)
    (row,) = seen(b3=[parted(8, 1)], yfinance=[parted(8, 1, day=beside)])
    assert ("differs", f"yfinance has it on {beside}", (parted(8, 1),)) == (row.state, row.reason, row.actions)
    assert 2 == len(seen(b3=[parted(8, 1)], yfinance=[parted(4, 1, day=beside)]))
    assert 2 == len(seen(b3=[parted(8, 1)], yfinance=[parted(8, 1, day=DAY + timedelta(days=9))]))


def counting(*counts: tuple[int, int | None], nominal: bool = False, isins: str = "") -> Tape:
    """Return a tape of sessions, by how many days they are from the day, with so many changes of rights each."""
    names = isins or "A" * len(counts)
    found = {
        DAY + timedelta(days=away): RightsCount(isin, changes, nominal and number == len(counts) - 1)
        for number, ((away, changes), isin) in enumerate(zip(counts, names, strict=True))
    }
    return Tape({}, found)


def test_the_exchanges_count_of_rights_confirms_and_contradicts() -> None:
    """A step that nobody names is an action of no size; an action without a step is in doubt."""
    (row,) = seen(counting((-1, 100), (0, 101)), b3=[paid(1_000_000)])
    assert ("single", None) == (row.state, row.reason)
    (doubtful,) = seen(counting((-1, 100), (0, 100)), b3=[paid(1_000_000)])
    assert "differs" == doubtful.state
    (step,) = seen(counting((-1, 100), (0, 101)))
    assert ("unnamed", "unsized", DAY) == (step.family, step.state, step.ex_date)
    assert "a right changed on that day, by the exchange's count, and nobody names it" == step.reason


@pytest.mark.parametrize("away", [-5, -1, 0])
def test_the_step_of_a_paper_that_seldom_trades_may_be_of_any_day_since_it_last_did(away: int) -> None:
    """Its first session without the right comes when somebody trades it."""
    (row,) = seen(counting((-6, 100), (0, 101)), b3=[paid(1_000_000, day=DAY + timedelta(days=away))])
    assert ("single", None) == (row.state, row.reason)
    (early, step) = seen(counting((-6, 100), (0, 101)), b3=[paid(1_000_000, day=DAY - timedelta(days=6))])
    assert ("single", "unnamed") == (early.state, step.family)


def test_of_two_changes_since_the_last_session_both_are_to_be_named() -> None:
    """On two days; what changed twice between neighbouring sessions can have but one."""
    tape = counting((-6, 100), (0, 102))
    assert 2 == len(seen(tape, b3=[paid(1_000_000), paid(1_000_000, day=DAY - timedelta(days=2))]))
    (_, step) = seen(tape, b3=[paid(1_000_000)])
    assert ("unnamed", "rights changed 2 times after 2025-03-13, by the exchange's count, and 1 of them named") == (
        step.family,
        step.reason,
    )
    (row,) = seen(counting((-1, 100), (0, 102)), b3=[paid(1_000_000)])
    assert "single" == row.state


@pytest.mark.parametrize(
    "tape",
    [
        counting((-1, 100), (0, 101), nominal=True),  # an update in name
        counting((-1, 130), (0, 100)),  # begun anew
        counting((-1, 100), (0, 101), isins="AB"),  # of another paper
        counting((-1, None), (0, 101)),  # the file says nothing
    ],
)
def test_what_is_no_change_of_rights_is_no_step(tape: Tape) -> None:
    """Nothing is to be named, and the series goes on."""
    assert [] == seen(tape)


def test_an_update_in_name_denies_what_is_named_there() -> None:
    """No value leaves; another paper's count says nothing either way."""
    (row,) = seen(counting((-1, 100), (0, 101), nominal=True), b3=[paid(1_000_000)])
    assert "differs" == row.state
    (row,) = seen(counting((-1, 100), (0, 100), isins="AB"), b3=[paid(1_000_000)])
    assert "single" == row.state


def test_the_price_confirms_and_contradicts_a_split() -> None:
    """MGLU3 of 14/10/2020: 104.00, then 25.59."""
    (row,) = seen(Tape(flat(104_000_000, 25_590_000), {}), b3=[parted(4, 1)])
    assert "single" == row.state
    (doubtful,) = seen(Tape(flat(104_000_000, 103_000_000), {}), b3=[parted(4, 1)])
    assert ("differs", "the price did not move by it") == (doubtful.state, doubtful.reason)


def test_a_person_settles_what_others_tell_in_two_ways_and_not_what_the_tape_denies() -> None:
    """Somebody looked into it; the exchange's own count is another matter."""
    (row,) = seen(manual=[paid(1_356_891)], b3=[paid(1_328_206)])
    assert ("differs", True, False) == (row.state, row.is_settled, row.is_open)
    (row,) = seen(b3=[paid(1_356_891)], yfinance=[paid(1_328_206)])
    assert (False, True) == (row.is_settled, row.is_open)
    (row,) = seen(counting((-1, 100), (0, 100)), manual=[paid(1_356_891)])
    assert (False, True) == (row.is_settled, row.is_open)


def test_the_price_gives_away_a_split_that_nobody_names_beside_a_payment() -> None:
    """The exchange counts both as one change of rights."""
    halved = flat(14_000_000, 7_000_000)
    (row,) = seen(Tape(halved, {}), manual=[paid(500_000)])
    assert ("differs", "the price moved by far more than what was paid", True) == (row.state, row.reason, row.is_open)
    assert ["single", "single"] == [row.state for row in seen(Tape(halved, {}), manual=[paid(500_000), parted(2, 1)])]
    (row,) = seen(Tape(flat(14_000_000, 7_000_000), {}), manual=[paid(7_000_000)])
    assert "single" == row.state


def test_a_subscription_without_a_price_has_no_size() -> None:
    """New shares at no known price are worth nobody knows what."""
    (row,) = seen(b3=[parted(1, 10, "subscription")])
    assert "unsized" == row.state
