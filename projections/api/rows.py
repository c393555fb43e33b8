"""What a notebook gets: rows in the types of Python, made of what projections tell. Pure.

Prices are `Decimal` reais, exact, times are aware and UTC. `seq` is always the event that made the row so.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from ledger import ids
from ledger.events import Action, ActionKind, Bar, Basis, ErrorKind
from ledger.market.price import price_text
from ledger.market.series import Series
from projections.models.corporate_actions import ActionCause, ActionChange
from projections.models.log_entry import Entry, Status
from projections.models.prices import Version
from projections.queries import adjusted, bar_fields
from projections.queries.gaps import Gap
from projections.queries.revisions import Cause, Revision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = ("started_at", "finished_at", "recorded_at")


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a ticker; `volume` in shares. It holds since `seq`, learned at `learned_at`.

    `basis` says what a split does to older sessions: `split_adjusted` ones are divided by it, `as_traded` ones not.
    """

    ticker: str
    date: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    provider_adj_close: Decimal | None
    provider: str
    basis: Basis
    seq: int
    learned_at: datetime


class AdjustedPrice(Price, frozen=True, kw_only=True):
    """One session beside what it is worth after the dividends and splits since: prices times `factor`, worked out here.

    The product is exact, and given as the double nearest to it.
    """

    factor: float
    adj_open: float
    adj_high: float
    adj_low: float
    adj_close: float


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session that got another value; `change` is new/old - 1. A volume is in shares.

    `first` has no old value and `withdrawn` no new one: their field is the close, which stands for the bar.
    `late` marks a first bar of a session that had been asked for in vain.
    """

    ticker: str
    date: date
    field: str
    old: Decimal | None
    new: Decimal | None
    change: float | None
    cause: Cause
    late: bool
    seq: int
    learned_at: datetime
    old_seq: int | None
    old_learned_at: datetime | None
    provider: str


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True):
    """One corporate action: reais a share for a payment, `denominator` old shares into `numerator` new for a split."""

    ticker: str
    date: date
    kind: ActionKind
    amount: Decimal | None
    numerator: int | None
    denominator: int | None
    cause: ActionCause
    seq: int
    learned_at: datetime
    provider: str


class MissingSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session that ought to be held: `asked` accepted answers did not bring it, the first at `since`.

    `rejected` when the last of them had a row that a rule refused; `behind` when no later session is held.
    `rejected_answers` more were rejected as a whole, the last at `last_rejected_at`.
    """

    ticker: str
    date: date
    asked: int
    since: datetime | None
    last_asked_at: datetime | None
    rejected: bool
    rejected_answers: int
    last_rejected_at: datetime | None
    behind: bool
    provider: str


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to ingest. `retry_after` is seconds; `final` is false where another attempt took its place.

    `accepted`, `rejected` and `flagged` are rows.
    """

    ticker: str
    job_id: str
    started_at: datetime
    finished_at: datetime
    rows_fetched: int
    status: Status
    error_message: str | None
    duration_ms: int
    provider: str
    attempt: int
    retry_after: int | None
    final: bool
    error_kind: ErrorKind | None
    status_code: int | None
    accepted: int
    rejected: int
    flagged: int
    superseded: bool
    seq: int
    recorded_at: datetime


def price(series: Series, basis: Basis, version: Version, bar: Bar) -> Price:
    """Return the row of a bar that `version` made."""
    return Price(**_held(series, basis, version, bar))


def adjusted_price(series: Series, basis: Basis, version: Version, bar: Bar, factor: Fraction) -> AdjustedPrice:
    """Return the row of a bar that `version` made, beside its prices times `factor`."""
    return AdjustedPrice(
        **_held(series, basis, version, bar),
        factor=float(factor),
        adj_open=adjusted.adjusted(bar.open, factor),
        adj_high=adjusted.adjusted(bar.high, factor),
        adj_low=adjusted.adjusted(bar.low, factor),
        adj_close=adjusted.adjusted(bar.close, factor),
    )


def change(series: Series, one: Revision) -> Change:
    """Return the row of a revision."""
    value = _shares if one.field == bar_fields.VOLUME else _maybe_reais
    return Change(
        ticker=series.ticker,
        date=one.date,
        field=one.field,
        old=value(one.old),
        new=value(one.new),
        change=one.change,
        cause=one.cause,
        late=one.late,
        seq=one.seq,
        learned_at=_moment(one.recorded_at),
        old_seq=one.old_seq,
        old_learned_at=_maybe_moment(one.old_recorded_at),
        provider=series.provider,
    )


def actions(series: Series, told: ActionChange) -> Iterator[CorporateAction]:
    """Yield the row of each action that holds since `told`."""
    for action in told.new:
        yield _action(series, told, action)


def missing(series: Series, gap: Gap) -> MissingSession:
    """Return the row of a gap."""
    return MissingSession(
        ticker=series.ticker,
        date=gap.date,
        asked=gap.asked,
        since=_maybe_moment(gap.since),
        last_asked_at=_maybe_moment(gap.last_asked),
        rejected=gap.rejected,
        rejected_answers=gap.rejected_answers,
        last_rejected_at=_maybe_moment(gap.last_rejected),
        behind=gap.behind,
        provider=series.provider,
    )


def log_entry(entry: Entry) -> LogEntry:
    """Return the row of an ingest log entry."""
    fields = msgspec.structs.asdict(entry)
    times = {name: _moment(fields[name]) for name in _TIMES}
    return LogEntry(**{**fields, **times, "job_id": ids.text(entry.job_id)})


def _held(series: Series, basis: Basis, version: Version, bar: Bar) -> dict[str, Any]:
    return {
        "ticker": series.ticker,
        "date": bar.date,
        "open": _reais(bar.open),
        "high": _reais(bar.high),
        "low": _reais(bar.low),
        "close": _reais(bar.close),
        "volume": bar.volume,
        "provider_adj_close": _maybe_reais(bar.adj_close),
        "provider": series.provider,
        "basis": basis,
        "seq": version.seq,
        "learned_at": _moment(version.recorded_at),
    }


def _action(series: Series, told: ActionChange, action: Action) -> CorporateAction:
    is_split = action.kind == "split"
    return CorporateAction(
        ticker=series.ticker,
        date=action.date,
        kind=action.kind,
        amount=None if is_split else _reais(action.amount),
        numerator=action.numerator if is_split else None,
        denominator=action.denominator if is_split else None,
        cause=told.cause,
        seq=told.seq,
        learned_at=_moment(told.recorded_at),
        provider=series.provider,
    )


def _reais(micros: int) -> Decimal:
    # By way of its text: 37.50, as in a snapshot, and not 37.500000.
    return Decimal(price_text(micros))


def _maybe_reais(micros: int | None) -> Decimal | None:
    return None if micros is None else _reais(micros)


def _shares(count: int | None) -> Decimal | None:
    return None if count is None else Decimal(count)


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _maybe_moment(at_us: int | None) -> datetime | None:
    return None if at_us is None else _moment(at_us)
