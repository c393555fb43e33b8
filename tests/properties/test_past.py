"""Whatever is done to a stored row, its check mended: nothing but what was decided is read, of now or of any time."""

import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.fold.folding import replayed
from projections.fold.keys import SEQ_BYTES, seq_key
from projections.fold.tables import State, Table, Tables
from projections.models import decisions, prices
from projections.models.decisions import Decision
from projections.models.prices import Prices
from projections.queries.revisions import revisions
from projections.store.commitments import departure
from projections.store.mending import Mending, StoreDroppedWarning
from tests.properties.test_commitments import Answered, answers, told_by
from tests.support.committed import SERIES, CommittedLog

Change = Callable[[Any], Any]

DECISION: list[tuple[str, Change]] = [
    ("recorded_at", lambda at: at + 1),
    ("cause", lambda seq: seq - 1),
    ("verdict", lambda verdict: "rejected" if verdict == "success" else "success"),
    ("basis", lambda _: "as_traded"),
    ("window", lambda window: replace(window, start=window.start - timedelta(days=400))),
    ("rescale", lambda ratio: 0.5 if ratio is None else None),
    ("received", lambda rows: rows + 1),
    ("actions", lambda actions: actions[1:] if actions else actions),
    ("rows", lambda rows: rows + 1),
    ("after", lambda _: bytes(32)),
]
WITH_THE_VERSIONS, ALONE = len(DECISION), len(DECISION) + 1
BAR: list[Change] = [
    lambda row: [[*row[0][:4], row[0][4] + 1, *row[0][5:]] if row[0] else None, row[1]],
    lambda row: [None, row[1]],
    lambda row: [row[0], row[1] + 1],
]


@settings(max_examples=100)
@given(answers, st.booleans(), st.integers(0, 99), st.integers(0, max(len(BAR), ALONE)))
def test_whatever_is_changed_the_log_is_told(told: list[Answered], of_decision: bool, number: int, how: int) -> None:
    """Each question to a view of its own: bars, actions and basis as of any position, and every version there was."""
    ledger = told_by(told)
    sound = replayed(ledger.log.read(), [Prices()])[1]
    _harm(sound_copy := replayed(ledger.log.read(), [Prices()])[1][prices.NAME], of_decision, number, how)
    questions = [(_then, position) for position in range(ledger.log.head().size + 1)] + [(_ever, 0)]
    for ask, position in questions:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoreDroppedWarning)
            found = ask(_view(ledger, {prices.NAME: sound_copy}, sound), position)
        assert ask(sound[prices.NAME], position) == found


def _view(ledger: CommittedLog, stored: State, sound: State) -> Tables:
    held = partial(departure, ledger.log)
    return Mending(Path(), stored, fold_again=lambda: sound, departure=held).state[prices.NAME]


def _then(tables: Tables, position: int) -> object:
    newest = decisions.newest(tables, SERIES, position)
    return (
        prices.in_force(tables, SERIES, position),
        prices.actions(tables, SERIES, position),
        newest and (newest.basis, newest.seq),
    )


def _ever(tables: Tables, _: int) -> object:
    return list(prices.versions(tables, SERIES)), list(revisions(tables, SERIES))


def _harm(tables: Tables, of_decision: bool, number: int, how: int) -> None:
    """Change the row `number` of the decisions, or of the bars, by the change `how`; or take it away."""
    table = tables["decided" if of_decision else "bars"]
    rows = list(table.scan())
    if not rows:
        return
    key, value = rows[number % len(rows)]
    if of_decision:
        _harm_decision(tables, key, value, how)
    elif how < len(BAR):
        table.put(key, msgspec.msgpack.encode(BAR[how](msgspec.msgpack.decode(value))))
    elif how == len(BAR):
        _move(table, key, value)
    else:
        table.delete(key)


def _harm_decision(tables: Tables, key: bytes, value: bytes, how: int) -> None:
    decided = tables["decided"]
    if how in {WITH_THE_VERSIONS, ALONE}:
        decision = msgspec.msgpack.decode(value, type=Decision)
        if how == ALONE and not decision.rows and not decision.actions:
            return  # what an answer with nothing new leaves is known to nobody once it is gone
        decided.delete(key)
        for bar, _ in list(tables["bars"].scan()) if how == WITH_THE_VERSIONS else ():
            if bar.endswith(key[-SEQ_BYTES:]):
                tables["bars"].delete(bar)
        return
    name, change = DECISION[how]
    decision = msgspec.msgpack.decode(value, type=Decision)
    decided.put(key, msgspec.msgpack.encode(replace(decision, **{name: change(getattr(decision, name))})))


def _move(table: Table, key: bytes, value: bytes) -> None:
    table.delete(key)
    table.put(key[:-SEQ_BYTES] + seq_key(10_000), value)
