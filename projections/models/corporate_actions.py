"""Dividends, splits and capital gains as a provider told them, each telling kept. Pure.

An answer over a window says all that its provider knows of that window: an action known before and absent now
was withdrawn. An answer without a row says nothing of what it lacks.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

import msgspec

from ledger.events import Action, ActionKind
from projections.models.decisions import Decision

ActionCause = Literal["first", "correction", "withdrawn"]
Place = tuple[date, ActionKind]


class ActionChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision changed about the actions of one kind on one day; `old` or `new` is empty where none was."""

    date: date
    kind: ActionKind
    old: tuple[Action, ...]
    new: tuple[Action, ...]
    cause: ActionCause
    seq: int
    recorded_at: int


def known(decisions: Iterable[Decision]) -> tuple[Action, ...]:
    """Return the actions that hold after `decisions` (oldest first), by day, kind and amount."""
    return tuple(action for change in holding(decisions) for action in change.new)


def holding(decisions: Iterable[Decision]) -> list[ActionChange]:
    """Return the change that each day and kind of action owes what it holds to, by day and kind."""
    latest = {(change.date, change.kind): change for change in changes(decisions)}
    return [latest[place] for place in sorted(latest) if latest[place].new]


def changes(decisions: Iterable[Decision]) -> Iterator[ActionChange]:
    """Yield every change that `decisions` (oldest first) made, by decision, then by day and kind."""
    holding: dict[Place, tuple[Action, ...]] = {}
    for decision in decisions:
        for change in _changes(holding, decision):
            _apply(holding, change)
            yield change


def _apply(holding: dict[Place, tuple[Action, ...]], change: ActionChange) -> None:
    if change.new:
        holding[change.date, change.kind] = change.new
    else:
        del holding[change.date, change.kind]


def _changes(holding: dict[Place, tuple[Action, ...]], decision: Decision) -> list[ActionChange]:
    if not decision.accepted:
        return []
    told = _by_place(decision.actions)
    gone = {place for place in holding if place not in told and _answers_for(decision, place[0])}
    return [
        _change(place, holding.get(place, ()), told.get(place, ()), decision)
        for place in sorted(told.keys() | gone)
        if holding.get(place, ()) != told.get(place, ())
    ]


def _answers_for(decision: Decision, day: date) -> bool:
    return decision.received > 0 and decision.window.start <= day <= decision.window.end


def _by_place(actions: Iterable[Action]) -> dict[Place, tuple[Action, ...]]:
    found: dict[Place, tuple[Action, ...]] = {}
    for action in sorted(actions, key=msgspec.structs.astuple):
        place = (action.date, action.kind)
        found[place] = (*found.get(place, ()), action)
    return found


def _change(place: Place, old: tuple[Action, ...], new: tuple[Action, ...], decision: Decision) -> ActionChange:
    cause: ActionCause = "withdrawn" if not new else "correction" if old else "first"
    return ActionChange(
        date=place[0],
        kind=place[1],
        old=old,
        new=new,
        cause=cause,
        seq=decision.seq,
        recorded_at=decision.recorded_at,
    )
