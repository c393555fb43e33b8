"""What others may answer is known by its seq, whether it lies in memory still or waits in the scratch map."""

import pytest

from ledger.audit import answered_events
from ledger.audit.answered_events import AnsweredEvents
from ledger.files.scratch import ScratchMap

SEQS = (0, 3, 4, 255, 256, 511, 512, 1024, 2**40, 2**40 + 1)
EVENTS = {seq: ("fetch.succeeded", f"T{seq}.SA", "yfinance") for seq in SEQS}

UNKNOWN = (1, 5, 257, 768, 2**41)


@pytest.mark.parametrize("kept", [1, 2, 3, 100])
@pytest.mark.parametrize("memory_bytes", [0, 10**6])
def test_every_event_is_known(kept: int, memory_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few blocks lie in memory, and no other event."""
    monkeypatch.setattr(answered_events, "BLOCKS_KEPT", kept)
    with ScratchMap(memory_bytes=memory_bytes) as scratch:
        known = AnsweredEvents(scratch)
        for seq, event in EVENTS.items():
            known.put(seq, event)
        assert {seq: known.get(seq) for seq in (*EVENTS, *UNKNOWN)} == EVENTS | dict.fromkeys(UNKNOWN)
