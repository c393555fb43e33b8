"""Rules over neighbouring sessions, each just inside and just outside its line."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import get_args

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.ingest.rules import series_rules
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.series_rules import JudgedSeries
from ledger.ingest.rules.sifting import Sifted, sift
from ledger.values import Action, Basis, Finding, RawBar, Window
from tests.ledger.ingest.answers import bar, held, ids, raw, run_of, session
from tests.support.actions import paid, parted

DIVIDEND = paid(session(1), 1_000_000)
SPLIT = parted(session(1), 2, 1)


def series(
    given: Sequence[RawBar],
    actions: Sequence[Action] = (),
    *,
    basis: Basis = "as_traded",
    fresh: Sequence[date] | None = None,
) -> JudgedSeries:
    """Return a series, all of it fresh unless said otherwise."""
    bars = tuple(bar(each) for each in given)
    days = frozenset(each.date for each in bars) if fresh is None else frozenset(fresh)
    places = tuple(place for place, each in enumerate(bars) if each.date in days)
    return JudgedSeries(bars, days, tuple(actions), basis, places)


def flagged(given: JudgedSeries) -> list[Finding]:
    """Return what is flagged in a series whose rows could all be read."""
    return list(series_rules.flagged(given, sift(given.bars, given.places), ()))


def flags(closes: Sequence[float], actions: Sequence[Action] = (), basis: Basis = "as_traded") -> list[str]:
    """Return the ids of what is flagged in a run of closes."""
    return [finding.rule for finding in flagged(series(run_of(closes), actions, basis=basis))]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ((10, 13), []),
        ((10, 13.01), ["JUMP"]),
        ((13, 10), []),
        ((13.01, 10), ["JUMP"]),
        ((10, 19.04), ["JUMP"]),
        ((10, 19.05), ["JUMP", "SPLIT_SUSPECT"]),
        ((10, 21), ["JUMP", "SPLIT_SUSPECT"]),
        ((10, 21.01), ["JUMP"]),
        ((10, 70), ["JUMP"]),
    ],
)
def test_a_jump_is_more_than_30_percent_and_a_split_suspect_within_5_of_a_whole_ratio(
    closes: tuple[float, float], expected: list[str]
) -> None:
    """The lines are factors, so they lie alike going up and down."""
    assert expected == flags(closes)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (9.96, ["JUMP", "SPLIT_SUSPECT"]),  # a grouping of 10 into 1, as traded
        (0.494, ["JUMP", "SPLIT_SUSPECT"]),  # a split of 1 into 2, as traded
        (0.951, []),  # ex dividend
    ],
)
def test_genuine_steps_are_told_apart(change: float, expected: list[str]) -> None:
    """Sizes that B3 has really seen, with no action known."""
    assert expected == flags((12.5, 12.5 * change))


def test_a_split_suspect_names_the_split_that_it_looks_like() -> None:
    """The detail has both closes and the ratio, old shares first."""
    assert [
        Finding("JUMP", session(1), "got close 5.00 after 10.00, want within a factor of 1.3"),
        Finding("SPLIT_SUSPECT", session(1), "got close 5.00 after 10.00, want no step like a split of 1 to 2"),
    ] == flagged(series(run_of((10, 5))))


@pytest.mark.parametrize(
    ("action", "basis", "expected"),
    [
        (SPLIT, "as_traded", []),
        (SPLIT, "split_adjusted", ["JUMP", "SPLIT_SUSPECT"]),
        (DIVIDEND, "as_traded", ["JUMP"]),
        (DIVIDEND, "split_adjusted", ["JUMP"]),
        (paid(session(1), 5_000_000), "as_traded", []),
        (paid(session(1), 5_000_000), "split_adjusted", []),
        (parted(session(0), 2, 1), "as_traded", ["JUMP", "SPLIT_SUSPECT"]),
        (parted(session(2), 2, 1), "as_traded", ["JUMP", "SPLIT_SUSPECT"]),
    ],
)
def test_an_action_of_the_day_explains_its_own_size(action: Action, basis: Basis, expected: list[str]) -> None:
    """A series that is split-adjusted already has no business halving on the day of a split."""
    assert expected == flags((10, 5), [action], basis)


@pytest.mark.parametrize(
    ("closes", "amount", "expected"),
    [
        ((102.00, 10.00), 0.80, ["JUMP", "SPLIT_SUSPECT"]),
        ((102.00, 79.00), 0.80, []),
        ((102.00, 70.00), 0.80, ["JUMP"]),
        ((102.00, 70.00), 25.00, []),
        ((102.00, 102.00), 25.00, ["JUMP"]),  # what was paid never left the price
        ((102.00, 101.00), 110.00, []),  # more than the whole price explains nothing; rule EVENT has it
    ],
)
def test_a_dividend_explains_its_own_size_and_no_more(
    closes: tuple[float, float], amount: float, expected: list[str]
) -> None:
    """What is left over after it is what JUMP judges."""
    for basis in get_args(Basis):
        assert expected == flags(closes, [paid(session(1), round(amount * 1_000_000))], basis)


@pytest.mark.parametrize(
    "pair", [(1, 25), (1, 30), (3, 2), (1, 40), (6, 1), (25, 1), (7, 2), (1, 10_000), (10_341, 10_000)]
)
def test_a_listed_split_of_any_ratio_is_suspected_where_history_was_not_adjusted_for_it(pair: tuple[int, int]) -> None:
    """Or was adjusted twice; a day that moved as days do is quiet."""
    listed = parted(session(1), *pair)
    ratio = listed.numerator / listed.denominator
    small = abs(ratio - 1) < 0.1
    for close in (10 / ratio, 10 * ratio):
        assert small or "SPLIT_SUSPECT" in flags((10, close), [listed], "split_adjusted")
    for close in (10.2, 9.8, 10.0):
        assert [] == flags((10, close), [listed], "split_adjusted")
        assert [] == flags((10, close / ratio), [listed], "as_traded")
    assert small or flags((10, 10), [listed], "as_traded")


@for_all(
    st.integers(1, 200),
    st.integers(1, 200),
    st.floats(0.98, 1.02),
    st.sampled_from([0.05, 1.0, 40.0, 900.0]),
)
def test_every_unadjusted_split_that_can_be_told_from_a_day_is_suspected(
    new: int, old: int, day: float, price: float
) -> None:
    """From 1.1 up, whatever the integers; as traded the same step is explained."""
    ratio = new / old
    unadjusted = flags((price, price * day / ratio), [parted(session(1), new, old)], "split_adjusted")
    assert max(ratio, 1 / ratio) < 1.1 or "SPLIT_SUSPECT" in unadjusted
    assert [] == flags((price, price * day / ratio), [parted(session(1), new, old)])


def test_a_split_learned_late_is_held_against_the_step_that_was_held_before() -> None:
    """No session is new; the action is."""
    known = held(run_of((250, 10)))
    late = parted(session(1), 25, 1)
    given = JudgedSeries.after(known, (), (late,), "split_adjusted")
    assert ["JUMP", "SPLIT_SUSPECT"] == [finding.rule for finding in flagged(given)]
    again = JudgedSeries.after(Held(known.bars, (late,)), (), (late,), "split_adjusted")
    assert [] == flagged(again)


@pytest.mark.parametrize(
    ("closes", "days"),
    [
        ((10, 1000, 10), [1]),
        ((1000, 10, 1000), [1]),
        ((10, 1299, 12.99), [1]),
        ((10, 1301, 13.01), []),
        ((10, 770, 10), [1]),
        ((10, 768, 10), []),
        ((10, 1000, 1000), []),
        ((10, 1000, 100_000), []),
    ],
)
def test_a_slip_of_unit_is_one_day_a_hundred_times_off(closes: tuple[float, ...], days: list[int]) -> None:
    """Up and back, or down and back; a step that stays is none."""
    found = flagged(series(run_of(closes)))
    assert [session(n) for n in days] == [finding.date for finding in found if finding.rule == "UNIT_100X"]


@pytest.mark.parametrize(
    ("adjusted", "actions", "expected"),
    [
        ((10, 10), (), []),
        ((10, 10.001), (), []),
        ((10, 10.0011), (), [1, 1]),
        ((9, 0), (), [1]),
        ((9, -1), (), [1]),
        ((9, 9.0009), (), []),
        ((9, 9.002), (), [1]),
        ((9, 9.5), (DIVIDEND,), []),
        ((9.5, 9), (), [1]),
        ((9.5, 9), (DIVIDEND,), [1]),
    ],
)
def test_adjusted_closes_step_up_on_actions_only_and_never_pass_the_close(
    adjusted: tuple[float, float], actions: tuple[Action, ...], expected: list[int]
) -> None:
    """Two sessions that close at 10, with these adjusted closes."""
    given = [raw(session(n), 10, adj=adj, volume=n) for n, adj in enumerate(adjusted)]
    found = ids(flagged(series(given, actions)))
    assert [("ADJ", session(n)) for n in expected] == found


def test_rounding_to_a_millionth_is_no_step_of_tiny_adjusted_closes() -> None:
    """0.000123 and 0.000124 may be the same ratio, rounded."""
    given = [raw(session(0), 10, adj=0.0001234, volume=1), raw(session(1), 10.04, adj=0.0001239, volume=2)]
    assert [] == ids(flagged(series(given)))


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [([], []), ([0], ["JUMP"]), ([1], ["JUMP"]), ([2], [])],
)
def test_only_sessions_that_are_new_or_revised_are_spoken_of(fresh: list[int], expected: list[str]) -> None:
    """A jump that is held was flagged when it came; it is again when either side is revised."""
    given = series(run_of((10, 17, 17)), fresh=[session(n) for n in fresh])
    assert expected == [finding.rule for finding in flagged(given)]


@pytest.mark.parametrize(
    ("volumes", "fresh", "expected"),
    [
        ((5, 5), (0, 1), []),
        ((5, 5, 5), (2,), [2]),
        ((5, 5, 6, 5), (0, 1, 2, 3), []),
        ((5, 5, 5, 5), (3,), [3]),
        ((5, 5, 5), (), []),
    ],
)
def test_three_sessions_alike_are_stale(volumes: tuple[int, ...], fresh: tuple[int, ...], expected: list[int]) -> None:
    """One warning a run, dated by its last session."""
    given = [raw(session(n), 10, volume=volume) for n, volume in enumerate(volumes)]
    found = series_rules.stale(series(given, fresh=[session(n) for n in fresh]), traded=True)
    assert [("STALE", session(n)) for n in expected] == ids(list(found))


@pytest.mark.parametrize(("volumes", "idle", "traded"), [((0, 0, 0), 1, 0), ((5, 5, 5), 0, 1), ((0, 0, 5), 0, 0)])
def test_a_stale_run_is_one_of_trades_or_of_none(volumes: tuple[int, ...], idle: int, traded: int) -> None:
    """The first is warned of, the second flagged."""
    given = series([raw(session(n), 10, volume=volume) for n, volume in enumerate(volumes)])
    assert (idle, traded) == tuple(len(list(series_rules.stale(given, traded=each))) for each in (False, True))


@pytest.mark.parametrize(
    ("due", "known", "expected"),
    [
        ((0, 2), (0, 1, 2), []),
        ((0, 2), (0, 2), [1]),
        ((1, 3), (0, 2, 4), [1, 3]),
        ((3, 2), (), []),
    ],
)
def test_a_session_due_that_is_not_known_is_a_gap(
    due: tuple[int, int], known: tuple[int, ...], expected: list[int]
) -> None:
    """Both ends are due."""
    found = series_rules.gaps(Window(session(due[0]), session(due[1])), {session(n) for n in known})
    assert [("GAP", session(n)) for n in expected] == ids(list(found))


def test_days_outside_the_calendar_are_warned_of_once_and_are_no_gaps() -> None:
    """Past the table a weekday without a bar may have been a holiday."""
    days = [date(2031, 3, 3), date(2031, 3, 5)]
    detail = "got 2 days from 2031-03-03 outside the calendar, want days that it covers"
    assert [Finding("NOT_SESSION", None, detail)] == list(series_rules.off_calendar(days))
    assert [] == list(series_rules.gaps(Window(min(days), max(days)), ()))
    assert [] == list(series_rules.off_calendar([date(2030, 12, 30)]))


def test_a_split_dated_in_a_gap_explains_the_step_across_it() -> None:
    """The step is from the session before the gap to the one after."""
    given = [raw(session(0), 10), raw(session(3), 5)]
    action = parted(session(0) + timedelta(days=1), 2, 1)
    assert [] == ids(list(flagged(series(given, [action]))))


@for_all(
    st.lists(st.sampled_from([10.0, 10.0, 14.0, 20.0, 1000.0]), min_size=1, max_size=9),
    st.sets(st.integers(0, 8)),
    st.sets(st.integers(0, 9)),
    st.sampled_from([0, 5]),
)
def test_what_is_looked_at_is_what_something_new_takes_part_in(
    closes: list[float], fresh: set[int], learned: set[int], volume: int
) -> None:
    """Each step, each triple and each run of the series that has a new session in it, and no other."""
    given = [raw(session(n), close, volume=volume) for n, close in enumerate(closes)]
    days, new = {session(n) for n in learned}, frozenset(session(n) for n in fresh)
    judged = replace(series(given, fresh=[*new]), learned=frozenset(days))
    bars, expected = judged.bars, list[Finding]()
    for before, after in pairwise(bars):
        if new & {before.date, after.date} or any(before.date < day <= after.date for day in days):
            expected += series_rules.jump(before, after, judged)
    for three in zip(bars, bars[1:], bars[2:], strict=False):
        if new & {one.date for one in three}:
            expected += series_rules.unit_slip(*three)
    expected += series_rules.adjustments(judged, Sifted.everything(bars, judged.places), ())
    assert expected == flagged(judged)
    runs = [
        [one.date for one in run]
        for _, run in groupby(bars, key=lambda one: (one.volume, one.open, one.high, one.low, one.close))
    ]
    alike = [run[-1] for run in runs if len(run) >= 3 and new & {*run}]
    assert alike == [finding.date for finding in series_rules.stale(judged, traded=volume > 0)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (9.0, 13.0, []),
        (9.0, 13.01, ["got high 13.01 beside open 9.00 and close 10.00, want within a factor of 1.3"]),
        (6.93, 11.0, []),
        (6.92, 11.0, ["got low 6.92 beside open 9.00 and close 10.00, want within a factor of 1.3"]),
        (0.09, 1000.0, ["got high 1000.00", "got low 0.09"]),
    ],
)
def test_high_and_low_lie_within_a_factor_of_open_and_close(low: float, high: float, expected: list[str]) -> None:
    """A wrong one passed where the close beside it was right; of a session that is held nothing is said again."""
    bars = [RawBar(session(0), 9.0, high, low, 10.0, 10.0, 1000)]
    found = flagged(series(bars))
    assert [("RANGE", session(0))] * len(expected) == ids(found)
    assert all(one.detail.startswith(want) for one, want in zip(found, expected, strict=True))
    assert [] == flagged(series(bars, fresh=()))
