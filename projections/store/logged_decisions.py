"""Decisions as the log has them, for whoever holds what is stored against them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec
from msgspec.structs import force_setattr

from ledger.codec import UNDECODABLE, decode_envelope
from ledger.events import ValidationCompleted
from ledger.log_source import LogSource
from projections.fold.event_readers import current_tag
from projections.models.decisions import Commitment, LoggedDecision

GAP_EVENTS = 8  # between two decisions: reading them as well costs less than to begin reading again

# How the bars of a decision are named, and what comes behind them; what stands for them while the rest is read.
BARS, BEHIND_BARS = b"\xa4bars", b"\xa7actions"
STAND_IN = b"\xc4\x10" + b"bars left unread"

_decode = msgspec.msgpack.Decoder(Commitment).decode
_decode_whole = msgspec.msgpack.Decoder(LoggedDecision).decode


def commitment(log: LogSource, seq: int) -> Commitment | None:
    """Return what the event at `seq` commits its series to, None where it is no decision."""
    found = commitments(log, [seq]).get(seq)
    return None if found is None else found.data


def commitments(
    log: LogSource, seqs: Iterable[int], *, unread: Collection[int] = frozenset()
) -> dict[int, LoggedDecision]:
    """Return those of the events `seqs` that are decisions.

    The bars of those `unread` are what lies between the fields beside them: where the caller finds that they are an
    array of bars to their last byte, they are the event's.

    Raises: what reading a damaged log raises.
    """
    wanted = set(seqs)
    found = {}
    for first, last in _runs(sorted(wanted)):
        for record in log.read(first, last + 1):
            if record.seq in wanted:
                one = _around_bars(record.seq, record.body) if record.seq in unread else None
                one = one or _decided(record.seq, record.body)
                if one is not None:
                    found[int(record.seq)] = one
    return found


def _around_bars(seq: int, body: bytes) -> LoggedDecision | None:
    """Return the decision without a look at its bars, which is three quarters of the work; None: to be read whole.

    With the stand-in where they were, everything around them is decoded and checked as ever. That it is found there,
    once and as the bars, says that an array of bars in its place is read as such, and what is behind it as here.
    """
    start, stop = body.find(BARS) + len(BARS), body.rfind(BEHIND_BARS)
    around = body[:start] + STAND_IN + body[max(start, stop) :]
    try:
        whole = _decode_whole(around)
    except UNDECODABLE:
        return None
    if (whole.seq, whole.type, bytes(whole.data.bars)) != (seq, ValidationCompleted.TAG, STAND_IN):
        return None
    if around.count(STAND_IN) != 1:
        return None
    force_setattr(whole.data, "bars", msgspec.Raw(memoryview(body)[start:stop]))  # nobody else has it yet
    return whole


def _decided(seq: int, body: bytes) -> LoggedDecision | None:
    try:
        whole = _decode_whole(body)
    except UNDECODABLE:
        whole = None
    if whole is None or whole.seq != seq:
        # Of another type, or damaged: who reads it step by step says which.
        envelope = decode_envelope(seq, body)
        if current_tag(seq, envelope.type) != ValidationCompleted.TAG:
            return None
        return LoggedDecision(**msgspec.structs.asdict(envelope) | {"data": _decode(envelope.data)})
    return whole if current_tag(seq, whole.type) == ValidationCompleted.TAG else None


def _runs(seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of `seqs` between which few events lie."""
    edges = [0, *(place for place, (one, other) in enumerate(pairwise(seqs), 1) if other - one > GAP_EVENTS), len(seqs)]
    return ((seqs[start], seqs[stop - 1]) for start, stop in pairwise(edges) if start < stop)
