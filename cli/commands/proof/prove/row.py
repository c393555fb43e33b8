"""What `main prove` prints. Pure."""

from datetime import date
from typing import Literal

import msgspec

from cli.render import times
from ledger.checkpoint.errors import NotProvenError
from ledger.checkpoint.note import VerifierKey
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tlog_proof import TlogProof
from ledger.codec import Envelope, decode_envelope, decode_event
from ledger.events import ValidationCompleted
from projections.queries.bar_fields import FIELDS, field_number


class ProofRow(msgspec.Struct, frozen=True, kw_only=True):
    """That the event at `seq` is among the first `size` of `origin`; `proof` is all of it, `file` where it lies.

    `cause` is the seq of the event that it answers: of a decision, the provider's answer.
    """

    seq: int
    type: str
    stream: str
    recorded_at: str
    cause: int | None
    link: str
    origin: str
    size: int
    root: str
    proof: str
    file: str | None


class ProvenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What the event says of itself; `cause` is the seq of the event that it answers."""

    type: str
    stream: str
    recorded_at: str
    cause: int | None


class ProvenPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What the event accepted for one session, in reais and shares."""

    ticker: str
    date: date
    bar: dict[str, float | int | None]


class ProvenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that holds: who signed, and what is proven of the event at `seq`.

    `event` is null where the proof shows the leaf alone, `price` where none was asked about. `ledger` when the event
    was held against a log as well. Later revisions are none of its business: main why shows them.
    """

    verdict: Literal["proven"] = "proven"
    seq: int
    origin: str
    size: int
    root: str
    key: str
    link: str
    body_sha256: str
    event: ProvenEvent | None
    price: ProvenPrice | None
    ledger: bool


class Session(msgspec.Struct, frozen=True):
    """One session of one ticker."""

    ticker: str
    day: date


def proof_row(envelope: Envelope, proof: TlogProof, statement: Statement, file: str | None) -> ProofRow:
    """Return what is printed of a proof that was made."""
    return ProofRow(
        seq=proof.index,
        type=envelope.type,
        stream=envelope.stream,
        recorded_at=times.exact(envelope.recorded_at),
        cause=envelope.cause,
        link=proof.link.hex(),
        origin=statement.origin,
        size=statement.size,
        root=statement.root.hex(),
        proof=str(proof),
        file=file,
    )


def proof_text(one: ProofRow, proof: str) -> str:
    """Return the lines of the proof itself, or where it was written."""
    if one.file is None:
        return proof.removesuffix("\n")
    return f"seq {one.seq} ({one.type}, recorded {one.recorded_at}) of {one.size} events: {one.file}"


def proven_row(
    proof: TlogProof, statement: Statement, key: VerifierKey, session: Session | None, *, ledger: bool
) -> ProvenRow:
    """Return what a proof that holds shows.

    Raises: NotProvenError where it does not show a bar of `session`; DamagedError, UnknownEventError.
    """
    envelope = decode_envelope(proof.index, proof.body) if proof.body else None
    return ProvenRow(
        seq=proof.index,
        origin=statement.origin,
        size=statement.size,
        root=statement.root.hex(),
        key=str(key),
        link=proof.link.hex(),
        body_sha256=proof.body_sha256.hex(),
        event=None
        if envelope is None
        else ProvenEvent(
            type=envelope.type,
            stream=envelope.stream,
            recorded_at=times.exact(envelope.recorded_at),
            cause=envelope.cause,
        ),
        price=None if session is None else _price(envelope, session),
        ledger=ledger,
    )


def _price(envelope: Envelope | None, session: Session) -> ProvenPrice:
    event = None if envelope is None else decode_event(envelope)
    if isinstance(event, ValidationCompleted) and event.ticker == session.ticker:
        for bar in event.bars:
            if bar.date == session.day:
                cells = {name: field_number(name, getattr(bar, name)) for name in FIELDS}
                return ProvenPrice(ticker=session.ticker, date=session.day, bar=cells)
    found = "a proof of the leaf alone" if envelope is None else f"a proof of {envelope.type}"
    raise NotProvenError(found, wanted=f"one that shows a bar of {session.ticker} on {session.day}")


def proven_text(one: ProvenRow) -> str:
    """Return what is proven as a person reads it."""
    event = one.event
    what = "" if event is None else f" ({event.type} of {event.stream}, recorded {event.recorded_at})"
    lines = [f"proven: seq {one.seq}{what} is among the {one.size} events of {one.origin}, signed by {one.key}"]
    if one.price is not None:
        cells = "  ".join(f"{name} {'-' if value is None else value}" for name, value in one.price.bar.items())
        lines.append(f"  {one.price.ticker}  {one.price.date}  {cells}")
    lines.append("  held against the log as well" if one.ledger else f"  sha256 of its body {one.body_sha256}")
    return "\n".join(lines)
