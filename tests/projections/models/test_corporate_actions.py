"""Actions as told, corrected and withdrawn, against a reference that reads every answer as the whole truth."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.rules.actions import in_force
from ledger.values import Action, Verdict, Window
from projections.models.corporate_actions import ActionChange, changes, holding, known
from projections.models.decisions import Decision
from tests.projections.story import day
from tests.support.actions import paid, parted

DIVIDEND = paid(day(2), 500_000)
CORRECTED = paid(day(2), 510_000)
SPLIT = parted(day(1), 2, 1)


def decision(
    seq: int,
    *actions: Action,
    window: tuple[int, int] = (0, 9),
    verdict: Verdict = "success",
    received: int = 1,
    commits: bool = False,
) -> Decision:
    """Return the decision at `seq` over the days of `window`, which told of `actions`; of version 1 or committing."""
    after = bytes(32) if commits else None
    asked = Window(day(window[0]), day(window[1]))
    return Decision(seq, seq * 10, seq - 1, verdict, "split_adjusted", asked, received, None, actions, (), (), 0, after)


def test_a_change_says_what_was_told_before_it_and_since_when() -> None:
    """First told, then corrected, then no longer told; the same again is no change."""
    told = [decision(1, DIVIDEND), decision(2, DIVIDEND), decision(3, CORRECTED, SPLIT), decision(4, SPLIT)]
    expected = [
        ActionChange(date=day(2), kind="dividend", old=(), new=(DIVIDEND,), cause="first", seq=1, recorded_at=10),
        ActionChange(date=day(1), kind="split", old=(), new=(SPLIT,), cause="first", seq=3, recorded_at=30),
        ActionChange(
            date=day(2), kind="dividend", old=(DIVIDEND,), new=(CORRECTED,), cause="correction", seq=3, recorded_at=30
        ),
        ActionChange(date=day(2), kind="dividend", old=(CORRECTED,), new=(), cause="withdrawn", seq=4, recorded_at=40),
    ]
    assert expected == list(changes(told))
    assert (SPLIT,) == known(told)
    assert (SPLIT, CORRECTED) == known(told[:3])
    assert [expected[1]] == holding(told)


def test_only_an_accepted_answer_over_the_day_withdraws_an_action() -> None:
    """Not one over other days, not one that was refused or set aside, not one without a row."""
    others = [
        decision(2, window=(3, 9)),
        decision(3, window=(0, 1)),
        decision(4, verdict="rejected"),
        decision(5, verdict="superseded"),
        decision(6, received=0),
    ]
    assert (DIVIDEND,) == known([decision(1, DIVIDEND), *others])
    assert () == known([decision(1, DIVIDEND), *others, decision(7, window=(2, 2))])


def test_two_payments_of_a_day_are_both_known() -> None:
    """A dividend and interest on equity may share their day."""
    assert (DIVIDEND, CORRECTED) == known([decision(1, CORRECTED, DIVIDEND)])


def reference(told: list[tuple[int, int, dict[int, int]]]) -> dict[date, int]:
    """Return the amount by day: an answer replaces all that lies in its window."""
    amounts: dict[date, int] = {}
    for start, end, answered in told:
        kept = {on: amount for on, amount in amounts.items() if not day(start) <= on <= day(end)}
        amounts = kept | {day(number): amount for number, amount in answered.items() if start <= number <= end}
    return amounts


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.dictionaries(st.integers(0, 9), st.integers(1, 3))),
        max_size=8,
    )
)
def test_what_is_known_equals_the_reference(told: list[tuple[int, int, dict[int, int]]]) -> None:
    """After any answers, and the changes lead there step by step."""
    decisions = [
        decision(
            seq,
            *(paid(day(n), amount) for n, amount in sorted(answered.items()) if start <= n <= end),
            window=(start, end),
        )
        for seq, (start, end, answered) in enumerate(told, 1)
    ]
    expected = {on: amount * AMOUNTS_PER_MICRO for on, amount in reference(told).items()}
    assert expected == {action.ex_date: action.amount for action in known(decisions)}
    followed: dict[date, int] = {}
    for change in changes(decisions):
        followed.pop(change.date, None)
        followed |= {action.ex_date: action.amount for action in change.new}
    assert expected == followed


def test_a_decision_that_commits_withdraws_nothing() -> None:
    """What its answer does not name is kept; what it names is as it names it, whatever decided before."""
    told = [
        decision(1, DIVIDEND, SPLIT),
        decision(2, SPLIT, commits=True),
        decision(3, CORRECTED, commits=True),
        decision(4, CORRECTED, DIVIDEND, DIVIDEND, commits=True),
    ]
    assert [(SPLIT, DIVIDEND), (SPLIT, CORRECTED), (SPLIT, DIVIDEND, DIVIDEND, CORRECTED)] == [
        known(told[:count]) for count in (2, 3, 4)
    ]


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), max_size=5), max_size=6),
)
def test_the_fold_of_the_read_side_is_that_of_the_rules(answers: list[list[tuple[int, int]]]) -> None:
    """What a decision commits to is what the read models then hold."""
    told, held = list[Decision](), tuple[Action, ...]()
    for seq, answer in enumerate(answers, 1):
        actions = tuple(sorted((paid(day(n), amount) for n, amount in answer), key=astuple))
        told.append(decision(seq, *actions, commits=True))
        held = in_force(held, actions)
        assert held == known(told)


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(["success", "rejected"]),
            st.tuples(st.integers(0, 5), st.integers(0, 5)),
            st.dictionaries(st.integers(0, 5), st.integers(1, 3), max_size=3),
        ),
        max_size=10,
    ),
    st.integers(0, 10),
)
def test_versions_in_turn_lead_where_each_of_them_does(
    told: list[tuple[bool, Verdict, tuple[int, int], dict[int, int]]], cut: int
) -> None:
    """A refused one changes nothing, one of version 1 takes back within its window; in two parts it is the same."""
    decisions, amounts = list[Decision](), dict[date, int]()
    for seq, (commits, verdict, window, named) in enumerate(told, 1):
        actions = [paid(day(number), amount) for number, amount in sorted(named.items())]
        decisions.append(decision(seq, *actions, window=window, verdict=verdict, commits=commits))
        if verdict == "success":
            kept = {on: one for on, one in amounts.items() if commits or not day(window[0]) <= on <= day(window[1])}
            amounts = kept | {day(number): amount * AMOUNTS_PER_MICRO for number, amount in named.items()}
    assert amounts == {action.ex_date: action.amount for action in known(decisions)}
    assert known(decisions) == known(decisions[cut:], known(decisions[:cut]))
    assert [change for change in changes(decisions) if change.old == change.new] == []
