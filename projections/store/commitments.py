"""Stored prices and actions of a series held against the state that its newest decision in the log commits to.

A check of each row shows what a flipped bit does. It does not show a row that is missing, doubled or of another day:
the state covers every bar and every action in force, so no stored row has to be believed. What came before them is
held by count: as many versions as each decision made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise

import msgspec

from ledger.codec import UNDECODABLE, decode_envelope
from ledger.events import ValidationCompleted
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.market.series_state import leaf, state
from ledger.values import Basis, Count, Hash, Id, Time
from projections.fold.event_readers import current_tag
from projections.fold.keys import seq_key
from projections.fold.tables import Tables
from projections.models import corporate_actions, decisions, prices
from projections.models.decisions import Decision


class Commitment(msgspec.Struct, frozen=True):
    """The series that a decision is on, and the state that it leads to: None of a version that commits to none.

    What it made of the series is beside it: its bars as they are encoded, and the days that it found withdrawn.
    """

    ticker: str
    provider: str
    basis: Basis
    bars: msgspec.Raw
    withdrawn: tuple[date, ...]
    after: Hash | None = None


class _DecidedEnvelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The envelope of a decision, read with what it carries in one pass: each one more goes through all of its bars."""

    seq: Count
    recorded_at: Time
    append_id: Id
    job_id: Id
    cause: Count | None
    stream: str
    type: str
    data: Commitment


GAP_EVENTS = 8  # between two decisions: reading them as well costs less than to begin reading again

_decode = msgspec.msgpack.Decoder(Commitment).decode
_decode_whole = msgspec.msgpack.Decoder(_DecidedEnvelope).decode


def departure(log: LogSource, tables: Tables, series: Series) -> str | None:
    """Return how the stored rows of `series` depart from what its newest decision leads to, None where they hold.

    A decision of version 1 commits to nothing, so rows whose newest decision is one hold. Costs the series' rows.

    Raises: what reading a damaged row or a damaged log raises.
    """
    try:
        judged = list(decisions.decisions(tables, series))
        if reason := decisions.lost(tables, series, judged[-1].seq if judged else None):
            return reason
        if not judged:
            return f"{series.ticker} without a decision" if prices.is_held(tables, series) else None
        held = prices.held_years(tables, series)
        decision = commitment(log, judged[-1].seq)
        leaves = {year: leaf(bars) for year, bars in held.bars.items()}
        return apart(decision, series, judged, leaves, held.versions())
    except (*UNDECODABLE, ValueError) as error:
        return f"{series.ticker} with a row that is none: {error}"


def apart(
    decision: Commitment | None,
    series: Series,
    judged: Sequence[Decision],
    leaves: Mapping[int, bytes],
    versions: Mapping[tuple[bytes, int], int],
) -> str | None:
    """Return how what is held departs from what the last of `judged` leads to, None where it holds.

    `decision` is that one as the log has it, `leaves` are those of its years, and `versions` how many there are of
    each (seq as in a key, recorded_at).
    """
    if decision is None or Series(decision.ticker, decision.provider) != series:
        return f"{series.ticker} by an event that does not decide on it"
    if decision.after is None:
        return None
    if decision.after != state(series, decision.basis, leaves, corporate_actions.known(judged)):
        return f"{series.ticker} in another state than its decision at seq {judged[-1].seq} leads to"
    if versions != {(seq_key(one.seq), one.recorded_at): one.rows for one in judged if one.rows}:
        return f"{series.ticker} with versions that its decisions did not make"
    return None


def commitment(log: LogSource, seq: int) -> Commitment | None:
    """Return what the event at `seq` commits its series to, None where it is no decision."""
    return commitments(log, [seq]).get(seq)


def commitments(log: LogSource, seqs: Iterable[int]) -> dict[int, Commitment]:
    """Return what those of the events `seqs` commit to that are decisions.

    Raises: what reading a damaged log raises.
    """
    wanted = set(seqs)
    found = {}
    for first, last in _runs(sorted(wanted)):
        for record in log.read(first, last + 1):
            if record.seq in wanted and (one := _decided(record.seq, record.body)) is not None:
                found[int(record.seq)] = one
    return found


def _decided(seq: int, body: bytes) -> Commitment | None:
    try:
        whole = _decode_whole(body)
    except UNDECODABLE:
        whole = None
    if whole is not None and whole.seq == seq:
        return whole.data if current_tag(seq, whole.type) == ValidationCompleted.TAG else None
    # Of another type, or damaged: who reads it step by step says which.
    envelope = decode_envelope(seq, body)
    return _decode(envelope.data) if current_tag(seq, envelope.type) == ValidationCompleted.TAG else None


def _runs(seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of `seqs` between which few events lie."""
    edges = [0, *(place for place, (one, other) in enumerate(pairwise(seqs), 1) if other - one > GAP_EVENTS), len(seqs)]
    return ((seqs[start], seqs[stop - 1]) for start, stop in pairwise(edges) if start < stop)
