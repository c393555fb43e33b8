"""A tally counts every event once, by its type, by its provider and by its stream."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.backup.counts import Counts, Tally, merged, provider_of
from ledger.codec import Draft, Envelope, decode_as, decode_envelope, encode_data, streams_hash
from ledger.events import BackupCreated, IngestRefused
from ledger.ids import append_id
from ledger.values import EventCount
from tests.support.archives import small_log
from tests.support.cli import REPOSITORY
from tests.support.drafts import JOB

FORMAT = REPOSITORY / "docs" / "format.md"

COUNTS = Counts(
    types=(EventCount("connection.tested/1", 2), EventCount("ingest.refused/1", 6), EventCount("ledger.created/1", 1)),
    providers=(EventCount("yfinance", 8),),
    streams=(EventCount("ABEV3.SA", 1), EventCount("PETR4.SA", 2), EventCount("VALE3.SA", 3), EventCount("ledger", 3)),
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


def test_types_providers_and_streams_are_counted_and_sorted_by_name() -> None:
    """What names no provider counts for none."""
    log = small_log(3)
    tickers = ("VALE3.SA", "PETR4.SA", "VALE3.SA", "VALE3.SA", "PETR4.SA", "ABEV3.SA")
    log.append([refused(ticker) for ticker in tickers], append_id=append_id("n"))
    tally = Tally()
    assert Counts((), (), ()) == tally.counts()
    envelopes = [decode_envelope(record.seq, record.body) for record in log.read()]
    tally.add(envelopes[:4])
    tally.add(envelopes[4:])
    assert COUNTS == tally.counts()


def test_the_counts_of_two_runs_are_those_of_one() -> None:
    """Names that only one of them has among them."""
    more = Counts(
        (EventCount("fetch.failed/1", 4), EventCount("ingest.refused/1", 5)),
        (EventCount("cotahist", 9),),
        (EventCount("PETR4.SA", 7),),
    )
    want = Counts(
        (
            EventCount("connection.tested/1", 2),
            EventCount("fetch.failed/1", 4),
            EventCount("ingest.refused/1", 11),
            EventCount("ledger.created/1", 1),
        ),
        (EventCount("cotahist", 9), *COUNTS.providers),
        (EventCount("ABEV3.SA", 1), EventCount("PETR4.SA", 9), EventCount("VALE3.SA", 3), EventCount("ledger", 3)),
    )
    assert (want, want) == (merged(COUNTS, more), merged(more, COUNTS))


TEXTS = st.text(max_size=3) | st.sampled_from(["cotahist", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 700])


@given(
    st.dictionaries(
        st.sampled_from(["ticker", "provider", "at", "provider_id"]), TEXTS | st.integers(0, 9) | st.none()
    ),
    st.integers(0, 20),
)
def test_a_provider_is_read_as_a_decoder_reads_it(data: dict[str, Any], more: int) -> None:
    """Wherever the name stands in the map, however long its text and the one before it are."""
    data |= {f"field{number}": number for number in range(more)}
    named = data.get("provider")
    expected = named.encode() if isinstance(named, str) else b""
    assert expected == provider_of(msgspec.Raw(msgspec.msgpack.encode(data)))


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x93\x01\x02\x03", b"\x81\xa8provider", b"\xde\x00", b"\xff"])
def test_what_is_no_map_of_names_has_no_provider(data: bytes) -> None:
    """It is damage, and found by who reads events."""
    assert b"" == provider_of(msgspec.Raw(data))


def test_a_year_of_the_whole_market_makes_a_small_event() -> None:
    """200,000 series of options: their names would be megabytes."""
    streams = [EventCount(f"PETRA{number}@2024-01-19.SA", 2) for number in range(200_000)]
    event = BackupCreated(
        name="backup-20260101T000000Z.db",
        size=400_000,
        link=bytes(32),
        archive_bytes=2**32,
        sha256=bytes(32),
        types=COUNTS.types,
        providers=COUNTS.providers,
        streams=len(streams),
        streams_hash=streams_hash(streams),
    )
    assert len(encode_data(event)) < 1024


def test_the_counts_of_version_1_are_held_too() -> None:
    """Its event names every ticker, and no provider; another count of any of them is found."""
    data = {
        "name": "a.db", "size": 9, "link": bytes(32), "archive_bytes": 1, "sha256": bytes(32),
        "types": COUNTS.types, "tickers": COUNTS.tickers,
    }  # fmt: skip

    def lifted(**fields: Any) -> BackupCreated:
        raw = msgspec.Raw(msgspec.msgpack.encode(data | fields))
        envelope = Envelope(3, 1, bytes(16), bytes(16), None, "ledger", "backup.created/1", raw)
        return decode_as(envelope, BackupCreated)

    assert (None, 4, streams_hash(COUNTS.streams)) == (lifted().providers, lifted().streams, lifted().streams_hash)
    assert COUNTS.agree(lifted())
    assert not COUNTS.agree(lifted(tickers=COUNTS.tickers[1:]))
    assert not COUNTS.agree(lifted(size=10))
    assert not COUNTS.agree(lifted(types=COUNTS.types[1:]))
    assert not COUNTS.agree(replace(lifted(), providers=COUNTS.providers[1:]))
    assert COUNTS.agree(replace(lifted(), providers=COUNTS.providers))


def test_the_worked_example_of_the_page_is_true() -> None:
    """docs/format.md, "Events": the array of two streams, and its hash."""
    streams = [EventCount("ledger", 1), EventCount("PETR4.SA", 2)]
    shown = re.search(r"the array is `([0-9a-f]+)`, and its hash `([0-9a-f]{64})`", FORMAT.read_text("utf-8"))
    assert shown is not None
    assert (bytes.fromhex(shown[1]), bytes.fromhex(shown[2])) == (
        msgspec.msgpack.encode(sorted(streams, key=lambda one: one.name)),
        streams_hash(streams),
    )
