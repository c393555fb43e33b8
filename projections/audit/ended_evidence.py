"""Every answer ends once, by a decision or by a failure; one that later ones passed over for good lacks its end.

A job ends what is pending before the next one asks, whatever crashed: an answer that stays without an end while later
ones of its series are decided on had one that is gone. One that ends twice would bring back what was corrected since.
"""

from collections.abc import Iterable

import msgspec

from ledger.codec import UNDECODABLE, Envelope
from ledger.errors import DamagedError
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.market.series import Series
from projections.audit.departures import DepartureError

PASSED_OVER = "an answer that nothing ended, though later ones of its series were decided on"
PASSED_KEPT = 100_000  # answers that are passed over at once; more are not told apart
WAITING_KEPT = 1_000  # of one series; a job ends what is pending, so no run ever left more than a few
FORGOTTEN = -1  # stands first among those that wait where older ones were too many to keep

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
            self._scratch.put(key, _encode(self._with(waiting, envelope.seq)))
        elif envelope.cause is not None:
            self._scratch.put(key, _encode(self._without(waiting, envelope.cause)))

    def _with(self, waiting: list[int], seq: int) -> list[int]:
        if len(waiting) < WAITING_KEPT:
            return [*waiting, seq]
        kept = waiting[waiting[0] == FORGOTTEN :]
        self._pass_over(kept[:1])
        return [FORGOTTEN, *kept[1:], seq]

    def _without(self, waiting: list[int], cause: int) -> list[int]:
        """Return what waits still once the answer at `cause` is ended.

        Raises: DepartureError.
        """
        self.passed_over.pop(cause, None)
        if cause in waiting:
            self._pass_over(seq for seq in waiting if FORGOTTEN < seq < cause)
        elif waiting[:1] != [FORGOTTEN]:
            raise DepartureError("cause", cause, "an answer that no event before ended")
        return [seq for seq in waiting if seq != cause]

    def _pass_over(self, seqs: Iterable[int]) -> None:
        if len(self.passed_over) < PASSED_KEPT:
            self.passed_over |= dict.fromkeys(seqs)
