"""Do events follow from each other? Each is held against the event that it answers, and against its series.

A decision answers evidence of its own series, finds the state that the one before it led to, and leads where its bars
and actions do. Read in order from seq 0; whatever does not decode is left to who reads events one by one.

Source: docs/format.md, "Meaning" and "State of a series".
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self, cast

import msgspec

from ledger.audit.answered_events import AnsweredEvents
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


class _Answers(NamedTuple):
    """What the cause of an event has to be: `wanted` by its type, of the same ticker, and `needed` or not."""

    wanted: str
    needed: bool


@lru_cache(maxsize=256)
def _name(tag: str) -> str:
    return tag.partition("/")[0]


FETCH, DECISION = _name(FetchSucceeded.TAG), _name(ValidationCompleted.TAG)
ANSWERS = {
    DECISION: _Answers(FETCH, needed=True),
    _name(IngestFailed.TAG): _Answers(FETCH, needed=False),
    _name(SnapshotWritten.TAG): _Answers(DECISION, needed=False),
}
ANSWERED = frozenset({FETCH, DECISION})
TIED = ANSWERS.keys() | ANSWERED
TIED_EVENTS: dict[type[Event], str] = {
    kind: _name(kind.TAG) for kind in (FetchSucceeded, ValidationCompleted, IngestFailed, SnapshotWritten)
}
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
                name = _name(envelope.type)
                if name in TIED:
                    known = series_decision(envelope) if name == DECISION else _decode_named(envelope.data)
                    if known is not None and (flaw := self._tie(envelope, name, known)):
                        return flaw
        except (DamagedError, UnknownEventError, *UNDECODABLE):
            self.ended = True
        return None

    def take(self, envelope: Envelope, event: Event) -> Flaw | None:
        """Go past the next event, which somebody has decoded; return that flaw where it does not follow.

        Raises: as `read` does.
        """
        name = TIED_EVENTS.get(type(event))
        return None if name is None else self._tie(envelope, name, cast("Tied", event))

    def _tie(self, envelope: Envelope, name: str, series: Tied) -> Flaw | None:
        if name in ANSWERS and (flaw := self._cause_flaw(envelope, name, series)):
            return flaw
        if name in ANSWERED:
            self._answered.put(envelope.seq, (name, series.ticker, series.provider))
        if not isinstance(series, DECIDED):
            return None
        committing = commits(envelope)
        before, after = self._fold.lead(envelope.seq, series, committing=committing)
        if committing and (before != series.before or after != series.after):
            for field, led, said in (("before", before, series.before), ("after", after, series.after)):
                if led != said:
                    return Flaw(envelope.seq, f"state {field}", _hex(led), _hex(said))
        return None

    def _cause_flaw(self, envelope: Envelope, name: str, series: Tied) -> Flaw | None:
        """Return what is wrong with the cause of an event; one that is not earlier is found elsewhere."""
        wanted, needed = ANSWERS[name]
        if envelope.cause is None:
            return Flaw(envelope.seq, CAUSE, f"the seq of a {wanted}", "none") if needed else None
        found = self._answered.get(envelope.cause)
        if found == (wanted, series.ticker, series.provider):
            return None
        # A snapshot may answer the last decision on its ticker, whoever reported it.
        if found is not None and wanted == DECISION and found[:2] == (wanted, series.ticker):
            return None
        expected = f"a {wanted} of {series.ticker} from {series.provider}"
        got = "another event" if found is None else "a {} of {} from {}".format(*found)
        return Flaw(envelope.seq, CAUSE, expected, f"{got} at seq {envelope.cause}")


def _hex(state: bytes | None) -> str:
    return "none" if state is None else state.hex()
