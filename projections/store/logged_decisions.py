"""Decisions as the log has them, for whoever holds what is stored against them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from ledger.codec import UNDECODABLE, decode_envelope
from ledger.events import ValidationCompleted
from ledger.log_source import LogSource
from projections.fold.event_readers import current_tag
from projections.models.decisions import Commitment, LoggedDecision

GAP_EVENTS = 8  # between two decisions: reading them as well costs less than to begin reading again

_decode = msgspec.msgpack.Decoder(Commitment).decode
_decode_whole = msgspec.msgpack.Decoder(LoggedDecision).decode


def commitment(log: LogSource, seq: int) -> Commitment | None:
    """Return what the event at `seq` commits its series to, None where it is no decision."""
    found = commitments(log, [seq]).get(seq)
    return None if found is None else found.data


def commitments(log: LogSource, seqs: Iterable[int]) -> dict[int, LoggedDecision]:
    """Return those of the events `seqs` that are decisions.

    Raises: what reading a damaged log raises.
    """
    wanted = set(seqs)
    found = {}
    for first, last in _runs(sorted(wanted)):
        for record in log.read(first, last + 1):
            if record.seq in wanted and (one := _decided(record.seq, record.body)) is not None:
                found[int(record.seq)] = one
    return found


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
