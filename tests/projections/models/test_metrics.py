"""Measures from final entries, against the ingest log as the reference."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.events import IngestFailed
from ledger.log_source import LogSource
from ledger.values import Finding
from projections.fold.folding import replayed
from projections.fold.tables import State, Tables
from projections.models.ingest_logs import Filter, IngestLogs, entries
from projections.models.log_entry import Entry
from projections.models.metrics import (
    RECENT_ENTRIES,
    RUN_STATUSES,
    Measured,
    Measures,
    RunCount,
    last_answer,
    measured,
    runs,
)
from projections.models.newest_proofs import (
    BackupStatus,
    CheckpointMade,
    VerificationMade,
    last_backup,
    last_checkpoint,
    last_verification,
)
from projections.store.registry import ALL
from tests.projections.story import PROVIDER, TICKERS, Story, bar, day, told

T, OTHER, _ = TICKERS


def state(log: LogSource) -> State:
    """Return all read models after all of `log`."""
    return replayed(log.read(), ALL)[1]


def metrics(log: LogSource) -> Tables:
    """Return the metrics after all of `log`."""
    return state(log)["metrics"]


def one(log: LogSource) -> Measures:
    """Return the measures of the story's first ticker."""
    (found,) = measured(metrics(log), T)
    return found.measures


def judged_order(log: LogSource, ticker: str) -> list[Entry]:
    """Return the ticker's final entries that are judged."""
    return [
        entry
        for entry in entries(state(log)["ingest_logs"], Filter(ticker=ticker))
        if entry.final and entry.status != "pending"
    ]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 999), max_size=60))
def test_measures_are_those_of_the_log_entries(numbers: list[int]) -> None:
    """Latency, errors, runs and the last ingest, by the definitions, from all entries."""
    log = told(numbers)
    found = {each.ticker: each.measures for each in measured(metrics(log))}
    for ticker in TICKERS:
        rows = judged_order(log, ticker)
        accepted = [row for row in rows if row.status in {"success", "warning"}]
        assert bool(rows) == (ticker in found)
        if not rows:
            continue
        measures, recent = found[ticker], rows[-RECENT_ENTRIES:]
        assert tuple(row.duration_ms for row in recent) == measures.durations_ms
        assert tuple(row.failed for row in recent) == measures.failures
        assert rows[-1].status == measures.status
        assert (accepted[-1].finished_at if accepted else None) == measures.last_ingest
        assert (accepted[-1].rows_fetched if accepted else 0) == measures.rows_fetched
        assert [sum(row.status == status for row in rows) for status in RUN_STATUSES] == list(measures.runs)


def test_thirty_final_entries_are_kept_and_no_more() -> None:
    """The thirty-first pushes the first one out."""
    story = Story()
    story.refused()
    for _ in range(29):
        story.failed()
    assert (2000, *(250,) * 29) == one(story.log).durations_ms
    story.failed()
    assert (250,) * 30 == one(story.log).durations_ms


def test_a_retried_attempt_measures_nothing() -> None:
    """Only its job's last entry counts."""
    story = Story()
    story.failed(final=False)
    assert [] == list(measured(metrics(story.log)))


def test_a_row_that_the_library_made_is_no_row_fetched() -> None:
    """It has one more than the answer where an action follows the last session; what is rejected has its own count."""
    story = Story()
    story.decided(story.fetched(rows=3), bars=[bar(1), bar(2)])
    assert 2 == one(story.log).rows_fetched
    story.decided(story.fetched(rows=7), verdict="rejected", rejected=(Finding("THRESHOLD", None, "x"),))
    logged = replayed(story.log.read(), [IngestLogs()])[1]["ingest_logs"]
    assert [2, 7] == [entry.rows_fetched for entry in entries(logged)]


def test_rows_and_the_last_day_grow_with_what_was_accepted() -> None:
    """Added, not fetched; a rejected batch leaves them, counts as a failure, and is itself no row."""
    story = Story()
    story.decided(story.fetched(rows=9), bars=[bar(5), bar(4)])
    seq = story.fetched(rows=4)
    story.decided(seq, bars=[bar(3)], verdict="warning", rejected=(Finding("NONPOS", day(1), "x"),), unchanged=2)
    after = one(story.log)
    assert ("warning", seq, 1, 4, 3, day(5), 0) == (
        after.status,
        after.seq,
        after.rejected,
        after.rows_fetched,
        after.rows_total,
        after.last_date,
        after.consecutive_failures,
    )
    story.decided(story.fetched(rows=7), verdict="rejected", rejected=(Finding("THRESHOLD", None, "x"),))
    failed = one(story.log)
    assert (after.last_ingest, 0, 4, 3, day(5), 1) == (
        failed.last_ingest,
        failed.rejected,
        failed.rows_fetched,
        failed.rows_total,
        failed.last_date,
        failed.consecutive_failures,
    )


def test_evidence_is_kept_until_its_decision_and_no_longer() -> None:
    """The metrics stay fixed in size."""
    story = Story()
    seq = story.fetched()
    assert len(list(metrics(story.log)["pending"].scan())) == 1
    story.decided(seq)
    assert [] == list(metrics(story.log)["pending"].scan())


def test_runs_are_counted_by_how_they_ended() -> None:
    """Every status has a count, zero too."""
    story = Story()
    story.decided(story.fetched())
    story.failed()
    story.failed(final=False)
    story.refused(OTHER)
    nothing = dict.fromkeys(RUN_STATUSES, 0)
    expected = [
        RunCount(ticker, PROVIDER, status, count)
        for ticker, counts in ((T, nothing | {"success": 1, "error": 1}), (OTHER, nothing | {"locked": 1}))
        for status, count in counts.items()
    ]
    assert expected == list(runs(metrics(story.log)))


def test_the_newest_checkpoint_is_kept() -> None:
    """None before the first."""
    story = Story()
    assert last_checkpoint(metrics(story.log)) is None
    story.signed()
    story.signed()
    assert CheckpointMade(story.now_us, 2) == last_checkpoint(metrics(story.log))


def test_the_newest_backup_is_kept() -> None:
    """None before the first."""
    story = Story()
    assert last_backup(metrics(story.log)) is None
    story.backed_up()
    story.backed_up()
    expected = BackupStatus(story.now_us, "backup-20260202T000000Z.db", 1002, 2)
    assert expected == last_backup(metrics(story.log))


def test_a_provider_last_answered_when_a_fetch_or_a_probe_went_well() -> None:
    """Whichever came later; failures never count."""
    story = Story()
    assert last_answer(metrics(story.log), PROVIDER) is None
    started = story.now_us
    story.decided(story.fetched())
    story.failed()
    assert started + 1_500_000 == last_answer(metrics(story.log), PROVIDER)
    probed = story.now_us
    story.probed()
    assert probed + 1 == last_answer(metrics(story.log), PROVIDER)


def test_a_tickers_measures_are_its_own() -> None:
    """A name that begins another's is not it."""
    story = Story()
    story.failed("PETR4")
    story.failed("PETR4.SA")
    tables = metrics(story.log)
    assert ["PETR4", "PETR4.SA"] == [found.ticker for found in measured(tables)]
    assert [Measured("PETR4", PROVIDER, next(measured(tables)).measures)] == list(measured(tables, "PETR4"))


def test_a_file_brought_by_hand_hides_no_provider_that_is_asked() -> None:
    """A year imported after a failure leaves the failure in sight; a ticker that only has files shows them."""
    story = Story()
    story.broke(T)
    for ticker in (T, OTHER):
        by_hand = IngestFailed(
            ticker=ticker,
            provider="cotahist",
            attempt=1,
            started_at=story.now_us,
            finished_at=story.now_us,
            stage="import",
            error_kind="interrupted",
            message="SIGINT",
        )
        story.add(by_hand)
    assert {T: PROVIDER, OTHER: "cotahist"} == {one.ticker: one.provider for one in measured(metrics(story.log))}


def test_the_last_verification_is_the_newest() -> None:
    """None before the first."""
    story = Story()
    assert None is last_verification(metrics(story.log))
    story.verified()
    size = story.log.head().size
    story.verified()
    assert VerificationMade(story.now_us, "intact", size) == last_verification(metrics(story.log))
