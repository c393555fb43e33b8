"""Dividends, splits and capital gains as a provider reported them, with every correction. Pure.

The newest answer that names a kind of action on a day decides on it, and what it does not name stays known.
To a decision that commits to no state, as version 1 made them, an answer that has rows is complete for its window:
an action known before and absent from it was withdrawn.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Literal

import msgspec

from ledger.values import Action, ActionKind
from projections.models.decisions import Decision

ActionCause = Literal["first", "correction", "withdrawn"]
DayAndKind = tuple[date, ActionKind]


class ActionChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision changed about the actions of one kind on one day; `old` or `new` is empty where none was."""

    date: date
    kind: ActionKind
    old: tuple[Action, ...]
    new: tuple[Action, ...]
    cause: ActionCause
    seq: int
    recorded_at: int


def known(decisions: Iterable[Decision], before: Iterable[Action] = ()) -> tuple[Action, ...]:
    """Return the actions in force after `decisions` (oldest first), by day, kind and amount.

    `before` are those in force before the first of them, in the same order.
    """
    in_force: dict[DayAndKind, tuple[Action, ...]] = {}
    for action in before:
        of_day = (action.ex_date, action.kind)
        in_force[of_day] = (*in_force.get(of_day, ()), action)
    for change in changes(decisions, in_force):
        in_force[change.date, change.kind] = change.new
    return tuple(action for key in sorted(in_force) for action in in_force[key])


def holding(decisions: Iterable[Decision]) -> list[ActionChange]:
    """Return the last change of each day and kind of action that is in force, by day and kind."""
    latest = {(change.date, change.kind): change for change in changes(decisions)}
    return [latest[key] for key in sorted(latest) if latest[key].new]


def changes(
    decisions: Iterable[Decision], before: Mapping[DayAndKind, tuple[Action, ...]] | None = None
) -> Iterator[ActionChange]:
    """Yield every change that `decisions` (oldest first) made to what was in force `before`, by day and kind each.

    Costs the decisions and what they name; one of version 1 costs what is in force as well.
    """
    in_force = dict(before or {})
    for decision in decisions:
        if (not decision.actions and decision.after is not None) or not decision.accepted:
            continue  # most commit to a state and name no action: asked first
        reported: dict[DayAndKind, tuple[Action, ...]] = {}
        for action in sorted(
            decision.actions,
            key=lambda one: (one.ex_date, one.kind, one.amount or 0, one.numerator or 0, one.denominator or 0),
        ):
            of_day = (action.ex_date, action.kind)
            reported[of_day] = (*reported.get(of_day, ()), action)
        touched = set(reported)
        if decision.after is None and decision.received > 0:
            touched.update(key for key in in_force if decision.window.start <= key[0] <= decision.window.end)
        for key in sorted(touched):
            old, new = in_force.get(key, ()), reported.get(key, ())
            if old == new:
                continue
            in_force[key] = new
            yield ActionChange(
                date=key[0],
                kind=key[1],
                old=old,
                new=new,
                cause="withdrawn" if not new else "correction" if old else "first",
                seq=decision.seq,
                recorded_at=decision.recorded_at,
            )
