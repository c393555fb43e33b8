"""A tally counts every event once, by its type and by its ticker."""

from ledger.backup.counts import Counts, Tally, merged
from ledger.codec import Draft, decode_envelope
from ledger.events import IngestRefused
from ledger.ids import append_id
from ledger.values import EventCount
from tests.support.archives import small_log
from tests.support.drafts import JOB

COUNTS = Counts(
    types=(EventCount("connection.tested/1", 2), EventCount("ingest.refused/1", 6), EventCount("ledger.created/1", 1)),
    tickers=(EventCount("ABEV3.SA", 1), EventCount("PETR4.SA", 2), EventCount("VALE3.SA", 3)),
)


def refused(ticker: str) -> Draft:
    """Return an event about `ticker`."""
    event = IngestRefused(
        ticker=ticker,
        provider="yfinance",
        started_at=1,
        finished_at=2,
        message="held",
        holder_pid=None,
        holder_job_id=None,
    )
    return Draft(job_id=JOB, stream=ticker, event=event)


def test_types_and_tickers_are_counted_and_sorted_by_name() -> None:
    """What is about the ledger itself counts by its type alone."""
    log = small_log(3)
    tickers = ("VALE3.SA", "PETR4.SA", "VALE3.SA", "VALE3.SA", "PETR4.SA", "ABEV3.SA")
    log.append([refused(ticker) for ticker in tickers], append_id=append_id("n"))
    tally = Tally()
    assert Counts((), ()) == tally.counts()
    envelopes = [decode_envelope(record.seq, record.body) for record in log.read()]
    tally.add(envelopes[:4])
    tally.add(envelopes[4:])
    assert COUNTS == tally.counts()


def test_the_counts_of_two_runs_are_those_of_one() -> None:
    """Names that only one of them has among them."""
    more = Counts((EventCount("fetch.failed/1", 4), EventCount("ingest.refused/1", 5)), (EventCount("PETR4.SA", 7),))
    want = Counts(
        (
            EventCount("connection.tested/1", 2),
            EventCount("fetch.failed/1", 4),
            EventCount("ingest.refused/1", 11),
            EventCount("ledger.created/1", 1),
        ),
        (EventCount("ABEV3.SA", 1), EventCount("PETR4.SA", 9), EventCount("VALE3.SA", 3)),
    )
    assert (want, want) == (merged(COUNTS, more), merged(more, COUNTS))
