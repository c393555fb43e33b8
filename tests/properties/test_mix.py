"""The synthetic mix that properties, kills and benchmarks stand on is what it says it is."""

from collections import Counter
from datetime import date
from itertools import chain
from statistics import mean

import pytest

from ledger.codec import Draft, decode_envelope, decode_event
from ledger.events import BackupFailed, FetchSucceeded, LedgerCreated, SnapshotWritten, ValidationCompleted
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from tests.support.mix import Batch, realistic, small
from tests.support.oracle import check_log


def logged(batches: list[Batch]) -> MemoryLog:
    """Return a log of event 0 and then the batches, the way a ledger would hold them."""
    log = MemoryLog(now=lambda: 0)
    created = LedgerCreated(ledger_id=bytes(16), kind="real", software="test")
    for number, batch in enumerate([(Draft(job_id=bytes(16), stream="ledger", event=created),), *batches]):
        log.append(batch, append_id=append_id(f"batch/{number}"))
    return log


def test_a_seed_names_its_events() -> None:
    """Two calls agree, whatever the length asked for; two seeds do not."""
    long, short = list(realistic(400, 7)), list(realistic(100, 7))
    assert long[: len(short) - 1] == short[:-1]
    assert long == list(realistic(400, 7))
    assert long != list(realistic(400, 8))


@pytest.mark.parametrize("events", [1, 2, 57, 1_500])
def test_the_count_is_exact(events: int) -> None:
    """As many events come as were asked for, batches or not."""
    assert events == sum(map(len, realistic(events, 1)))
    assert events == sum(map(len, small(events)))


def test_what_a_cause_names_is_what_it_is_said_to_be() -> None:
    """Decisions name evidence of their ticker, each at most once; snapshots name decisions."""
    log = logged(list(realistic(3_000, 3)))
    check_log(log)
    envelopes = [decode_envelope(record.seq, record.body) for record in log.read()]
    events = [decode_event(envelope) for envelope in envelopes]
    named = []
    for envelope, event in zip(envelopes, events, strict=True):
        if envelope.cause is None:
            assert not isinstance(event, ValidationCompleted | SnapshotWritten)
            continue
        named.append(envelope.cause)
        want = FetchSucceeded if isinstance(event, ValidationCompleted) else ValidationCompleted
        assert (want, envelope.stream) == (type(events[envelope.cause]), envelopes[envelope.cause].stream)
    assert {1} == set(Counter(named).values())


def test_a_decision_counts_each_row_once() -> None:
    """What was received is new, revised, known or rejected; of an answer that is set aside nothing is counted."""
    held: dict[str, set[date]] = {}
    for draft in chain.from_iterable(realistic(3_000, 3)):
        event = draft.event
        if isinstance(event, ValidationCompleted):
            days, told = held.setdefault(event.ticker, set()), [bar.date for bar in event.bars]
            assert (len(set(told) - days), len(set(told) & days)) == (event.added, event.revised)
            judged = event.added + event.revised + event.unchanged + len(event.rejected)
            assert judged == (0 if event.verdict == "superseded" else event.received)
            assert all(event.window.start <= day <= event.window.end for day in told)
            days.update(told)
            assert event.unchanged <= len(days)


def test_the_mix_has_every_kind_of_run() -> None:
    """Retries, refusals, interruptions, fetches left pending, dividends and backups all come up."""
    log = logged(list(realistic(3_000, 3)))
    events = [decode_event(decode_envelope(record.seq, record.body)) for record in log.read(1)]
    kinds = Counter(event.TAG for event in events)
    assert kinds["fetch.succeeded/1"] > kinds["validation.completed/2"] > kinds["snapshot.written/1"] > 500
    assert all(kinds[tag] for tag in ("fetch.failed/1", "ingest.failed/1", "ingest.refused/1", BackupFailed.TAG))
    verdicts = {event.verdict for event in events if isinstance(event, ValidationCompleted)}
    assert {"success", "warning", "superseded"} == verdicts


def test_small_events_are_about_200_bytes() -> None:
    """Bodies lie within a tenth of 200 bytes, and none is like another."""
    bodies = [record.body for record in logged(list(small(5_000))).read(1)]
    assert 180 < mean(map(len, bodies)) < 220
    assert 5_000 == len(set(bodies))
