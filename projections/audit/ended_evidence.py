"""Every answer ends once, by a decision or by a failure; one that later ones passed over for good lacks its end.

A job ends what is pending before the next one asks, whatever crashed: an answer that stays without an end while later
ones of its series are decided on had one that is gone. One that ends twice would bring back what was corrected since.
"""

from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache

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
SERIES_KEPT = 500  # in memory, with all that waits of them
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
        self._recent: OrderedDict[Series, list[int]] = OrderedDict()
        self.passed_over: dict[int, None] = {}

    def go_past(self, envelope: Envelope, series: Series | None = None) -> None:
        """Go past the event in `envelope`, which is of `series` where it was read already.

        Raises: DepartureError where it ends an answer that was ended before; DamagedError.
        """
        is_answer = _is_answer(envelope.type)
        if is_answer is None or (not is_answer and envelope.cause is None):
            return
        waiting = self._waiting(series or _series_of(envelope))
        if is_answer:
            self._add(waiting, envelope.seq)
        elif envelope.cause is not None:
            self._end(waiting, envelope.cause)

    def _waiting(self, series: Series) -> list[int]:
        """Return what waits of the series, which is the one that was used last from here on."""
        waiting = self._recent.get(series)
        if waiting is not None:
            self._recent.move_to_end(series)
            return waiting
        while len(self._recent) >= SERIES_KEPT:
            other, left = self._recent.popitem(last=False)
            self._scratch.put(_key(other), _encode(left))
        waiting = self._recent[series] = _decode_seqs(self._scratch.get(_key(series)) or _encode([]))
        return waiting

    def _add(self, waiting: list[int], seq: int) -> None:
        if len(waiting) >= WAITING_KEPT:
            kept = waiting[waiting[0] == FORGOTTEN :]
            self._pass_over(kept[:1])
            waiting[:] = FORGOTTEN, *kept[1:]
        waiting.append(seq)

    def _end(self, waiting: list[int], cause: int) -> None:
        """Have the answer at `cause` wait no longer.

        Raises: DepartureError.
        """
        self.passed_over.pop(cause, None)
        if cause in waiting:
            if waiting[0] != cause:
                self._pass_over(seq for seq in waiting if FORGOTTEN < seq < cause)
            waiting.remove(cause)
        elif waiting[:1] != [FORGOTTEN]:
            raise DepartureError("cause", cause, "an answer that no event before ended")

    def _pass_over(self, seqs: Iterable[int]) -> None:
        if len(self.passed_over) < PASSED_KEPT:
            self.passed_over |= dict.fromkeys(seqs)


def _series_of(envelope: Envelope) -> Series:
    try:
        return _decode_series(envelope.data)
    except UNDECODABLE as error:
        raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error


@lru_cache(maxsize=256)  # a log may hold any
def _is_answer(tag: str) -> bool | None:
    """Return whether an event of the tag is an answer, and not an end of one; None where it is neither."""
    name = tag.partition("/")[0]
    return name == ANSWER if name in {ANSWER, *ENDS} else None


def _key(series: Series) -> bytes:
    return b"o" + _encode((series.provider, series.ticker))
