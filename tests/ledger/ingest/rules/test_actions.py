"""Corporate actions: exact, ordered, and held to rule EVENT."""

from datetime import timedelta

import pytest

from ledger.ingest.rules import actions
from ledger.values import Action, ActionKind, Finding, RawAction, Window
from tests.ledger.ingest.answers import MONDAY, NAN, bar, run_of, session
from tests.support.actions import paid, parted

SERIES = tuple(bar(given) for given in run_of((10, 8, 8)))


def found(*raws: RawAction, held: tuple[Action, ...] = ()) -> list[Finding]:
    """Return what EVENT says of these actions over closes of 10, 8 and 8."""
    return list(actions.findings(raws, held, SERIES))


@pytest.mark.parametrize(
    ("raw", "action"),
    [
        (RawAction(MONDAY, "split", 0.1), parted(MONDAY, 1, 10)),
        (RawAction(MONDAY, "split", 1.0), parted(MONDAY, 1, 1)),
        (RawAction(MONDAY, "split", 0.0), None),
        (RawAction(MONDAY, "dividend", 1.3500000238418579), paid(MONDAY, 1_350_000)),
        (RawAction(MONDAY, "capital_gain", 0.5), paid(MONDAY, 500_000, "capital_gain")),
        (RawAction(MONDAY, "dividend", NAN), None),
    ],
)
def test_actions_are_exact_or_left_out(raw: RawAction, action: Action | None) -> None:
    """Amounts are 10^-12 of a real, ratios whole shares."""
    assert action == actions.canonical(raw)


def test_actions_of_the_window_come_in_order_as_often_as_they_came() -> None:
    """Both ends belong to the window; two equal payments of one day are two."""
    raws = [RawAction(session(n), "dividend", 1.0) for n in (3, 2, 1, 1, 0)]
    expected = tuple(paid(session(n), 1_000_000) for n in (1, 1, 2))
    assert expected == actions.within(raws, Window(session(1), session(2)))


@pytest.mark.parametrize(
    ("value", "held", "repeats"),
    [
        (0.22798586124, paid(MONDAY, 227_986), True),  # rounded to a millionth by the version before
        (0.22798586124, Action(MONDAY, "dividend", 227_985_861_240, None, None, "BRL"), True),
        (0.2279860, Action(MONDAY, "dividend", 227_985_861_240, None, None, "BRL"), True),  # 6e-7 apart
        (0.2279862, Action(MONDAY, "dividend", 227_985_861_240, None, None, "BRL"), False),  # 1.5e-6 apart
        (0.2279866, paid(MONDAY, 227_986), False),
        (0.227986, paid(MONDAY, 227_986, "capital_gain"), False),
        (0.227986, paid(MONDAY + timedelta(days=1), 227_986), False),
        (0.227986, Action(MONDAY, "dividend", 227_986_000_000, None, None, "USD"), False),
    ],
)
def test_an_amount_that_repeats_a_held_one_is_the_held_one(value: float, held: Action, *, repeats: bool) -> None:
    """But for the last digits of a float, and for what an older version rounded away."""
    (found,) = actions.within([RawAction(MONDAY, "dividend", value)], Window(MONDAY, MONDAY), (held,))
    assert repeats is (found is held)


def test_a_held_action_is_repeated_once() -> None:
    """A second payment of about the same amount is another one."""
    raws = [RawAction(MONDAY, "dividend", 0.5500001), RawAction(MONDAY, "dividend", 0.5500002)]
    first, second = actions.within(raws, Window(MONDAY, MONDAY), (paid(MONDAY, 550_000),))
    assert (550_000_000_000, 550_000_200_000) == (first.amount, second.amount)


def test_what_an_answer_names_replaces_its_day_and_kind_alone() -> None:
    """Another kind of the day, and another day, stay."""
    gain, split = paid(session(1), 3, "capital_gain"), parted(session(0), 2, 1)
    held = (split, paid(session(1), 1), paid(session(1), 2), gain)
    answered = (paid(session(1), 5), paid(session(2), 6))
    assert (split, gain, *answered) == actions.in_force(held, answered)


def test_a_held_action_that_a_complete_answer_lacks_is_flagged() -> None:
    """It stays held; one outside the window, or of a kind that is named on its day, is no matter."""
    held = (paid(session(0), 1), paid(session(1), 500_000), parted(session(2), 2, 1), paid(session(3), 1))
    raws = [RawAction(session(3), "dividend", 9.0)]
    found = list(actions.findings(raws, held, (), Window(session(1), session(3))))
    assert [
        Finding("EVENT", session(1), "got no dividend 0.50, want what is held; kept"),
        Finding("EVENT", session(2), "got no split 1 to 2, want what is held; kept"),
    ] == found
    assert [] == list(actions.findings(raws, held, ()))


def test_two_splits_of_one_day_come_in_order_of_their_ratios() -> None:
    """A judgement that is made again has the same bytes."""
    raws = [RawAction(MONDAY, "split", float(size)) for size in range(9, 1, -1)]
    assert [*range(2, 10)] == [action.numerator for action in actions.within(raws, Window(MONDAY, MONDAY))]


def test_between_leaves_out_the_day_before_the_step() -> None:
    """`after` is excluded, `until` is not."""
    known = tuple(paid(session(n), 1) for n in range(4))
    assert known[2:3] == actions.between(known, after=session(1), until=session(2))


@pytest.mark.parametrize(
    ("number", "amount", "detail"),
    [
        (1, 2.5, None),
        (1, 2.51, "got dividend 2.51, want at most 25% of 10.00"),
        (2, 2.0, None),
        (2, 2.01, "got dividend 2.01, want at most 25% of 8.00"),
        (0, 99.0, None),
        (1, 0.0, "got dividend 0.00, want above 0"),
        (1, NAN, "got dividend nan, want one that can be held; left out"),
    ],
)
def test_a_dividend_is_at_most_a_quarter_of_the_close_before_it(number: int, amount: float, detail: str | None) -> None:
    """With no close before it there is nothing to compare."""
    expected = [] if detail is None else [Finding("EVENT", session(number), detail)]
    assert expected == found(RawAction(session(number), "dividend", amount))


@pytest.mark.parametrize(("apart", "flagged"), [(7, True), (8, False)])
def test_equal_dividends_within_a_week_are_flagged_on_the_later_one(apart: int, *, flagged: bool) -> None:
    """Whether the earlier one came in this answer or is held."""
    first, second = MONDAY, MONDAY + timedelta(days=apart)
    detail = "got dividend 1.00 as on 2026-03-02, want 7 days between"
    expected = [Finding("EVENT", second, detail)] if flagged else []
    later = RawAction(second, "dividend", 1.0)
    assert expected == found(RawAction(first, "dividend", 1.0), later)
    assert expected == found(later, held=(paid(first, 1_000_000),))


@pytest.mark.parametrize(("kind", "amount"), [("dividend", 1.01), ("capital_gain", 1.0)])
def test_other_amounts_and_kinds_within_a_week_are_not(kind: ActionKind, amount: float) -> None:
    """Interest on equity is often paid beside a dividend, seldom of the same amount."""
    later = RawAction(MONDAY + timedelta(days=1), kind, amount)
    assert [] == found(RawAction(MONDAY, "dividend", 1.0), later)


@pytest.mark.parametrize(
    ("ratio", "detail"),
    [
        (2.0, None),
        (1.0, "got split ratio 1, want another"),
        (0.0, "got split 0.0, want one that can be held; left out"),
        (-2.0, "got split -2.0, want one that can be held; left out"),
    ],
)
def test_a_split_has_a_ratio_other_than_one(ratio: float, detail: str | None) -> None:
    """A ratio that is none is left out; a ratio of one changes nothing and is kept."""
    expected = [] if detail is None else [Finding("EVENT", MONDAY, detail)]
    assert expected == found(RawAction(MONDAY, "split", ratio))


def test_an_action_that_is_held_is_not_spoken_of_again() -> None:
    """It was flagged when it first came."""
    assert [] == found(RawAction(MONDAY, "split", 1.0), held=(parted(MONDAY, 1, 1),))
