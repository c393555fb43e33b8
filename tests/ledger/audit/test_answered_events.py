"""What others may answer is known by its seq, whether it lies in memory still or waits in the scratch map."""

import pytest

from ledger.audit import answered_events
from ledger.audit.answered_events import AnsweredEvents
from ledger.files.scratch import ScratchMap

EVENTS = {seq: ("fetch.succeeded", f"T{seq}.SA", "yfinance") for seq in (0, 3, 4, 2**40)}


@pytest.mark.parametrize("kept", [1, 2, 3, 100])
@pytest.mark.parametrize("memory_bytes", [0, 10**6])
def test_every_event_is_known(kept: int, memory_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few lie in memory, and no other."""
    monkeypatch.setattr(answered_events, "RECENT_KEPT", kept)
    with ScratchMap(memory_bytes=memory_bytes) as scratch:
        known = AnsweredEvents(scratch)
        for seq, event in EVENTS.items():
            known.put(seq, event)
        assert {seq: known.get(seq) for seq in (*EVENTS, 1, 5)} == EVENTS | {1: None, 5: None}
