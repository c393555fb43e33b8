"""What an audit found: what was derived again, what could not be, and the first thing that came out otherwise. Pure."""

from collections.abc import Iterable
from typing import Literal

import msgspec

AuditVerdict = Literal["same", "incomplete", "different"]
Derived = Literal["answers", "bars", "decisions", "failures", "snapshots"]


class Difference(msgspec.Struct, frozen=True):
    """Where the log and what is derived from its answers part: `what` of the event at `seq`, both as text."""

    seq: int
    what: str
    recorded: str
    derived: str


class NotDerived(msgspec.Struct, frozen=True):
    """How many events cannot be derived again for one reason, and the first of them."""

    reason: str
    events: int
    first_seq: int


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What deriving events [since, events) again found; one process reports on its share of the streams.

    `derived` counts what came out the same: answers held to length and SHA-256, bars to their rows, decisions to the
    judgement, failures of evidence, snapshots to their bytes. `unknown` is the seq and tag of an event of a newer
    version, at which the audit ends.
    """

    events: int
    since: int
    derived: dict[Derived, int]
    first_difference: Difference | None = None
    not_derived: tuple[NotDerived, ...] = ()
    unknown: tuple[int, str] | None = None

    @property
    def verdict(self) -> AuditVerdict:
        """`different` outranks `incomplete`."""
        if self.first_difference is not None:
            return "different"
        return "incomplete" if self.not_derived else "same"


def joined(parts: Iterable[AuditReport]) -> AuditReport:
    """Return the reports on all shares (at least one) of a log as one."""
    first, *rest = parts
    for part in rest:
        differences = [one for one in (first.first_difference, part.first_difference) if one is not None]
        by_reason: dict[str, NotDerived] = {}
        for one in (*first.not_derived, *part.not_derived):
            known = by_reason.get(one.reason, NotDerived(one.reason, 0, one.first_seq))
            first_seq = min(known.first_seq, one.first_seq)
            by_reason[one.reason] = NotDerived(one.reason, known.events + one.events, first_seq)
        first = AuditReport(
            events=first.events,
            since=first.since,
            derived={name: count + part.derived[name] for name, count in first.derived.items()},
            first_difference=min(differences, key=lambda one: one.seq, default=None),
            not_derived=tuple(sorted(by_reason.values(), key=lambda one: one.first_seq)),
            unknown=min((one for one in (first.unknown, part.unknown) if one is not None), default=None),
        )
    return first
