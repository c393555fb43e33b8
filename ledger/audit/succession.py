"""Do events follow from each other? Each is held against the event that it answers, and against its series.

A decision answers evidence of its own series, finds the state that the one before it led to, and leads where its bars
and actions do. Read in order from seq 0; whatever does not decode is left to who reads events one by one.

Source: docs/format.md, "Meaning" and "State of a series".
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self, cast

import msgspec

from ledger.audit.answered_events import AnsweredEvent, AnsweredEvents
from ledger.audit.flaw import Flaw
from ledger.audit.series_fold import DECIDED, Decided, SeriesFold, commits, series_decision
from ledger.codec import UNDECODABLE, Envelope, decode_envelope
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import Event, FetchSucceeded, IngestFailed, SnapshotWritten, ValidationCompleted
from ledger.files.scratch import ScratchMap

CAUSE = "cause"


class _OfSeries(msgspec.Struct, frozen=True):
    """An event of one series, read as far as its name."""

    ticker: str
    provider: str


class _Tie(NamedTuple):
    """How an event is tied to others: its type without the version, that of its cause, and whether others answer it.

    `wanted` is None where it answers none; `needed` where it has to name one, of the same ticker.
    """

    name: str
    wanted: str | None = None
    needed: bool = False
    answered: bool = False


@lru_cache(maxsize=256)
def _name(tag: str) -> str:
    return tag.partition("/")[0]


FETCH, DECISION = _name(FetchSucceeded.TAG), _name(ValidationCompleted.TAG)
TIES = {
    FetchSucceeded: _Tie(FETCH, answered=True),
    ValidationCompleted: _Tie(DECISION, wanted=FETCH, needed=True, answered=True),
    IngestFailed: _Tie(_name(IngestFailed.TAG), wanted=FETCH),
    SnapshotWritten: _Tie(_name(SnapshotWritten.TAG), wanted=DECISION),
}
TIES_BY_NAME = {tie.name: tie for tie in TIES.values()}
Tied = _OfSeries | Decided | FetchSucceeded | IngestFailed | SnapshotWritten

_decode_named = msgspec.msgpack.Decoder(_OfSeries).decode


class Succession:
    """A walk over a whole log; memory is that of its scratch map."""

    def __init__(self, scratch: ScratchMap | None = None) -> None:
        self._scratch = ScratchMap() if scratch is None else scratch
        self._fold = SeriesFold(self._scratch)
        self._answered = AnsweredEvents(self._scratch)
        self.ended = False  # at an event that does not decode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.close()

    def read(self, bodies: Sequence[bytes], start: int) -> Flaw | None:
        """Read `bodies`, stored from seq `start` on, up to the first that does not follow; return that flaw.

        Raises: DiskFullError, UnwritableError of the scratch map.
        """
        if self.ended:
            return None
        try:
            for seq, body in enumerate(bodies, start):
                envelope = decode_envelope(seq, body)
                tie = TIES_BY_NAME.get(_name(envelope.type))
                if tie is not None:
                    known = series_decision(envelope) if tie.name == DECISION else _decode_named(envelope.data)
                    if known is not None and (flaw := self._tie(envelope, tie, known)):
                        return flaw
        except (DamagedError, UnknownEventError, *UNDECODABLE):
            self.ended = True
        return None

    def take(self, envelope: Envelope, event: Event) -> Flaw | None:
        """Go past the next event, which somebody has decoded; return that flaw where it does not follow.

        Raises: as `read` does.
        """
        tie = TIES.get(type(event))
        return None if tie is None else self._tie(envelope, tie, cast("Tied", event))

    def _tie(self, envelope: Envelope, tie: _Tie, series: Tied) -> Flaw | None:
        seq, cause, ticker, provider = envelope.seq, envelope.cause, series.ticker, series.provider
        name, wanted, needed, answered = tie
        if wanted is not None and (needed or cause is not None):
            found = None if cause is None else self._answered.get(cause)
            if found != (wanted, ticker, provider) and (flaw := _cause_flaw(envelope, wanted, series, found)):
                return flaw
        if answered:
            self._answered.put(seq, (name, ticker, provider))
        if not isinstance(series, DECIDED):
            return None
        committing = commits(envelope)
        before, after = self._fold.apply(seq, series, committing=committing)
        if committing and (before != series.before or after != series.after):
            for field, led, said in (("before", before, series.before), ("after", after, series.after)):
                if led != said:
                    return Flaw(seq, f"state {field}", _hex(led), _hex(said))
        return None


def _cause_flaw(envelope: Envelope, wanted: str, series: Tied, found: AnsweredEvent | None) -> Flaw | None:
    """Return what is wrong with the cause of an event, at which there is `found`; a later one is found elsewhere."""
    if envelope.cause is None:
        return Flaw(envelope.seq, CAUSE, f"the seq of a {wanted}", "none")
    # A snapshot may answer the last decision on its ticker, whoever reported it.
    if found is not None and wanted == DECISION and found[:2] == (wanted, series.ticker):
        return None
    expected = f"a {wanted} of {series.ticker} from {series.provider}"
    got = "another event" if found is None else "a {} of {} from {}".format(*found)
    return Flaw(envelope.seq, CAUSE, expected, f"{got} at seq {envelope.cause}")


def _hex(state: bytes | None) -> str:
    return "none" if state is None else state.hex()
