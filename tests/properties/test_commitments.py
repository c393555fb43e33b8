"""After any decision the state that it commits to is that of plain lists, worked out without the code under test."""

from typing import Any

import msgspec
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.succession import Succession
from ledger.events import ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.values import RawAction, Window
from projections.fold.folding import replayed
from projections.models.prices import Prices
from projections.store.commitments import departure
from tests.ledger.ingest.answers import raw, session
from tests.support.committed import SERIES, CommittedLog

DAYS = [0, 1, 2, 3, 4, 5, 210, 211, 212]  # two calendar years
Answered = tuple[dict[int, int], list[tuple[int, str, int]], tuple[int, int]]

answers = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(DAYS), st.sampled_from([0, 500, 1_000, 1_010, 2_000]), max_size=9),
        st.lists(
            st.tuples(st.sampled_from(DAYS), st.sampled_from(["dividend", "capital_gain", "split"]), st.integers(1, 3)),
            max_size=3,
        ),
        st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(lambda ends: (min(ends), max(ends))),
    ),
    min_size=1,
    max_size=6,
)


class PlainSeries:
    """Bars and actions in plain lists, as a stranger keeps them who reads the decisions and the page."""

    def __init__(self) -> None:
        self.bars: list[list[Any]] = []
        self.actions: list[list[Any]] = []

    def take(self, decision: dict[str, Any]) -> None:
        """Go past a decision, as msgpack has it."""
        if decision["verdict"] not in {"success", "warning"}:
            return
        for bar in decision["bars"]:
            self.bars = [held for held in self.bars if held[0] != bar[0]] + [bar]
        named = [action[:2] for action in decision["actions"]]
        self.actions = [held for held in self.actions if held[:2] not in named] + decision["actions"]

    def state(self, basis: str) -> bytes:
        """Return the state, hashed as docs/format.md says."""
        encode, leaves = msgspec.msgpack.encode, []
        for year in sorted({int(bar[0][:4]) for bar in self.bars}):
            of_year = sorted(bar for bar in self.bars if int(bar[0][:4]) == year)
            leaves.append([year, blake3(encode(of_year)).digest()])
        actions = sorted(self.actions, key=encode)
        fields = ["yfinance", "PETR4.SA", basis, leaves, actions]
        return blake3(b"b3-ledger series v1" + encode(fields)).digest()


def plain(decision: ValidationCompleted) -> dict[str, Any]:
    """Return the decision as any msgpack library reads it."""
    decoded: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(decision))
    return decoded


@settings(max_examples=120)
@given(answers)
def test_every_state_is_that_of_plain_lists(told: list[Answered]) -> None:
    """Corrections, rejected rows, withdrawals, rescales, superseded pairs, splits: each leads where it says."""
    ledger = CommittedLog()
    known: dict[int, int] = {}
    for closes, actions, (first, last) in told:
        known |= closes
        window = Window(session(first), session(last))
        bars = [raw(session(day), close / 100) for day, close in sorted(closes.items()) if first <= day <= last]
        whole = [raw(session(day), close / 100) for day, close in sorted(known.items())]
        ledger.answer(bars, [RawAction(session(day), kind, float(size)) for day, kind, size in actions], window, whole)  # type: ignore[arg-type] - one of the three kinds
    reference = PlainSeries()
    state = reference.state("split_adjusted")
    for decision in ledger.decisions:
        assert state == decision.before
        reference.take(plain(decision))
        state = reference.state("split_adjusted")
        assert state == decision.after
    tables = replayed(ledger.log.read(), [Prices()])[1]["prices"]
    assert None is departure(ledger.log, tables, SERIES)
    with Succession(ScratchMap(memory_bytes=2_000)) as succession:
        assert None is succession.read([record.body for record in ledger.log.read()], 0)
