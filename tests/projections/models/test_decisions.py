"""Decisions are kept whole enough to explain the prices that they made."""

from ledger.market.series import Series
from ledger.values import Finding
from projections.fold.folding import replayed
from projections.models.decisions import Decision, decisions, judged
from projections.models.prices import Prices
from tests.projections.story import PROVIDER, TICKERS, WINDOW, Story, bar, day
from tests.support.actions import paid

T = TICKERS[0]
DIVIDEND = paid(day(2), 500_000)


def test_every_decision_over_the_series_is_kept_oldest_first() -> None:
    """Those that accepted nothing too; a finding on the whole answer is no rejected day."""
    story = Story()
    first = story.decided(cause := story.fetched(), bars=[bar(0)], actions=(DIVIDEND,))
    first_at = story.now_us
    findings = (Finding("THRESHOLD", None, "got 9"), Finding("NONPOS", day(1), "got 0"))
    second = story.decided(again := story.fetched(), verdict="rejected", rejected=findings)
    story.decided(story.fetched("VALE3.SA"), "VALE3.SA", bars=[bar(0)])
    tables = replayed(story.log.read(), [Prices()])[1]["prices"]
    later_at = first_at + 20_000_000
    kept = [
        Decision(first, first_at, cause, "success", "split_adjusted", WINDOW, 1, None, (DIVIDEND,), (), (), 1, None),
        Decision(second, later_at, again, "rejected", "split_adjusted", WINDOW, 2, None, (), (), (day(1),), 0, None),
    ]
    assert kept == list(decisions(tables, Series(T, PROVIDER)))
    assert kept[:1] == list(decisions(tables, Series(T, PROVIDER), second))
    assert [True, False] == [decision.accepted for decision in kept]


def test_providers_are_those_that_were_judged() -> None:
    """Whether or not anything of theirs was accepted."""
    story = Story()
    story.decided(story.fetched(), verdict="rejected")
    tables = replayed(story.log.read(), [Prices()])[1]["prices"]
    assert ((PROVIDER,), ()) == (judged(tables, T), judged(tables, "PETR4"))
