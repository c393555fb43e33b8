"""Events as folds read them hold what the whole events hold."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import codec
from ledger.codec import decode_envelope, decode_event
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import FetchSucceeded
from projections.fold.event_readers import FACTS, Evidence, array_length, decode_fact, raw_length
from tests.projections.story import Story, told


@settings(derandomize=True, max_examples=30)
@given(st.sampled_from([0, 1, 15, 16, 255, 65535, 65536, 70000]))
def test_array_length_is_what_the_array_says(items: int) -> None:
    """In all three of the format's sizes."""
    encoded = msgspec.msgpack.encode([0] * items)
    assert [items, items] == [array_length(encoded), raw_length(msgspec.Raw(encoded))]


@pytest.mark.parametrize("value", [{}, "x", None, 5])
def test_array_length_refuses_what_is_no_array(value: object) -> None:
    """A map or a text has a length too, and it is not this one."""
    with pytest.raises(msgspec.DecodeError):
        array_length(msgspec.msgpack.encode(value))


def test_evidence_is_the_whole_event_less_its_answer() -> None:
    """The same fields, and the count of the bars."""
    story = Story()
    story.fetched(rows=20)
    record = list(story.log.read())[-1]
    envelope = decode_envelope(record.seq, record.body)
    whole, fact = decode_event(envelope), decode_fact(envelope)
    assert isinstance(whole, FetchSucceeded)
    assert isinstance(fact, Evidence)
    fields = ("ticker", "provider", "attempt", "started_at", "finished_at")
    assert [getattr(whole, name) for name in fields] == [getattr(fact, name) for name in fields]
    assert len(whole.bars) == fact.rows


def test_every_other_event_is_read_whole() -> None:
    """The fact is the event."""
    for record in told(range(0, 1000, 17)).read():
        envelope = decode_envelope(record.seq, record.body)
        if envelope.type != FetchSucceeded.TAG:
            assert decode_event(envelope) == decode_fact(envelope)


def test_a_retired_version_is_read_as_its_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step of upcasting, then the folds' own shape."""
    ninth = codec.Upcaster(FetchSucceeded.TAG, FetchSucceeded, lambda fetch: msgspec.structs.replace(fetch, attempt=9))
    monkeypatch.setitem(codec.UPCASTERS, "fetch.succeeded/0", ninth)
    story = Story()
    story.fetched(rows=3)
    record = list(story.log.read())[-1]
    envelope = msgspec.structs.replace(decode_envelope(record.seq, record.body), type="fetch.succeeded/0")
    fact = decode_fact(envelope)
    assert isinstance(fact, Evidence)
    assert (9, 3) == (fact.attempt, fact.rows)


def test_an_unknown_tag_and_damaged_data_are_refused() -> None:
    """Each names the seq."""
    record = next(iter(told([]).read()))
    envelope = decode_envelope(record.seq, record.body)
    with pytest.raises(UnknownEventError, match="seq 0"):
        decode_fact(msgspec.structs.replace(envelope, type="later.happened/1"))
    with pytest.raises(DamagedError, match="seq 0"):
        decode_fact(msgspec.structs.replace(envelope, data=msgspec.Raw(b"\x80")))
    assert set(FACTS) >= {envelope.type}
