"""The ingest log: an entry an attempt, found from the newest back."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Finding
from projections.fold.folding import replayed
from projections.fold.memory_tables import MemoryTable
from projections.fold.tables import Row, Tables
from projections.models.ingest_logs import Filter, IngestLogs, entries, pending
from projections.models.log_entry import Entry
from tests.projections.story import EPOCH_US, PROVIDER, SECOND_US, TICKERS, Story, day, told

T, OTHER, _ = TICKERS


def logs(log: LogSource) -> Tables:
    """Return the tables after all of `log`."""
    return replayed(log.read(), [IngestLogs()])[1]["ingest_logs"]


def test_a_fetch_is_pending_until_its_decision() -> None:
    """Whole values, before and after."""
    story = Story()
    started = story.now_us
    seq = story.fetched(rows=3, job=5)
    waiting = Entry(
        ticker=T,
        job_id=(5).to_bytes(16, "big"),
        started_at=started,
        finished_at=started + 1_500_000,
        rows_fetched=3,
        status="pending",
        error_message=None,
        duration_ms=1500,
        provider=PROVIDER,
        attempt=1,
        retry_after=None,
        seq=seq,
        recorded_at=story.now_us,
    )
    assert [waiting] == entries(logs(story.log))
    assert {Series(T, PROVIDER): (seq,)} == pending(logs(story.log), T)
    story.decided(seq, unchanged=3)
    (found,) = entries(logs(story.log))
    assert ("success", 3, True, 0) == (found.status, found.accepted, found.final, found.rejected)
    assert {} == pending(logs(story.log), T)


def test_a_failure_that_names_its_evidence_closes_that_entry() -> None:
    """It is no attempt of its own; of the provider's other evidence nothing changes."""
    story = Story()
    seq, other = story.fetched(rows=3, job=5), story.fetched()
    story.unreadable(seq, job=5)
    first, second = entries(logs(story.log))
    assert ("error", "bad-answer: no chart", True, 3) == (
        first.status,
        first.error_message,
        first.failed,
        first.rows_fetched,
    )
    assert (("pending", other), {Series(T, PROVIDER): (other,)}) == (
        (second.status, second.seq),
        pending(logs(story.log), T),
    )


def test_pending_is_kept_by_series() -> None:
    """Each provider's own, of a ticker that both have."""
    story = Story()
    first, second = story.fetched(), story.fetched(provider="other")
    assert {Series(T, "other"): (second,), Series(T, PROVIDER): (first,)} == pending(logs(story.log), T)


def test_pending_is_the_tickers_own() -> None:
    """Oldest first, and of no other ticker."""
    story = Story()
    first, _, third = story.fetched(), story.fetched(OTHER), story.fetched()
    assert {Series(T, PROVIDER): (first, third)} == pending(logs(story.log), T)


def test_a_rejected_batch_says_why_in_its_first_words() -> None:
    """The kind of error, then the finding on the batch before those on rows; only rows count as rejected rows."""
    story = Story()
    rows, batch = Finding("NONPOS", day(0), "got 0, want > 0"), Finding("IDENTITY", None, "got USD, want BRL")
    story.decided(story.fetched(), verdict="rejected", rejected=(rows, batch))
    (found,) = entries(logs(story.log))
    expected = ("rejected", "bad-answer", "bad-answer: IDENTITY got USD, want BRL", 1, True)
    assert expected == (found.status, found.error_kind, found.error_message, found.rejected, found.failed)


def test_superseded_evidence_is_a_success_that_is_not_final() -> None:
    """The job went on to a wider answer."""
    story = Story()
    story.decided(story.fetched(), verdict="superseded")
    (found,) = entries(logs(story.log))
    assert ("success", False, True, False) == (found.status, found.final, found.superseded, found.failed)


def test_failures_lead_with_their_kind() -> None:
    """A fetch that failed, a refusal, an interruption; a retried attempt is no failure of the job."""
    story = Story()
    story.failed(final=False)
    story.failed(attempt=2)
    story.refused()
    story.broke()
    expected = [
        ("error", 1, False, False, 7, 429, "rate-limit: got status 429"),
        ("error", 2, True, True, 7, 429, "rate-limit: got status 429"),
        ("locked", 1, True, True, None, None, "locked: held by pid 1"),
        ("error", 1, True, True, None, None, "interrupted: SIGINT"),
    ]
    found = entries(logs(story.log))
    assert expected == [
        (one.status, one.attempt, one.final, one.failed, one.retry_after, one.status_code, one.error_message)
        for one in found
    ]
    assert found[1:] == entries(logs(story.log), Filter(failed=True))


FILTERS = st.builds(
    Filter,
    ticker=st.none() | st.sampled_from(TICKERS),
    since=st.none() | st.integers(0, 60).map(lambda number: EPOCH_US + number * 10 * SECOND_US),
    until=st.none() | st.integers(0, 60).map(lambda number: EPOCH_US + number * 10 * SECOND_US),
    status=st.none() | st.sampled_from(["success", "warning", "rejected", "error", "locked", "pending"]),
    job_id=st.none() | st.sampled_from([(1).to_bytes(16, "big"), bytes(16)]),
    failed=st.booleans(),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 999), max_size=30), FILTERS, st.none() | st.integers(0, 9), st.integers(0, 5))
def test_entries_equal_a_filter_over_all_of_them(
    numbers: list[int], wanted: Filter, limit: int | None, offset: int
) -> None:
    """The index, the early stop and the paging change nothing."""
    tables = logs(told(numbers))
    rows = [
        one
        for one in entries(tables)
        if wanted.ticker in {None, one.ticker}
        and (wanted.since is None or one.recorded_at >= wanted.since)
        and (wanted.until is None or one.recorded_at <= wanted.until)
        and wanted.status in {None, one.status}
        and wanted.job_id in {None, one.job_id}
        and (one.failed or not wanted.failed)
    ]
    kept = rows[: len(rows) - offset] if offset < len(rows) else []
    expected = kept if limit is None else kept[max(0, len(kept) - limit) :]
    assert expected == entries(tables, wanted, limit=limit, offset=offset)


class Counting(MemoryTable):
    """A table that counts the rows read from it."""

    rows_read = 0

    def get(self, key: bytes) -> bytes | None:
        """Count one."""
        self.rows_read += 1
        return super().get(key)

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Count each."""
        for row in super().scan(prefix, reverse=reverse, start=start):
            self.rows_read += 1
            yield row


@pytest.mark.parametrize("ticker", [None, T])
def test_twenty_entries_cost_twenty(ticker: str | None) -> None:
    """Whatever the log holds beside and before them."""
    story = Story()
    for number in range(300):
        story.failed(TICKERS[number % 3])
    tables = {name: Counting() for name in IngestLogs.tables}
    for name, table in logs(story.log).items():
        for key, value in table.scan():
            tables[name].put(key, value)
    assert len(entries(tables, Filter(ticker=ticker), limit=20)) == 20
    assert sum(table.rows_read for table in tables.values()) <= 61
