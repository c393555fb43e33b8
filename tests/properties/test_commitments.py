"""After any decision the state that it commits to is that of plain lists, worked out without the code under test."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.succession import Succession
from ledger.codec import decode_envelope, decode_event
from ledger.events import ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.values import RawAction, RawBar, Window
from projections.fold.folding import replayed
from projections.models.prices import Prices
from projections.store.commitments import departure
from tests.ledger.ingest.answers import raw, run_of, session
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
    hold_to_plain_lists(told_by(told))


def told_by(told: list[Answered]) -> CommittedLog:
    """Return the ledger of these answers, each over the days between its two ends."""
    ledger = CommittedLog()
    known: dict[int, int] = {}
    for closes, actions, (first, last) in told:
        known |= closes
        window = Window(session(first), session(last))
        bars = [raw(session(day), close / 100) for day, close in sorted(closes.items()) if first <= day <= last]
        whole = [raw(session(day), close / 100) for day, close in sorted(known.items())]
        ledger.answer(bars, [RawAction(session(day), kind, float(size)) for day, kind, size in actions], window, whole)  # type: ignore[arg-type] - one of the three kinds
    return ledger


def hold_to_plain_lists(ledger: CommittedLog) -> None:
    """Hold each decision of the log, as it is recorded, and the rows that they fold to, against plain lists."""
    recorded = [
        event
        for record in ledger.log.read()
        if isinstance(event := decode_event(decode_envelope(record.seq, record.body)), ValidationCompleted)
    ]
    assert ledger.decisions == recorded
    reference = PlainSeries()
    state = reference.state("split_adjusted")
    for decision in recorded:
        assert state == decision.before
        reference.take(plain(decision))
        state = reference.state("split_adjusted")
        assert state == decision.after
    tables = replayed(ledger.log.read(), [Prices()])[1]["prices"]
    assert None is departure(ledger.log, tables, SERIES)
    with Succession(ScratchMap(memory_bytes=2_000)) as succession:
        assert None is succession.read([record.body for record in ledger.log.read()], 0)


FIRST = run_of([10 + n / 10 for n in range(8)])
WHOLE = Window(session(0), session(9))
HALVED = tuple(raw(bar.date, bar.close / 2, volume=bar.volume) for bar in FIRST)
SPLIT = RawAction(session(8), "split", 2.0)
PAID = RawAction(session(3), "dividend", 0.2)
PAST_THE_END = [raw(session(8), 5.4), raw(session(9), 5.5)]


def has_rescale(decisions: list[ValidationCompleted]) -> bool:
    """Return whether one found all it holds at another scale."""
    return any(one.rescale is not None and one.rescale != 1.0 for one in decisions)


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        # A split after the newest session: set aside, asked for whole, and everything rescaled, in one append.
        ([([*HALVED[6:], *PAST_THE_END], [SPLIT], Window(session(6), session(9)))], has_rescale),
        ([(HALVED, [], WHOLE)], has_rescale),
        (
            [([*HALVED[6:], *PAST_THE_END], [SPLIT], Window(session(6), session(9)))],
            lambda decisions: [one.verdict for one in decisions[-2:]] == ["superseded", "success"],
        ),
        ([(FIRST[:-2], [], WHOLE)], lambda decisions: decisions[-1].withdrawn == (FIRST[6].date, FIRST[7].date)),
        ([(FIRST[:-2], [], WHOLE), (FIRST, [], WHOLE)], lambda decisions: decisions[-2].withdrawn != ()),
        ([(FIRST, [PAID, PAID], WHOLE)], lambda decisions: len(decisions[-1].actions) == 2),
        ([(FIRST, [PAID], WHOLE), (FIRST, [], WHOLE)], lambda decisions: decisions[-1].flagged != ()),
        ([(FIRST[:4] * 2, [], WHOLE), (FIRST, [], WHOLE)], lambda decisions: decisions[-1].verdict == "success"),
        (
            [([*FIRST[:4], *(raw(bar.date, -1.0) for bar in FIRST[4:])], [], WHOLE)],
            lambda decisions: decisions[-1].verdict == "rejected",
        ),
        ([(FIRST, [], WHOLE)] * 2, lambda decisions: decisions[-1].unchanged == len(FIRST)),
    ],
    ids=[
        "split",
        "rescale",
        "superseded pair",
        "withdrawal",
        "withdrawn and back",
        "two payments alike",
        "action no longer named",
        "days that came twice",
        "rejected",
        "nothing new",
    ],
)
def test_each_kind_of_history_leads_where_it_says(
    answers: list[tuple[list[RawBar], list[RawAction], Window]],
    shown: Callable[[list[ValidationCompleted]], bool],
) -> None:
    """What the random histories may leave out; every append is made twice under its id."""
    ledger = CommittedLog()
    ledger.answer(FIRST, [], WHOLE)
    for bars, actions, window in answers:
        ledger.answer(bars, actions, window, [*HALVED, *PAST_THE_END])
    assert shown(ledger.decisions)
    hold_to_plain_lists(ledger)
