"""Many bodies are decoded as one is; the first of a log has to be the event that every log begins with."""

from collections.abc import Callable
from datetime import date
from typing import cast

import msgspec
import pytest

from ledger.codec import (
    UPCASTERS,
    Envelope,
    Upcaster,
    decode_as,
    decode_created,
    decode_envelope,
    decode_envelopes,
    decode_event,
)
from ledger.errors import DamagedError
from ledger.events import ConnectionTested, LedgerCreated, ValidationCompleted
from ledger.ids import append_id
from ledger.log_source import created, events_of
from ledger.memory_log import MemoryLog
from ledger.values import Action
from tests.support.archives import small_log
from tests.support.drafts import StepClock, connection_tested

BODIES = [record.body for record in small_log(5).read()]


def test_many_bodies_are_decoded_as_each_alone() -> None:
    """From any seq on; none gives none."""
    for start in range(5):
        want = [decode_envelope(seq, body) for seq, body in enumerate(BODIES[start:], start)]
        assert want == decode_envelopes(BODIES[start:], start=start)
    assert [] == decode_envelopes([], start=3)


@pytest.mark.parametrize("bad", [b"", b"\x98\x02nonsense", b"\x90", BODIES[3], BODIES[2] + b"\0"])
def test_the_first_body_that_is_no_envelope_of_its_place_is_named(bad: bytes) -> None:
    """In the words that it would be refused with alone."""
    with pytest.raises(DamagedError) as alone:
        decode_envelope(2, bad)
    with pytest.raises(DamagedError) as damage:
        decode_envelopes([*BODIES[:2], bad, b"worse"], start=0)
    assert (2, str(alone.value)) == (damage.value.seq, str(damage.value))


def test_a_log_begins_with_its_creation() -> None:
    """From the body and from the log alike."""
    log = small_log(2, kind="sample")
    (first,) = log.read(0, 1)
    assert ("sample", decode_created(first.body)) == (created(log).kind, created(log))


def test_any_other_first_event_is_damage() -> None:
    """Named by what was found."""
    log = MemoryLog(now=StepClock())
    log.append([connection_tested(1)], append_id=append_id("n/1"))
    with pytest.raises(DamagedError) as damage:
        created(log)
    want = "got first event at seq 0: connection.tested/1, want ledger.created/1"
    assert want == str(damage.value)


def test_the_events_of_one_type_come_with_their_envelopes() -> None:
    """In order; no other event's data is decoded."""
    log = small_log(3)
    envelopes = [decode_envelope(record.seq, record.body) for record in log.read()]
    assert [(envelopes[0], created(log))] == list(events_of(log.read(), LedgerCreated))
    found = list(events_of(log.read(), ConnectionTested))
    assert envelopes[1:] == [envelope for envelope, _ in found]
    assert [decode_event(envelope) for envelope in envelopes[1:]] == [event for _, event in found]


def test_an_event_of_another_kind_than_asked_for_is_damage() -> None:
    """Of the kind it is the event that it is."""
    log = small_log(1)
    (record,) = log.read(0, 1)
    envelope = decode_envelope(0, record.body)
    assert decode_event(envelope) == decode_as(envelope, LedgerCreated)
    with pytest.raises(DamagedError, match="type") as refused:
        decode_as(envelope, ConnectionTested)
    assert (0, ConnectionTested.TAG, LedgerCreated.TAG) == (
        refused.value.seq,
        refused.value.expected,
        refused.value.found,
    )


def test_a_retired_decision_is_read_in_the_terms_of_the_next_version() -> None:
    """Actions are lifted, what it does not say is nil, and nothing that it could not say is read into it."""
    retired = {
        "ticker": "PETR4.SA",
        "provider": "yfinance",
        "interval": "1d",
        "currency": "BRL",
        "basis": "split_adjusted",
        "rules_version": 1,
        "verdict": "success",
        "window": [date(2026, 3, 2), date(2026, 3, 3)],
        "received": 0,
        "added": 0,
        "revised": 0,
        "unchanged": 0,
        "bars": [],
        "actions": [[date(2026, 3, 2), "dividend", 550_157, 1, 1], [date(2026, 3, 3), "split", 0, 2, 1]],
        **dict.fromkeys(("withdrawn", "partial", "rejected", "flagged", "warned"), ()),
        "rescale": None,
    }
    actions = (
        Action(date(2026, 3, 2), "dividend", 550_157_000_000, None, None, "BRL"),
        Action(date(2026, 3, 3), "split", None, 2, 1, "BRL"),
    )
    decision = decode_event(_retired(retired))
    assert isinstance(decision, ValidationCompleted)
    assert (actions, None, None, None, None, ()) == (
        *(decision.actions, decision.before, decision.after, decision.threshold_percent),
        *(decision.rank, decision.outranked),
    )
    assert () == cast("ValidationCompleted", decode_event(_retired({**retired, "actions": []}))).actions
    far = [[date(2026, 3, 2), "dividend", 2**63 - 1, 1, 1]]
    missing = {name: value for name, value in retired.items() if name != "actions"}
    for wrong in ({**retired, "after": None}, {**retired, "actions": far}, {**retired, "added": -1}, missing):
        with pytest.raises(DamagedError, match=r"at seq 7\b"):
            decode_event(_retired(wrong))


def _retired(data: dict[str, object]) -> Envelope:
    raw = msgspec.Raw(msgspec.msgpack.encode(data))
    return Envelope(7, 0, bytes(16), bytes(16), 6, "PETR4.SA", "validation.completed/1", raw)


def test_a_version_retired_twice_takes_both_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The older one's first, each in the terms of the version that followed it; neither tag is another's."""

    def step(word: str) -> Callable[[ConnectionTested], ConnectionTested]:
        return lambda event: msgspec.structs.replace(event, message=f"{event.message or 'as stored'}, {word}")

    newest = ConnectionTested.TAG
    monkeypatch.setitem(UPCASTERS, "connection.retired/2", Upcaster(newest, ConnectionTested, step("second step")))
    first = Upcaster("connection.retired/2", ConnectionTested, step("first step"))
    monkeypatch.setitem(UPCASTERS, "connection.retired/1", first)
    record = list(small_log(2).read())[-1]
    stored = decode_envelope(record.seq, record.body)
    plain = decode_as(stored, ConnectionTested).message or "as stored"
    messages = [
        decode_as(msgspec.structs.replace(stored, type=tag), ConnectionTested).message
        for tag in ("connection.retired/1", "connection.retired/2")
    ]
    assert [f"{plain}, first step, second step", f"{plain}, second step"] == messages
