"""Events [0, position) re-hashed and read, and what they say of the log itself: its custody, and its alerts."""

from collections.abc import Iterable
from functools import partial
from itertools import islice

import msgspec
from msgspec.structs import replace

from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EVENT_TYPE, RECORDED_HEAD, Meaning, first_false
from ledger.chain import GENESIS, Link, Record, links
from ledger.codec import Envelope, decode_envelope, decode_event
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import (
    AlertRaised,
    AlertResolved,
    BackupCreated,
    BackupFailed,
    BackupPruned,
    BackupRestored,
    CheckpointSigned,
    Event,
    HeadAccepted,
    LogVerified,
)
from ledger.log_source import LogSource, link_at
from projections.report.facts import AlertFacts, ChainChecked, ChainVerdict, CustodyEvent

BATCH_EVENTS = 1_000
CUSTODY = (BackupCreated, BackupFailed, BackupPruned, BackupRestored, HeadAccepted, LogVerified, CheckpointSigned)
ALERTS = (AlertRaised, AlertResolved)
_TAGS = {one.TAG for one in (*CUSTODY, *ALERTS)}
_TAG_BYTES = tuple(tag.encode() for tag in _TAGS)


class ChainRead(msgspec.Struct, frozen=True):
    """What one pass over the log found: whether it holds, its events about itself and its alerts, oldest first."""

    chain: ChainChecked
    custody: tuple[CustodyEvent, ...]
    alerts: tuple[AlertFacts, ...] = ()


def read_chain(log: LogSource, position: int) -> ChainRead:
    """Re-hash and read events [0, position) of `log`, at least one, and return what was found.

    Costs what verification does, in this process. Damage is a finding, not an error.

    Raises: UnknownEventError for an event of a newer version; ArchiveDamagedError, UnreadableError.
    """
    meaning, said = Meaning(), list[tuple[Envelope, Event]]()
    prev, seq, flaw = GENESIS, 0, None
    try:
        waiting = log.read(0, position)
        while batch := list(islice(waiting, BATCH_EVENTS)):
            flaw = _broken_link(batch, prev) or meaning.read([one.body for one in batch], batch[0].seq)
            flaw = flaw or first_false(meaning.claims(), partial(link_at, log))
            if flaw is not None:
                break
            # A tag's bytes may lie in any text of an event; only its envelope says what it is.
            tagged = (record for record in batch if any(tag in record.body for tag in _TAG_BYTES))
            envelopes = (decode_envelope(record.seq, record.body) for record in tagged)
            said += ((one, decode_event(one)) for one in envelopes if one.type in _TAGS)
            prev, seq = batch[-1].link, seq + len(batch)
        if flaw is None and seq < position:
            flaw = Flaw(seq, "missing event", f"seq {seq}", "the end")
    except DamagedError as error:
        flaw = Flaw(error.seq, error.kind, error.expected, error.found)
    if flaw is not None and flaw.kind == EVENT_TYPE:
        raise UnknownEventError(flaw.seq or 0, flaw.found)
    head = (link_at(log, position - 1) or b"").hex() if flaw is None else ""
    verdict: ChainVerdict = "intact" if flaw is None else "forked" if flaw.kind == RECORDED_HEAD else "tampered"
    recorded_at = meaning.found().recorded_at
    chain = ChainChecked(verdict=verdict, position=position, head=head, recorded_at=recorded_at, flaw=flaw)
    custody = tuple(_custody(one, event) for one, event in said if not isinstance(event, ALERTS))
    return ChainRead(chain, custody, _alerts(said))


def _broken_link(batch: list[Record], prev: Link) -> Flaw | None:
    for record, want in zip(batch, links(prev, (one.body for one in batch)), strict=True):
        if record.link != want:
            return Flaw(record.seq, "link", want.hex(), record.link.hex())
    return None


def _alerts(said: Iterable[tuple[Envelope, Event]]) -> tuple[AlertFacts, ...]:
    """Return each alert that was raised, with when it was over."""
    found: dict[bytes, AlertFacts] = {}
    for envelope, event in said:
        if isinstance(event, AlertRaised):
            found[event.episode_id] = AlertFacts(
                seq=envelope.seq,
                metric=event.metric,
                ticker=event.ticker,
                severity=event.severity,
                reason=event.reason,
                raised_at=event.found_at,
            )
        elif isinstance(event, AlertResolved) and event.episode_id in found:
            found[event.episode_id] = replace(found[event.episode_id], resolved_at=event.found_at)
    return tuple(found.values())


def _custody(envelope: Envelope, event: Event) -> CustodyEvent:
    size: int | None = getattr(event, "size", None)
    match event:
        case BackupFailed():
            detail = f"{event.name}: {event.stage}: {event.error_kind} {event.message}"
        case BackupPruned():
            detail = f"{', '.join(one.name for one in event.files)}: {event.keeper}"
        case HeadAccepted():
            size, detail = event.found_size, f"{event.verdict}: {event.reason}"
        case LogVerified():
            detail = event.verdict
        case CheckpointSigned():
            detail = event.origin
        case BackupCreated() | BackupRestored():
            detail = event.name
        case _:
            raise AssertionError(event)
    return CustodyEvent(
        seq=envelope.seq, recorded_at=envelope.recorded_at, type=envelope.type, size=size, detail=detail
    )
