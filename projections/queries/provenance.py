"""Where a session's row comes from: every decision that looked at the day, and the answer that each was over."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Literal

import msgspec

from ledger.codec import Envelope, decode_envelope, decode_event
from ledger.errors import DamagedError
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.providers import registry
from ledger.ingest.providers.evidence import proven_body
from ledger.ingest.providers.port import BodyError
from ledger.ingest.providers.registry import UnknownProviderError
from ledger.log_source import LogSource, sound
from ledger.market.series import Series
from ledger.values import Bar, Finding, RawBar
from projections.fold.tables import Tables
from projections.models.decisions import decisions

Outcome = Literal[
    "first", "revised", "unchanged", "withdrawn", "rejected", "partial", "absent", "answer rejected", "set aside"
]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision made of one day, from the provider's bytes on.

    `bar` is what was accepted, None unless the outcome is first or revised. `raw_lines` are the day's lines in an
    answer that is text with a session a line, `raw_rows` its rows in any other; `handed` is what the provider's
    library made of them.
    """

    decided: Envelope
    decision: ValidationCompleted
    fetched: Envelope
    fetch: FetchSucceeded
    outcome: Outcome
    bar: Bar | None
    findings: tuple[tuple[str, Finding], ...]
    raw_rows: tuple[RawBar, ...]
    raw_lines: tuple[str, ...]
    handed: RawBar | None


def traces(log: LogSource, tables: Tables, series: Series, day: date) -> Iterator[Trace]:
    """Yield what each decision whose window covers `day` made of it, oldest first; reads two events a decision.

    Raises: DamagedError where an event is not what its decision says, or its link does not hold.
    """
    held = False
    for known in decisions(tables, series):
        if known.cause is None or not known.window.start <= day <= known.window.end:
            continue
        decided, decision = _event(log, known.seq)
        fetched, fetch = _event(log, known.cause)
        if not isinstance(decision, ValidationCompleted) or not isinstance(fetch, FetchSucceeded):
            raise DamagedError(known.seq, "cause", expected=FetchSucceeded.TAG, found=fetched.type)
        trace = _trace((decided, decision), (fetched, fetch), day, held=held)
        held = held or trace.bar is not None
        yield trace


def _event(log: LogSource, seq: int) -> tuple[Envelope, object]:
    (record,) = sound(log, seq, seq + 1)
    envelope = decode_envelope(seq, record.body)
    return envelope, decode_event(envelope)


def _trace(
    decided: tuple[Envelope, ValidationCompleted], fetched: tuple[Envelope, FetchSucceeded], day: date, *, held: bool
) -> Trace:
    decision, fetch = decided[1], fetched[1]
    body = proven_body(fetched[0].seq, fetch.answer)
    lines = registry.lines(fetch.provider, body, day)
    rows: tuple[RawBar, ...] = ()
    if not lines:
        with suppress(BodyError, UnknownProviderError):  # nobody could read it: its bytes are all there is to show
            rows = tuple(row for row in registry.rows(fetch.provider, fetch.answer) if row.date == day)
    bar = next((bar for bar in decision.bars if bar.date == day), None)
    effects = (("rejected", decision.rejected), ("flagged", decision.flagged), ("warned", decision.warned))
    return Trace(
        decided=decided[0],
        decision=decision,
        fetched=fetched[0],
        fetch=fetch,
        outcome=_outcome(decision, day, bar, held=held, answered=bool(rows or lines)),
        bar=bar,
        # Those on the day, and on an answer that was rejected whole.
        findings=tuple((effect, one) for effect, found in effects for one in found if one.date in {day, None}),
        raw_rows=rows,
        raw_lines=lines,
        handed=next((raw for raw in fetch.bars if raw.date == day), None),
    )


def _outcome(decision: ValidationCompleted, day: date, bar: Bar | None, *, held: bool, answered: bool) -> Outcome:
    if decision.verdict == "superseded":
        return "set aside"
    if decision.verdict == "rejected":
        return "answer rejected"
    if bar is not None:
        return "revised" if held else "first"
    if day in decision.withdrawn:
        return "withdrawn"
    if day in decision.partial:
        return "partial"
    if any(finding.date == day for finding in decision.rejected):
        return "rejected"
    return "unchanged" if held and answered else "absent"
