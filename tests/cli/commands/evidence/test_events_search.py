"""Events are found by ticker, type, day and limit, as an obvious filter over the whole log finds them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.evidence.events import search
from cli.commands.evidence.events.search import Wanted
from cli.context.params import Span, span
from cli.render import times
from ledger.codec import Draft, Envelope, decode_envelope
from ledger.events import Event, IngestFailed
from ledger.memory_log import MemoryLog
from tests.support.drafts import JOB, connection_tested

DAY = date(2026, 2, 13)
MIDNIGHT = times.day_start(DAY)
TICKERS = ("PETR4.SA", "VALE3.SA")


def failed(ticker: str) -> Draft:
    """Return a job of `ticker` that failed."""
    event: Event = IngestFailed(
        ticker=ticker,
        provider="yfinance",
        attempt=1,
        started_at=0,
        finished_at=1,
        stage="fetch",
        error_kind="internal",
        message="internal: x",
    )
    return Draft(job_id=JOB, stream=ticker, event=event)


def since_holds(since: int | Span | None, envelope: Envelope) -> bool:
    """Return whether the event is at the seq, or of the time, or later."""
    if isinstance(since, int):
        return envelope.seq >= since
    return since is None or envelope.recorded_at >= since.first_us


def expected(log: MemoryLog, wanted: Wanted) -> list[int]:
    """Return the seqs that `wanted` describes, by looking at every event."""
    found = []
    for record in log.read():
        envelope = decode_envelope(record.seq, record.body)
        matches = (
            (wanted.ticker is None or envelope.stream == wanted.ticker)
            and (wanted.types is None or envelope.type in wanted.types)
            and since_holds(wanted.since, envelope)
        )
        if matches:
            found.append(envelope.seq)
    return found if wanted.limit is None else found[-wanted.limit :]


@given(
    st.lists(st.sampled_from([None, *TICKERS]), max_size=30),
    st.sampled_from([None, *TICKERS]),
    st.sampled_from([None, frozenset({IngestFailed.TAG})]),
    st.sampled_from([None, span(str(DAY)), span("2027-01-01"), 0, 3, 99]),
    st.none() | st.integers(1, 8),
    st.integers(1, 5),
)
def test_what_is_found_is_what_a_plain_filter_finds(
    streams: list[str | None],
    ticker: str | None,
    types: frozenset[str] | None,
    since: int | Span | None,
    limit: int | None,
    step: int,
) -> None:
    """Whatever the size of a backward step."""
    clock = MIDNIGHT - 10

    def tick() -> int:
        nonlocal clock
        clock += 1
        return clock

    log = MemoryLog(now=tick)
    for number, stream in enumerate(streams):
        log.append([failed(stream) if stream else connection_tested(number)], append_id=bytes([number]) * 16)
    wanted = Wanted(types=types, ticker=ticker, since=since, limit=limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_STEP", step)
        assert expected(log, wanted) == [record.seq for record in search.find(log, wanted)]
