"""SEQ|TIME stands for one position in the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.context import params
from cli.render import times
from ledger.memory_log import MemoryLog
from projections.queries.position import UpToSeq, UpToTime, parse, position_of
from tests.support.drafts import connection_tested

MIDNIGHT = times.parse("2026-02-14T00:00:00Z")


@pytest.mark.parametrize(
    ("written", "reach"),
    [
        ("0", UpToSeq(0)),
        ("20260213", UpToSeq(20260213)),
        ("2026-02-13", UpToTime(MIDNIGHT - 1)),
        ("2026-02-14T00:00:00Z", UpToTime(MIDNIGHT)),
        ("2026-02-13T21:00:00-03:00", UpToTime(MIDNIGHT)),
    ],
)
def test_digits_are_a_seq_a_day_is_whole_a_time_is_itself(written: str, reach: params.UpTo) -> None:
    """Digits alone never are a date."""
    assert reach == parse(written)


@pytest.mark.parametrize("written", ["-1", "", "2026-02-30", "2026-02-13T00:00:00", "now", "\u0661"])
def test_anything_else_is_refused(written: str) -> None:
    """One message says all that is understood."""
    with pytest.raises(ValueError, match=r"got .*, want a seq, a day"):
        parse(written)


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(-1, 40))
def test_a_position_counts_what_was_recorded_by_then(gaps: list[int], asked: int) -> None:
    """As counting one by one does; a seq past the end reaches all there is."""
    recorded, clock = [], 0
    log = MemoryLog(now=lambda: clock)
    for number, gap in enumerate(gaps):
        clock += gap
        recorded.append(clock)
        log.append([connection_tested(number)], append_id=bytes([number]) * 16)
    assert sum(at <= asked for at in recorded) == position_of(log, UpToTime(asked))
    assert sum(seq <= asked for seq in range(len(gaps))) == position_of(log, UpToSeq(asked))
