"""Stored prices and actions of a series held against the state that its newest decision in the log commits to.

A check of each row shows what a flipped bit does. It does not show a row that is missing, doubled or of another day:
the state covers every bar and every action in force, so no stored row has to be believed. What was in force once is
held in the same way, against the newest decision of then. What came before is held by count, as many versions as each
decision made, until somebody reads it: then against what each decision says in the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ledger.codec import UNDECODABLE
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.market.series_state import array_of, leaf, state
from ledger.values import Action, Bar
from projections.fold.event_readers import raw_length
from projections.fold.keys import DAY_BYTES, SEQ_BYTES, day_key, seq_key
from projections.fold.tables import Past, Tables, encode
from projections.models import corporate_actions, decisions, prices
from projections.models.decisions import Commitment, Decision, LoggedDecision
from projections.models.prices import NIL, HeldYears
from projections.store.logged_decisions import commitments

_decode_bars = msgspec.msgpack.Decoder(tuple[Bar, ...]).decode
_decode_actions = msgspec.msgpack.Decoder(tuple[Action, ...]).decode


def departure(log: LogSource, tables: Tables, series: Series, past: Past | None = None) -> str | None:
    """Return how the stored rows of `series` depart from what its newest decision leads to, None where they hold.

    With a `past`, of rows that hold: how what was in force then departs from the newest decision of then, and from the
    one after it; of any past, how a decision or a version departs from what the log has of it, which reads them all.
    A decision of version 1 commits to nothing, so rows whose newest decision is one hold. Costs the series' rows.

    Raises: what reading a damaged row or a damaged log raises.
    """
    try:
        judged, held = list(decisions.decisions(tables, series)), prices.held_years(tables, series)
        if past is None:
            return _departure(log, tables, series, judged, held)
        if past.position is None:
            return ever_decided(log, series, judged, held)
        return apart_then(log, series, judged, past.position, _leaves(held.until(past.position)))
    except (*UNDECODABLE, ValueError) as error:
        return f"{series.ticker} with a row that is none: {error}"


def _departure(
    log: LogSource, tables: Tables, series: Series, judged: Sequence[Decision], held: HeldYears
) -> str | None:
    if reason := decisions.lost(tables, series, judged[-1].seq if judged else None):
        return reason
    if not judged:
        return f"{series.ticker} without a decision" if held.keys else None
    found = commitments(log, looked_at(judged))
    return apart(found, series, judged, _leaves(held)) or miscounted(series, judged, held.versions())


def ever_decided(
    log: LogSource, series: Series, judged: Sequence[Decision], held: HeldYears | None = None
) -> str | None:
    """Return how one of the decisions on a series, oldest first, departs from what the log has of it; None: none does.

    Where they are given, all versions `held` too depart from what they made. Reads all of them.

    Raises: what reading a damaged log raises.
    """
    found = commitments(log, [one.seq for one in judged])
    reason = changed(found, series, judged) or parted(series, [found[one.seq] for one in judged])
    return reason or (None if held is None else _other_version(found, series, held))


def looked_at(judged: Sequence[Decision]) -> set[int]:
    """Return the seqs of the decisions that `apart` asks the log for: the newest, and the one that reached back most.

    Prices are adjusted from the first day on that somebody was asked about.
    """
    if len(judged) <= 1:
        return {one.seq for one in judged}
    accepted = [one for one in judged if one.accepted]
    furthest = min(accepted, key=lambda one: one.window.start, default=judged[-1])
    return {judged[-1].seq, furthest.seq}


def apart(
    found: Mapping[int, LoggedDecision], series: Series, judged: Sequence[Decision], leaves: Mapping[int, bytes]
) -> str | None:
    """Return how what is held departs from what the last of `judged` leads to, None where it holds.

    `found` has those decisions that are `looked_at`, at least, as the log has them, and `leaves` are those of the
    years held.
    """
    newest = found.get(judged[-1].seq)
    if newest is None or not _decides_on(newest, series):
        return f"{series.ticker} by an event that does not decide on it"
    if newest.data.after is None:
        return None
    if newest.data.after != state(series, newest.data.basis, leaves, corporate_actions.known(judged)):
        return f"{series.ticker} in another state than its decision at seq {judged[-1].seq} leads to"
    asked = looked_at(judged)
    return changed(found, series, [one for one in judged if one.seq in asked or one.seq in found])


def apart_then(
    log: LogSource, series: Series, judged: Sequence[Decision], position: int, leaves: Mapping[int, bytes]
) -> str | None:
    """Return how what was held once `position` events were read departs from what was decided by then; None: nowise.

    `judged` are all decisions on the series, `leaves` are those of the years held then.

    Raises: what reading a damaged log raises.
    """
    then = [one for one in judged if one.seq < position]
    if len(then) == len(judged):
        return None  # that is now
    later = judged[len(then)]
    found = commitments(log, looked_at(then) | {later.seq})
    if reason := changed(found, series, [later]) or (apart(found, series, then, leaves) if then else None):
        return reason
    return parted(series, [found[one.seq] for one in (*then[-1:], later)], first=not then)


def parted(series: Series, logged: Sequence[LoggedDecision], *, first: bool = True) -> str | None:
    """Return where one of these decisions, oldest first, does not find what the one before it led to; None: nowhere.

    `first` where the first of them is the first on the series.
    """
    before = [one.data for one in logged[: len(logged) - 1]]
    for one, other in zip(before, logged[1:], strict=True):
        if None not in {one.after, other.data.before} and one.after != other.data.before:
            return f"{series.ticker} without what was decided before seq {other.seq}"
    if first and logged and logged[0].data.before is not None:
        found = logged[0].data
        if found.before != state(series, found.basis, {}, ()):
            return f"{series.ticker} without what was decided before seq {logged[0].seq}"
    return None


def miscounted(series: Series, judged: Sequence[Decision], versions: Mapping[tuple[bytes, int], int]) -> str | None:
    """Return whether there are other `versions` than the decisions made, by seq as in a key and recorded_at."""
    if versions != {(seq_key(one.seq), one.recorded_at): one.rows for one in judged if one.rows}:
        return f"{series.ticker} with versions that its decisions did not make"
    return None


def changed(found: Mapping[int, LoggedDecision], series: Series, stored: Iterable[Decision]) -> str | None:
    """Return which of the `stored` decisions on the series is not the one in the log, None where each is.

    A decision of version 1 is only seen to be one on the series.
    """
    for one in stored:
        logged = found.get(one.seq)
        if logged is None or not _decides_on(logged, series):
            return f"{series.ticker} by an event that does not decide on it"
        if logged.data.after is not None and _row(logged) != one:
            return f"{series.ticker} with another decision than that at seq {one.seq}"
    return None


def _leaves(held: HeldYears) -> dict[int, bytes]:
    return {year: leaf(bars) for year, bars in held.bars.items()}


def _other_version(found: Mapping[int, LoggedDecision], series: Series, held: HeldYears) -> str | None:
    """Return which decision made other versions than those `held`; as many as each made are."""
    made: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for key, row in zip(held.keys, held.rows, strict=True):
        made[key[-SEQ_BYTES:]].append((key[-SEQ_BYTES - DAY_BYTES : -SEQ_BYTES], bytes(row.bar)))
    for seq, stored in made.items():
        logged = found.get(int.from_bytes(seq, "big"))
        if logged is None or not _made(logged.data, stored):
            return f"{series.ticker} with versions that its decision at seq {int.from_bytes(seq, 'big')} did not make"
    return None


def _made(commits: Commitment, stored: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether these days, each with its bar or nil, are what the decision made."""
    bars = [bar for _, bar in stored if bar != NIL]
    # Mostly the bars lie in the log as they are stored.
    if not commits.withdrawn and array_of(len(bars), b"".join(bars)) == bytes(commits.bars):
        return len(bars) == len(stored)
    want = {day_key(day): NIL for day in commits.withdrawn}
    want |= {day_key(bar.date): encode(bar) for bar in _decode_bars(commits.bars)}
    return dict(stored) == want


def _decides_on(logged: LoggedDecision, series: Series) -> bool:
    return logged.data.ticker == series.ticker and logged.data.provider == series.provider


def _row(logged: LoggedDecision) -> Decision:
    """Return what is stored of a decision of version 2."""
    said = logged.data
    return decisions.decision(logged, said, rows=_rows(said), actions=_decode_actions(said.actions))


def _rows(said: Commitment) -> int:
    if not said.withdrawn:
        return raw_length(said.bars)
    return len({*said.withdrawn, *(bar.date for bar in _decode_bars(said.bars))})
