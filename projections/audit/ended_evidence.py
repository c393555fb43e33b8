"""Every answer ends once, by a decision or by a failure; one that later ones passed over for good lacks its end.

A job ends what is pending before the next one asks, whatever crashed: an answer that stays without an end while later
ones of its series are decided on had one that is gone. One that ends twice would bring back what was corrected since.
"""

import msgspec

from ledger.codec import UNDECODABLE, Envelope
from ledger.errors import DamagedError
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.market.series import Series
from projections.audit.departures import DepartureError

PASSED_OVER = "an answer that nothing ended, though later ones of its series were decided on"
PASSED_KEPT = 100_000  # answers that are passed over at once; more are not told apart

_encode = msgspec.msgpack.Encoder().encode
_decode_seqs = msgspec.msgpack.Decoder(list[int]).decode
_decode_series = msgspec.msgpack.Decoder(Series).decode

ANSWER = FetchSucceeded.TAG.partition("/")[0]
ENDS = frozenset(tag.partition("/")[0] for tag in (ValidationCompleted.TAG, IngestFailed.TAG))


class EndedEvidence:
    """The answers that nothing ended so far, series by series; memory is that of its scratch map.

    `passed_over` are those of which later ones were ended.
    """

    def __init__(self, scratch: ScratchMap) -> None:
        self._scratch = scratch
        self.passed_over: dict[int, None] = {}

    def go_past(self, envelope: Envelope) -> None:
        """Go past the event in `envelope`.

        Raises: DepartureError where it ends an answer that was ended before; DamagedError.
        """
        name = envelope.type.partition("/")[0]
        if name != ANSWER and (name not in ENDS or envelope.cause is None):
            return
        try:
            series = _decode_series(envelope.data)
        except UNDECODABLE as error:
            raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error
        key = b"o" + _encode((series.provider, series.ticker))
        waiting = _decode_seqs(self._scratch.get(key) or _encode([]))
        if name == ANSWER:
            self._scratch.put(key, _encode([*waiting, envelope.seq]))
            return
        cause = envelope.cause
        if cause not in waiting:
            raise DepartureError("cause", cause, "an answer that no event before ended")
        self._scratch.put(key, _encode([seq for seq in waiting if seq != cause]))
        self.passed_over.pop(cause, None)
        if waiting[0] != cause and len(self.passed_over) < PASSED_KEPT:
            self.passed_over |= dict.fromkeys(seq for seq in waiting if seq < cause)
