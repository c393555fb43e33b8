"""Scale: when an answer alone would leave a series with two."""

from collections.abc import Sequence

import pytest

from ledger.ingest.rules import scale
from ledger.ingest.rules.actions import within as answered_within
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.reading import Offer
from ledger.ingest.rules.scale import WholeRangeNeeded, rewritten
from ledger.values import Action, Basis, RawAction, RawBar, Window
from tests.ledger.ingest.answers import bar, held, raw, run_of, session
from tests.support.actions import parted

HELD = held(run_of([10 + n / 100 for n in range(10)]))
SPLIT = RawAction(session(10), "split", 2.0)
CLOSES = tuple(10 + n / 100 for n in range(12))


def asked(
    bars: Sequence[RawBar],
    actions: Sequence[RawAction] = (),
    *,
    before: Held = HELD,
    window: Window | None = None,
    basis: Basis = "split_adjusted",
) -> WholeRangeNeeded | None:
    """Return what is asked for after an answer with `bars`."""
    within = window or Window(bars[0].date, max(bars[-1].date, session(11)))
    answered = answered_within(map(Offer.of, actions), within, before.actions)
    return scale.wider(within, [bar(given) for given in bars], answered, before, basis)


def overlap(factors: dict[int, float], *, adj: float | None = None) -> tuple[RawBar, ...]:
    """Return sessions 5 to 11 with the closes of some multiplied, or every adjusted close before session 10."""
    return tuple(
        raw(session(n), CLOSES[n] * factors.get(n, 1), adj=None if adj is None or n > 9 else CLOSES[n] * adj)
        for n in range(5, 12)
    )


@pytest.mark.parametrize(
    ("pairs", "ratio"),
    [
        ((), None),
        (((100, 100), (200, 200)), None),
        (((50, 100), (100, 200)), 0.5),
        (((50, 100), (100, 200), (300, 300)), 0.5),
        (((50, 100),), 0.5),
        (((50, 100), (200, 200)), None),
        (((50, 100), (100, 200), (90, 300)), 0.5),
        (((50, 100), (90, 300)), None),
        (((1_000_100, 1_000_000), (2_000_200, 2_000_000)), None),
        (((1_000_101, 1_000_000), (2_000_202, 2_000_000)), 1.000101),
        (((500_000, 1_000_000), (500_040, 1_000_000)), 0.50004),
        (((500_000, 1_000_000), (500_060, 1_000_000)), None),
    ],
)
def test_a_common_ratio_is_shared_by_most_of_the_rows_that_moved(
    pairs: tuple[tuple[int, int], ...], ratio: float | None
) -> None:
    """One row of several that moved alone is a correction; 1e-4 is no move."""
    assert ratio == scale.common_ratio(pairs)


def test_an_overlap_that_agrees_needs_nothing_more() -> None:
    """The usual day: five sessions as held, two new ones."""
    assert None is asked(overlap({}))


def test_an_overlap_at_one_ratio_asks_for_everything_held() -> None:
    """From the first session held to the end of the window."""
    expected = WholeRangeNeeded(
        Window(session(0), session(11)), "got close at 0.5 times what is held, want one scale", 0.5
    )
    assert expected == asked(overlap(dict.fromkeys(range(5, 12), 0.5)))


def test_an_overlap_rescaled_up_to_a_day_inside_it_asks_too() -> None:
    """The provider noticed a split late: older rows moved, newer ones were right already."""
    needed = asked(overlap({5: 0.5, 6: 0.5, 7: 0.5}))
    assert 0.5 == (needed and needed.ratio)


def test_adjusted_closes_at_one_ratio_ask_for_everything_held() -> None:
    """A dividend rescales the adjusted history and leaves the closes alone."""
    expected = WholeRangeNeeded(
        Window(session(0), session(11)), "got adj_close at 0.95 times what is held, want one scale", 0.95
    )
    needed = asked(overlap({}, adj=0.95))
    assert expected == (needed and WholeRangeNeeded(needed.window, needed.reason, round(needed.ratio or 0, 6)))


def test_a_correction_inside_the_overlap_asks_for_nothing() -> None:
    """One row that differs among rows that agree."""
    assert None is asked(overlap({7: 1.02}))


def test_a_difference_on_the_oldest_day_compared_asks_for_what_lies_before_it() -> None:
    """Whether older rows moved with it cannot be seen from here."""
    reason = "got another close on the oldest day compared, want to know if older ones moved too"
    assert WholeRangeNeeded(Window(session(0), session(11)), reason, None) == asked(overlap({5: 1.02}))


@pytest.mark.parametrize(
    ("action", "basis", "wanted"),
    [
        (SPLIT, "split_adjusted", True),
        (SPLIT, "as_traded", False),
        (RawAction(session(7), "split", 2.0), "split_adjusted", True),
        (RawAction(session(10), "split", 1.0), "split_adjusted", False),
        (RawAction(session(10), "dividend", 1.0), "split_adjusted", False),
    ],
)
def test_a_split_that_is_not_held_asks_for_everything_held(action: RawAction, basis: Basis, *, wanted: bool) -> None:
    """A series as traded keeps its scale through a split; dividends show in the adjusted closes."""
    assert wanted is (asked(overlap({}), [action], basis=basis) is not None)


def test_a_split_that_is_held_and_dated_inside_asks_for_nothing() -> None:
    """Its scale was settled when it was accepted."""
    known = Held(HELD.bars, (parted(session(7), 2, 1),))
    assert None is asked(overlap({}), [RawAction(session(7), "split", 2.0)], before=known)


def test_a_split_after_the_last_session_held_asks_even_when_it_is_held() -> None:
    """It was announced with a partial row; whether the history followed is seen only now."""
    known = Held(HELD.bars, (parted(session(10), 2, 1),))
    assert None is not asked(overlap({}), [SPLIT], before=known)


def test_the_reason_names_the_split() -> None:
    """Old shares first, then new."""
    needed = asked(overlap({}), [SPLIT])
    expected = f"got a split of 1 to 2 on {session(10)}, want the sessions before it on its scale"
    assert expected == (needed and needed.reason)


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        (Window(session(0), session(11)), None),
        (Window(session(0), session(9)), None),
        (Window(session(0), session(8)), Window(session(0), session(9))),
        (Window(session(1), session(11)), Window(session(0), session(11))),
    ],
)
def test_a_window_over_everything_held_is_wide_enough(window: Window, wanted: Window | None) -> None:
    """Rows held after the window would be left on the old scale as much as those before it."""
    bars = tuple(raw(session(n), CLOSES[n] / 2) for n in range(2, 8))
    needed = asked(bars, window=window)
    assert wanted == (needed and needed.window)


@pytest.mark.parametrize(("basis", "wanted"), [("split_adjusted", True), ("as_traded", False)])
def test_an_answer_that_shares_no_day_with_what_is_held_cannot_be_compared(basis: Basis, *, wanted: bool) -> None:
    """A backfill from before a split would be halved, and nothing would show it."""
    needed = asked(run_of(CLOSES[:3], first=-5), window=Window(session(-5), session(-3)), basis=basis)
    expected = Window(session(-5), session(9)) if wanted else None
    assert expected == (needed and needed.window)


def test_nothing_held_or_nothing_accepted_asks_for_nothing() -> None:
    """There is no second scale."""
    assert None is asked(overlap({}), [SPLIT], before=Held({}))
    window = Window(session(10), session(11))
    answered = answered_within([Offer.of(SPLIT)], window)
    assert None is scale.wider(window, (), answered, HELD, "split_adjusted")


@pytest.mark.parametrize("moved", [{5: 1.02}, dict.fromkeys(range(5, 12), 0.5)])
def test_a_series_as_traded_is_never_rescaled(moved: dict[int, float]) -> None:
    """Whatever differs was corrected, and there is nobody to ask for more."""
    assert None is asked(overlap(moved), basis="as_traded")


@pytest.mark.parametrize(
    ("closes", "actions", "expected"),
    [
        ([40 + n % 3 for n in range(12)], (), (11, "got other closes on 12 of 12 sessions held")),
        ([40 + n % 3 for n in range(10)], (), (9, "got other closes on 10 of 10 sessions held")),
        ([40 + n % 3 if n < 7 else 20 + n / 10 for n in range(12)], (), (6, "got other closes on 7 of 12")),
        ([40 + n % 3 if n < 6 else 20 + n / 10 for n in range(12)], (), None),
        ([(20 + n / 10) * 100 for n in range(12)], (), (11, "got other closes, 100 times as high, on 12 of 12")),
        ([(20 + n / 10) / 100 for n in range(12)], (), (11, "got other closes, 0.01 times as high, on 12 of 12")),
        ([(20 + n / 10) * 100 for n in range(12)], (parted(session(5), 1, 100),), None),
        ([(20 + n / 10) / 100 for n in range(12)], (parted(session(5), 100, 1),), None),
        ([(20 + n / 10) * 100 for n in range(12)], (parted(session(5), 1, 99),), (11, "got other closes, 100 times")),
        ([(20 + n / 10) * 99.5 for n in range(12)], (parted(session(5), 1, 100),), None),
        ([(20 + n / 10) / 2 for n in range(12)], (), None),
        ([20 + n / 10 for n in range(12)], (), None),
    ],
)
def test_a_series_that_became_another_is_told_from_one_on_another_scale(
    closes: list[float], actions: tuple[Action, ...], expected: tuple[int, str] | None
) -> None:
    """Ten sessions at least, more than half of them others, by no one ratio; a hundredfold is a unit unless a split."""
    before = held(run_of([20 + n / 10 for n in range(12)]))
    found = list(rewritten([bar(one) for one in run_of(closes)], before, actions))
    length = 0 if expected is None else len(expected[1])
    assert ([] if expected is None else [("REWRITTEN", session(expected[0]), expected[1])]) == [
        (one.rule, one.date, one.detail[:length]) for one in found
    ]
    assert [] == list(rewritten([bar(one) for one in run_of(closes[:9])], before, actions))
