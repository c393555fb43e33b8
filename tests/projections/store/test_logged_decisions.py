"""Decisions of the log read around their bars are what they are read as whole, or they are read whole."""

from dataclasses import dataclass
from itertools import product

import msgspec
import pytest

from ledger.chain import Record
from ledger.market.series_state import array_of
from ledger.values import Finding
from projections.fold.event_readers import raw_length
from projections.models.bar_columns import DecidedBars, of_decisions
from projections.models.decisions import LoggedDecision
from projections.store import logged_decisions
from projections.store.logged_decisions import BARS, BEHIND_BARS, STAND_IN, commitments
from tests.projections.story import WINDOW, Story, bar

decode = msgspec.msgpack.Decoder(LoggedDecision).decode


def fields(one: LoggedDecision) -> list[object]:
    """Return what it says, in bytes where it is left encoded."""
    said = [*msgspec.structs.astuple(one)[:-1], *msgspec.structs.astuple(one.data)]
    return [bytes(value) if isinstance(value, msgspec.Raw) else value for value in said]


def are_bars(one: LoggedDecision) -> bool:
    """Return whether its bars are an array of bars to their last byte, as who leaves them unread holds them to be."""
    try:
        count = raw_length(one.data.bars)
        of_decisions([DecidedBars(0, 1, 0, count, memoryview(one.data.bars)[len(array_of(count, b"")) :])])
    except (ValueError, IndexError, msgspec.DecodeError):
        return False
    return True


def body(found: str = "got no bar") -> bytes:
    """Return the body of a decision with bars, an action and a finding."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(1), bar(2), bar(5)], warned=(Finding("GAP", WINDOW.start, found),))
    return list(story.log.read())[-1].body


@dataclass
class OneEvent:
    """A log whose event at `seq` has this body."""

    seq: int
    body: bytes

    def read(self, start: int = 0, stop: int | None = None) -> list[Record]:
        """Return the event."""
        assert (start, stop) == (self.seq, self.seq + 1)
        return [Record(self.seq, bytes(32), self.body)]


def test_a_decision_read_around_its_bars_is_the_decision() -> None:
    """Every field of it, the bars as they are encoded."""
    content = body()
    whole = decode(content)
    log = OneEvent(whole.seq, content)
    assert [fields(whole)] == [fields(one) for one in commitments(log, [whole.seq], unread={whole.seq}).values()]
    assert are_bars(whole)


def test_with_any_bit_flipped_it_is_the_event_or_nothing_of_it() -> None:
    """What is not told as the event's own fields says it is none, or bars that are no bars, or is read whole."""
    content = body()
    seq = decode(content).seq
    seen = 0
    for place, bit in product(range(len(content)), range(8)):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        one = logged_decisions._around_bars(seq, bytes(changed))
        if one is not None and are_bars(one):
            assert fields(decode(bytes(changed))) == fields(one)
            seen += 1
    assert 0 < seen < 8 * len(content)


@pytest.mark.parametrize("said", [BARS, BEHIND_BARS, BEHIND_BARS + BARS, STAND_IN, BARS + STAND_IN])
def test_what_looks_like_a_field_within_a_text_misleads_nobody(said: bytes) -> None:
    """In a finding behind the bars, or in front of everything."""
    marked = body("!" * len(said)).replace(b"!" * len(said), said)
    one = logged_decisions._around_bars(decode(body()).seq, marked)
    assert one is None or not are_bars(one) or fields(decode(marked)) == fields(one)
    assert logged_decisions._around_bars(decode(body()).seq, said + body()) is None
    assert logged_decisions._around_bars(decode(body()).seq, said) is None
