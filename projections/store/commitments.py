"""Stored prices and actions of a series held against the state that its newest decision in the log commits to.

A check of each row shows what a flipped bit does. It does not show a row that is missing, doubled or of another day:
the state covers every bar and every action in force, so no stored row has to be believed. What came before them is
held by count: as many versions as each decision made.
"""

from collections.abc import Mapping, Sequence

import msgspec

from ledger.codec import UNDECODABLE, decode_envelope
from ledger.events import ValidationCompleted
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.market.series_state import leaf, state
from ledger.values import Basis, Hash
from projections.fold.event_readers import current_tag
from projections.fold.keys import seq_key
from projections.fold.tables import Tables
from projections.models import corporate_actions, decisions, prices
from projections.models.decisions import Decision


class Commitment(msgspec.Struct, frozen=True):
    """The series that a decision is on, and the state that it leads to: None of a version that commits to none."""

    ticker: str
    provider: str
    basis: Basis
    after: Hash | None = None


_decode = msgspec.msgpack.Decoder(Commitment).decode


def departure(log: LogSource, tables: Tables, series: Series) -> str | None:
    """Return how the stored rows of `series` depart from what its newest decision leads to, None where they hold.

    A decision of version 1 commits to nothing, so rows whose newest decision is one hold. Costs the series' rows.

    Raises: what reading a damaged row or a damaged log raises.
    """
    try:
        judged = list(decisions.decisions(tables, series))
        if not judged:
            return f"{series.ticker} without a decision" if prices.is_held(tables, series) else None
        held = prices.held_years(tables, series)
        return apart(log, series, judged, {year: leaf(bars) for year, bars in held.bars.items()}, held.versions())
    except (*UNDECODABLE, ValueError) as error:
        return f"{series.ticker} with a row that is none: {error}"


def apart(
    log: LogSource,
    series: Series,
    judged: Sequence[Decision],
    leaves: Mapping[int, bytes],
    versions: Mapping[tuple[bytes, int], int],
) -> str | None:
    """Return how what is held departs from what the last of `judged` leads to, None where it holds.

    `leaves` are those of its years, and `versions` how many there are of each (seq as in a key, recorded_at).

    Raises: what reading a damaged row or a damaged log raises.
    """
    decision = commitment(log, judged[-1].seq)
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
    for record in log.read(seq, seq + 1):
        envelope = decode_envelope(record.seq, record.body)
        if current_tag(envelope.seq, envelope.type) == ValidationCompleted.TAG:
            return _decode(envelope.data)
    return None
