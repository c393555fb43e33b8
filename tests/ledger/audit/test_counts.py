"""A tally counts every event once, by its type, by its provider and by its stream."""

import re
from itertools import chain, product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.audit.counts import Counts, Tally, merged, provider_of
from ledger.codec import (
    Draft,
    Envelope,
    decode_as,
    decode_envelope,
    decode_envelopes,
    encode_data,
    encode_draft,
    streams_hash,
)
from ledger.errors import DamagedError
from ledger.events import BackupCreated, IngestRefused
from ledger.ids import append_id
from ledger.values import EventCount
from tests.support import mix
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


def shapes() -> list[bytes]:
    """Return stored events of every shape that is counted by slices, and of shapes that are not."""
    datas: list[dict[str, Any]] = [
        {"ticker": "PETR4.SA", "provider": "yfinance"},
        {"provider": "b3", "ticker": "x"},
        {"ticker": "x" * 40, "provider": "yfinance"},
        {"ticker": "VALE3.SA", "provider": "y" * 40},
        {"ticker": "VALE3.SA", "provider": ""},
        {"ticker": None, "provider": "b3"},
        {"name": "x", "provider": "b3"},
        {"ticker": "VALE3.SA"},
        {"ticker": "AÇÃO", "provider": "ação"},
        {f"field{number}": number for number in range(20)} | {"provider": "late"},
        {"ticker": "PETR4.SA", "provider": "wide"} | {f"field{number}": number for number in range(20)},
        {},
    ]
    causes = (None, 0, 127, 128, 255, 256, 65_535, 65_536, 2**32)
    times, streams = (1, 2**32, 1_770_000_000_000_000), ("ledger", "PETR4.SA", "x" * 31, "x" * 32, "AÇÃO", "")
    many = product(datas, causes, times, streams)
    return [
        bytes(32)
        + msgspec.msgpack.encode(
            Envelope(seq, time, JOB, JOB, cause, stream, "some.type/1", msgspec.Raw(encoded(data)))
        )
        for seq, (data, cause, time, stream) in enumerate(many)
    ]


encoded = msgspec.msgpack.encode


@pytest.mark.parametrize("run", [1, 7, 128, 5_000])
def test_events_counted_by_slices_are_counted_as_decoded_ones(run: int) -> None:
    """Whatever the widths of their seqs, times, causes and texts, and however many are given at a time."""
    values = shapes()
    decoded, sliced = Tally(), Tally()
    for start in range(0, len(values), run):
        some = values[start : start + run]
        decoded.add(decode_envelopes([value[32:] for value in some], start=start))
        sliced.add_checked(some, start)
        sliced.counts()
    assert decoded.counts() == sliced.counts()


def test_the_mix_of_years_is_counted_alike() -> None:
    """Events as a ledger has them."""
    drafts = list(chain.from_iterable(mix.realistic(3_000, 1)))
    bodies = [
        encode_draft(draft, seq=seq, recorded_at=1_770_000_000_000_000 + seq, append_id=JOB)
        for seq, draft in enumerate(drafts, 100_000)
    ]
    decoded, sliced = Tally(), Tally()
    decoded.add(decode_envelopes(bodies, start=100_000))
    sliced.add_checked([bytes(32) + body for body in bodies], 100_000)
    assert decoded.counts() == sliced.counts()


def counted(values: list[bytes], start: int, *, sliced: bool) -> Counts | tuple[int, str]:
    """Return the counts of stored events, by slices or by decoding each of them; or the seq and kind of a flaw."""
    tally = Tally()
    try:
        if sliced:
            tally.add_checked(values, start)
        else:
            for seq, value in enumerate(values, start):
                tally.add([decode_envelope(seq, value[32:])])
    except DamagedError as error:
        return error.seq, error.kind
    return tally.counts()


CAUSES = st.none() | st.sampled_from(
    [0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, -1, -200]
)
TIMES = st.sampled_from([1, 2**32, 2**32 - 1, 1_770_000_000_000_000, 2**56 - 1, 2**56, 253_402_300_799_999_999])
STARTS = st.sampled_from([0, 1, 100, 125, 128, 250, 256, 65_530, 65_536, 10**6, 2**32 - 3, 2**32])
STREAMS = st.sampled_from(["ledger", "PETR4.SA", "x" * 31, "x" * 32, "x" * 300, "AÇÃO", ""]) | st.text(max_size=9)
DATAS = st.dictionaries(
    st.sampled_from(["ticker", "provider", "at", "provider_id"]),
    st.sampled_from(["PETR4.SA", "yfinance", "b3", "", "x" * 31, "x" * 32, "x" * 700, None, 7]) | st.text(max_size=5),
)
# What becomes of a body's bytes: a place, and what stands there instead of how many.
CHANGES = (
    st.none() | st.tuples(st.integers(0, 250), st.binary(max_size=3), st.integers(0, 3)) | st.just((-1, b"\xc0", 0))
)
EVENTS = st.tuples(CAUSES, TIMES, STREAMS, st.sampled_from(["some.type/1", "a/1", "x" * 40]), DATAS, CHANGES)


@given(STARTS, st.lists(EVENTS, min_size=1, max_size=6))
@settings(max_examples=600)
def test_slices_count_what_decoding_counts_and_refuse_what_it_refuses(start: int, events: list[Any]) -> None:
    """Random envelopes, and random bytes put in, taken out and changed in them."""
    values = []
    for seq, (cause, time, stream, kind, data, change) in enumerate(events, start):
        body = msgspec.msgpack.encode((seq, time, JOB, JOB, cause, stream, kind, data))
        if change is not None:
            at, new, gone = change
            at = at % (len(body) + 1)
            body = body[:at] + new + body[at + gone :]
        values.append(bytes(32) + body)
    assert counted(values, start, sliced=False) == counted(values, start, sliced=True)


@pytest.mark.parametrize("start", [0, 126, 65_534, 70_000])
def test_whatever_byte_of_an_event_is_changed_slices_count_as_decoding_does(start: int) -> None:
    """Each byte, to each value, among events that are sound; each length."""
    data = {"ticker": "PETR4.SA", "provider": "yfinance", "attempt": 1, "message": "x"}
    bodies = [
        msgspec.msgpack.encode((seq, 1_770_000_000_000_000, JOB, JOB, seq or None, "PETR4.SA", "a.b/1", data))
        for seq in range(start, start + 3)
    ]
    good = bodies[1]
    changed = [good[:at] + bytes([byte]) + good[at + 1 :] for at in range(len(good)) for byte in range(0, 256, 5)]
    for body in (*changed, *(good[:length] for length in range(len(good))), good + b"\xc0"):
        values = [bytes(32) + one for one in (bodies[0], body, bodies[2])]
        assert counted(values, start, sliced=False) == counted(values, start, sliced=True)


def test_events_that_begin_alike_are_cut_where_each_of_them_ends() -> None:
    """A stream and a type so long that what differs comes behind the bytes by which an end is guessed."""
    # A byte of the third would pass for a length, by which its provider is cut in two.
    tickers = ["x", "x" * 9, f"{'x' * 9}ÿ{'x' * 11}", "x" * 3, "x" * 31, "x" * 32]
    providers = ["b3", "y" * 20, "b3 b3", "x" * 31, "x" * 32, "cotahis", "cotahistx"]
    datas = [{"ticker": ticker, "provider": provider} for ticker, provider in product(tickers, providers)]
    for order in (datas, datas[::-1]):
        values = [
            bytes(32) + msgspec.msgpack.encode((seq, 2**50, JOB, JOB, None, "s" * 31, "t" * 31, data))
            for seq, data in enumerate(order, 200)
        ]
        assert counted(values, 200, sliced=False) == counted(values, 200, sliced=True)


@pytest.mark.parametrize("cause", [-1, "x", 2**63, 1.5])
def test_what_is_no_cause_is_damage_whatever_link_is_before_it(cause: Any) -> None:
    """A link that would pass for a stream and a provider is none."""
    link = b"\xa1x\xa1y\x81\xa8provider\xa2b3".ljust(32, b"\0")
    body = msgspec.msgpack.encode((200, 2**50, JOB, JOB, cause, "ledger", "a.b/1", {"provider": "b3"}))
    assert (200, "envelope") == counted([link + body], 200, sliced=True)


@pytest.mark.parametrize("damage", [b"", b"\x98", b"\x98\x05", b"\xff" * 200])
def test_what_is_no_envelope_is_damage_however_it_is_counted(damage: bytes) -> None:
    """It has no shape to slice, and is decoded."""
    with pytest.raises(DamagedError, match="envelope at seq 5"):
        Tally().add_checked([bytes(32) + damage], 5)


def test_a_text_that_is_no_utf_8_is_damage_too() -> None:
    """Of the right shape, and not to be named."""
    (record,) = small_log(2).read(1)
    with pytest.raises(DamagedError, match="envelope at seq 1"):
        Tally().add_checked([bytes(32) + record.body.replace(b"ledger", b"l\xff\xffger")], 1)


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
