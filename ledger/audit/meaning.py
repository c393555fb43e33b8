"""Do events mean what their types say? Each is decoded, and held against the events before it.

What no version of this software ever wrote is a flaw; a name that a newer one would refuse is a remark.
Pure: links are compared by the caller, who has the log.

Source: docs/format.md, "Meaning".
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import cast

import msgspec

from ledger.audit.flaw import Flaw
from ledger.chain import GENESIS, Head, Link
from ledger.claims import CLAIMING, claimed
from ledger.codec import Envelope, decode_envelope, decode_event, envelopes
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import CheckpointTimestamped, Event, HeadAccepted, LedgerCreated
from ledger.limits import name_fault, reader_of_names

EVENT_TYPE = "event type"  # the kind of flaw that is a newer version's event
RECORDED_HEAD = "recorded head"  # the kind of flaw that is an event which contradicts the chain that it is in
KEPT_REMARKS = 10
SOUND_NAMES_KEPT = 8_192  # of 255 bytes at most
CREATED = LedgerCreated.TAG

TELLING: frozenset[type[Event]] = frozenset({*CLAIMING, HeadAccepted, CheckpointTimestamped})  # of their own log

Follow = Callable[[Envelope, Event], Flaw | None]

_TAG = re.compile(r"[a-z]+(\.[a-z]+)*/[1-9][0-9]{0,5}")


class Claim(msgspec.Struct, frozen=True):
    """What the event `seq` says of its own log: the head when it had `head.size` events."""

    seq: int
    head: Head

    def flaw(self, found: Link | None) -> Flaw | None:
        """Return what is wrong when the log has the link `found` there (None: no event), None when nothing is."""
        if self.head.size > self.seq:
            return Flaw(self.seq, RECORDED_HEAD, f"at most {self.seq} events", f"{self.head.size}")
        if found == self.head.link:
            return None
        wanted = f"{self.head.link.hex()} at seq {self.head.size - 1}, which the event records"
        return Flaw(self.seq, RECORDED_HEAD, wanted, "none" if found is None else found.hex())


class Stamp(msgspec.Struct, frozen=True):
    """What the event `seq` says: that an authority saw the first `size` events at `time`. Times in microseconds."""

    seq: int
    recorded_at: int
    size: int
    time: int


class EventsRead(msgspec.Struct, frozen=True):
    """What was read of a run of events, beside flaws: remarks (how many, and the first ones), the last event's time.

    `first_recorded_at` is the first event's; `accepted` are the heads that a person decided to do without, `stamps` the
    timestamps on record.
    """

    remark_count: int = 0
    remarks: tuple[Flaw, ...] = ()
    recorded_at: int = 0
    accepted: tuple[Head, ...] = ()
    first_recorded_at: int | None = None
    stamps: tuple[Stamp, ...] = ()

    def and_then(self, later: "EventsRead") -> "EventsRead":
        """Return what was found of this run and of the one that follows it."""
        return EventsRead(
            self.remark_count + later.remark_count,
            (*self.remarks, *later.remarks)[:KEPT_REMARKS],
            max(self.recorded_at, later.recorded_at),
            self.accepted + later.accepted,
            later.first_recorded_at if self.first_recorded_at is None else self.first_recorded_at,
            self.stamps + later.stamps,
        )


class Meaning:
    """Reads events in order, from any seq on; memory grows by the heads and timestamps on record alone."""

    def __init__(self, before: bytes | None = None, seq: int = 0) -> None:
        """Begin at `seq`; `before` is the body of the event before it."""
        self._recorded_at = 0
        self._first_recorded_at: int | None = None
        self._claims: list[Claim] = []
        self._remarks: list[Flaw] = []
        self._remark_count = 0
        self._accepted: list[Head] = []
        self._stamps: list[Stamp] = []
        self._sound_names: set[str | None] = {None}  # where an event leaves one out
        if before is not None:
            with suppress(DamagedError):  # found by whoever reads the range that it is in
                self._recorded_at = decode_envelope(seq - 1, before).recorded_at

    def found(self) -> EventsRead:
        """Return what has been read so far."""
        return EventsRead(
            self._remark_count,
            tuple(self._remarks),
            self._recorded_at,
            tuple(self._accepted),
            self._first_recorded_at,
            tuple(self._stamps),
        )

    def claims(self) -> list[Claim]:
        """Return the claims read since the last call."""
        claims, self._claims = self._claims, []
        return claims

    def read(self, bodies: Sequence[bytes], start: int, then: Follow | None = None) -> Flaw | None:
        """Read `bodies`, stored from seq `start` on, up to the first that does not mean anything; return that flaw.

        `then` is asked of each event that does, and may find a flaw of its own.
        """
        try:
            for envelope in envelopes(bodies, start=start):
                seq, cause = envelope.seq, envelope.cause
                if (
                    envelope.recorded_at < self._recorded_at
                    or (cause is not None and cause >= seq)
                    or (envelope.type == CREATED) is not (seq == 0)
                ):
                    return self._misplaced(envelope)
                event = decode_event(envelope)
                self._take(envelope, event)
                if then is not None and (flaw := then(envelope, event)):
                    return flaw
        except DamagedError as error:
            return Flaw(error.seq, error.kind, error.expected, error.found)
        except UnknownEventError as error:
            kind = EVENT_TYPE if _TAG.fullmatch(error.tag) else "type"
            return Flaw(error.seq, kind, "one that this version knows", error.tag[:80])
        return None

    def _misplaced(self, envelope: Envelope) -> Flaw:
        """Return which of three things keeps the event from coming where it does."""
        seq, recorded_at, cause = envelope.seq, envelope.recorded_at, envelope.cause
        if recorded_at < self._recorded_at:
            return Flaw(seq, "recorded_at", f"at least {self._recorded_at}", f"{recorded_at}")
        if cause is not None and cause >= seq:
            return Flaw(seq, "cause", f"less than {seq}", f"{cause}")
        wanted = "another type" if seq else CREATED
        return Flaw(seq, "first event" if seq == 0 else "type", wanted, envelope.type[:80])

    def _take(self, envelope: Envelope, event: Event) -> None:
        self._recorded_at = envelope.recorded_at
        if self._first_recorded_at is None:
            self._first_recorded_at = envelope.recorded_at
        kind, stream, known = type(event), envelope.stream, self._sound_names
        names = reader_of_names(kind)(event)
        if stream not in known or not known.issuperset(names):
            self._meet((stream, *names), envelope.seq)
        if kind in TELLING:
            self._hear(envelope, event)

    def _hear(self, envelope: Envelope, event: Event) -> None:
        """Keep what the event says of its own log."""
        if (head := claimed(event)) is not None:
            self._claims.append(Claim(envelope.seq, head))
        if isinstance(event, HeadAccepted) and event.expected_size is not None and event.expected_link is not None:
            self._accepted.append(Head(event.expected_size, Link(event.expected_link)))
        if isinstance(event, CheckpointTimestamped):
            self._stamps.append(Stamp(envelope.seq, envelope.recorded_at, event.size, event.time))

    def _meet(self, names: Iterable[str | None], seq: int) -> None:
        """Remark what is wrong with names; those that are sound are known from then on, since the same few come again.

        The name of a file is another one every evening.
        """
        known = self._sound_names
        for name in names:
            if name in known:
                continue
            if fault := name_fault(cast("str", name)):
                self._remark(Flaw(seq, "name", "at most 255 bytes without control characters", fault))
                continue
            if len(known) >= SOUND_NAMES_KEPT:
                known.clear()
                known.add(None)
            known.add(name)

    def _remark(self, remark: Flaw) -> None:
        self._remark_count += 1
        if len(self._remarks) < KEPT_REMARKS:
            self._remarks.append(remark)


def first_false(claims: Sequence[Claim], link_at: Callable[[int], Link | None]) -> Flaw | None:
    """Return the first of `claims` that the log contradicts, whose links `link_at` returns."""
    for claim in claims:
        size = claim.head.size
        if flaw := claim.flaw(None if size > claim.seq else link_at(size - 1) if size else GENESIS):
            return flaw
    return None
