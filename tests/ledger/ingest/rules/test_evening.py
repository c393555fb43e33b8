"""What is decided of an ordinary evening is what the rules decide, and what is not one is left to them."""

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.ingest.rules import catalogue, evening
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import uncommitted
from ledger.ingest.rules.reading import Reading
from ledger.market import sessions
from ledger.values import Action, Basis, RawAction, RawBar, Window
from tests.ledger.ingest.answers import LATER, bar, evidence, raw, session
from tests.support.actions import paid, parted

SESSIONS = 14  # from Monday 2026-03-02 on

changes = st.sampled_from(["absent", "dearer", "tenfold", "adjusted", "unadjusted", "idle", "alike", "spoilt", "twice"])
rarely = st.integers(0, 5).map(lambda drawn: drawn == 0)


def closed(number: int) -> RawBar:
    """Return the session's row as everybody tells it."""
    return raw(session(number), 10.0 + number / 100, volume=1_000 + number)


def changed(row: RawBar, change: str, before: RawBar) -> list[RawBar]:
    """Return what an answer says of a session that it has another word on."""
    close = row.close
    return {
        "absent": [],
        "dearer": [replace(row, close=close * 1.005, adj_close=close * 1.005)],
        "tenfold": [raw(row.date, close * 10)],
        "adjusted": [replace(row, adj_close=close * 0.9)],
        "unadjusted": [replace(row, adj_close=None)],
        "idle": [replace(row, volume=0)],
        "alike": [replace(before, date=row.date)],
        "spoilt": [replace(row, low=99.0)],
        "twice": [row, replace(row, close=close * 1.001)],
    }[change]


@st.composite
def told(draw: st.DrawFn) -> tuple[Any, Held, dict[str, Any]]:
    """Draw evidence over a few sessions, what is held of the series, and the terms of a judgement."""
    last_held = draw(st.integers(4, SESSIONS - 4))
    known = [n for n in range(last_held + 1) if n == last_held or draw(st.integers(0, 9))]
    first, last = last_held - draw(st.integers(0, 4)), last_held + draw(st.sampled_from([-1, 0, 1, 1, 2, 3]))
    first = min(first, last)
    rows: list[RawBar] = []
    spoilt = draw(rarely)
    for n in range(first, last + 1):
        rows += changed(closed(n), draw(changes), closed(n - 1)) if spoilt and draw(rarely) else [closed(n)]
    days = st.integers(-1, SESSIONS).map(session)
    one_action = st.builds(paid, days, st.just(50_000)) | st.builds(parted, days, st.just(2), st.just(1))
    actions: list[Action] = [draw(one_action)] if draw(st.booleans()) else []
    offers = [RawAction(draw(days), "dividend", 0.05)] if draw(rarely) else []
    basis: Basis = draw(st.sampled_from(["split_adjusted", "as_traded"]))
    reading = Reading(
        every_session=not draw(rarely), first_day=draw(st.none() | days) if draw(rarely) else None, rows=tuple(rows)
    )
    window = Window(session(first - draw(st.integers(0, 1))), session(last + draw(st.integers(0, 1))))
    answer = evidence(
        rows, offers, window=window, finished=draw(st.sampled_from([LATER, f"{session(last)}T15:00:00+00:00"]))
    )
    held = Held({session(n): bar(closed(n)) for n in known}, tuple(actions), basis)
    return answer, held, {"basis": basis, "exchange": "SAO", "reading": reading, "threshold_percent": 10.0}


@settings(max_examples=400)
@for_all(told())
def test_an_evening_is_decided_as_the_rules_decide_it(given: tuple[Any, Held, dict[str, Any]]) -> None:
    """Whatever is held, answered, missing or spoilt."""
    answer, held, terms = given
    decided = uncommitted(answer, held, **terms)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evening, "news", lambda *_: None)
        assert uncommitted(answer, held, **terms) == decided


@pytest.mark.parametrize("new", [0, 1, 3])
def test_an_ordinary_evening_asks_no_rule(new: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decided before any would be asked."""
    monkeypatch.setattr("ledger.ingest.rules.judge._accepted", None)
    rows = [closed(n) for n in range(4, 8 + new)]
    answer = evidence(rows, window=Window(session(4), session(7 + new)))
    held = Held({session(n): bar(closed(n)) for n in range(8)}, (paid(session(3), 1),), "split_adjusted")
    terms: dict[str, Any] = {"basis": "split_adjusted", "exchange": "SAO", "reading": Reading(rows=tuple(rows))}
    found = uncommitted(answer, held, threshold_percent=10.0, **terms)
    assert ("success", new, 4, tuple(bar(closed(n)) for n in range(8, 8 + new))) == (
        found.verdict, found.added, found.unchanged, found.bars,
    )  # fmt: skip


def test_days_that_the_calendar_does_not_know_are_the_rules_to_warn_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a new one; what is held was warned of when it came."""
    monkeypatch.setattr(sessions, "covers", lambda day: day < session(8))
    rows = [closed(n) for n in range(4, 9)]
    held = Held({session(n): bar(closed(n)) for n in range(8)}, (), "split_adjusted")
    terms: dict[str, Any] = {"basis": "split_adjusted", "exchange": "SAO", "reading": Reading(rows=tuple(rows))}
    found = uncommitted(evidence(rows), held, threshold_percent=10.0, **terms)
    assert [catalogue.CALENDAR_END.id] == [finding.rule for finding in found.warned]
