"""What counts as wrong: a row per ticker that is asked for, one for all that was brought by hand."""

import pytest

from ledger.values import Finding
from projections.fold.folding import replayed
from projections.fold.tables import Tables
from projections.queries.alarms import Alarm, Thresholds, gravest, of_proofs, of_tickers
from projections.store.registry import ALL
from tests.projections.story import EPOCH_US, SECOND_US, TICKERS, Story, bar, day

T, OTHER, _ = TICKERS
THRESHOLDS = Thresholds(lag_s=86_400, error_percent=5, backup_age_s=100, verification_age_s=200, checkpoint_age_s=300)


def tables(story: Story) -> Tables:
    """Return the metrics after the story."""
    return replayed(story.log.read(), ALL)[1]["metrics"]


def found(story: Story, now_us: int, **changes: float) -> list[Alarm]:
    """Return what is wrong with the story's tickers."""
    limits = Thresholds(**{**{name: getattr(THRESHOLDS, name) for name in Thresholds.__struct_fields__}, **changes})
    return list(of_tickers(tables(story), now_us=now_us, thresholds=limits))


def test_a_late_ticker_is_critical() -> None:
    """The reason is the one of main metrics."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)])
    (alarm,) = found(story, story.now_us + 30 * 86_400 * SECOND_US)
    assert ("ingest.lag", T, "critical", 86_400) == (alarm.metric, alarm.ticker, alarm.severity, alarm.threshold)
    assert alarm.reason.startswith(f"got {int(alarm.value)}s since its last ingest, want at most 86400s")


@pytest.mark.parametrize(("percent", "expected"), [(49.9, 1), (50, 0)])
def test_failures_count_as_a_share_of_recent_runs(percent: float, expected: int) -> None:
    """Just above the threshold, and at it."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)])
    story.failed()
    alarms = [one for one in found(story, story.now_us, error_percent=percent) if one.metric == "ingest.error_rate"]
    assert [(T, 50.0)] * expected == [(one.ticker, one.value) for one in alarms]


def test_missing_sessions_count() -> None:
    """Each ticker's own."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)], warned=(Finding("GAP", day(1), "none"),))
    (alarm,) = found(story, story.now_us)
    assert ("sessions.missing", T, 1, 0) == (alarm.metric, alarm.ticker, alarm.value, alarm.threshold)


def test_a_series_that_ended_is_history() -> None:
    """Neither late nor failing, whatever it was before."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)])
    story.failed()
    story.retired(T, on=day(0))
    assert [] == found(story, story.now_us + 30 * 86_400 * SECOND_US)


def test_what_is_brought_by_hand_counts_once() -> None:
    """However many tickers a file has; it is never late."""
    story = Story()
    for ticker in (T, OTHER):
        story.fetched(ticker, provider="cotahist")
        story.broke(ticker, provider="cotahist")
    (alarm,) = found(story, story.now_us + 30 * 86_400 * SECOND_US)
    assert ("ingest.error_rate", None, 100) == (alarm.metric, alarm.ticker, alarm.value)
    assert "got 2 of the last 2 runs failed, want at most 5%" == alarm.reason


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [(100, []), (101, ["backup.age"]), (200, ["backup.age"]), (201, ["backup.age", "verification.age"])],
)
@pytest.mark.parametrize("made", [True, False])
def test_ages_count_from_the_last_or_from_the_beginning(made: bool, after_s: int, expected: list[str]) -> None:
    """A ledger without any backup is not well because there is no age to tell."""
    story = Story()
    if made:
        story.backed_up()
    from_us = story.now_us
    if made:
        story.now_us -= 10 * SECOND_US  # the next event is of the same instant
        story.verified()
    alarms = list(
        of_proofs(tables(story), created_us=from_us, now_us=from_us + after_s * SECOND_US, thresholds=THRESHOLDS)
    )
    words = "s since the last" if made else "got no "
    assert (expected, True) == ([one.metric for one in alarms], all(words in one.reason for one in alarms))


def test_an_age_of_nought_is_never_wrong() -> None:
    """Who keeps backups elsewhere turns it off."""
    off = Thresholds(lag_s=0, error_percent=5, backup_age_s=0, verification_age_s=0, checkpoint_age_s=0)
    assert [] == list(of_proofs(tables(Story()), created_us=0, now_us=EPOCH_US, thresholds=off))


def test_the_gravest_decides() -> None:
    """None where nothing is wrong."""
    mild, grave = (Alarm(metric="m", value=1, threshold=0, severity=how, reason="") for how in ("warning", "critical"))
    assert [None, "warning", "critical"] == [gravest(some) for some in ([], [mild], [mild, grave, mild])]


def test_an_old_checkpoint_is_missed_by_who_signs_them() -> None:
    """Where none was ever signed there is nothing to miss."""
    story = Story()
    story.backed_up()
    story.verified()

    def metrics(after_s: int) -> list[str]:
        now_us = story.now_us + after_s * SECOND_US
        return [
            one.metric
            for one in of_proofs(tables(story), created_us=0, now_us=now_us, thresholds=THRESHOLDS)
            if one.metric == "checkpoint.age"
        ]

    assert [] == metrics(10_000)
    story.signed()
    assert ([], ["checkpoint.age"]) == (metrics(100), metrics(301))
