"""The rows of the ledger: one struct per fact, whatever it is printed as, in the types of Python. Pure.

Prices are `Decimal` reais, exact, times are aware and UTC. `seq` is always the event that made the row so.
Each field is annotated with its unit; see `projections.api.faces` for what is derived from that.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from ledger.market.asset_class import AssetClass
from ledger.values import ActionKind, Basis, ErrorKind
from projections.models.corporate_actions import ActionCause
from projections.models.log_entry import Status
from projections.models.units import HIDDEN_IN_JSON, Instant, JobId, JobInstant, PerShare, Quantity, Reais
from projections.queries.bar_fields import Cause

Day = date  # the type, in a row that has a field of that name


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """One session; prices in reais. `seq` is the decision that this bar holds since, `learned_at` its time."""

    ticker: str
    date: date
    open: Reais
    high: Reais
    low: Reais
    close: Reais
    volume: int
    provider_adj_close: Reais | None
    provider: str
    # What a split does to older sessions: it divides `split_adjusted` ones, and leaves `as_traded` ones alone.
    basis: Annotated[Basis, HIDDEN_IN_JSON]
    seq: int
    learned_at: Instant


class AdjustedPrice(Price, frozen=True, kw_only=True):
    """One session with its prices adjusted for the dividends and splits since: prices times `factor`, computed here.

    The product is exact, and given as the double nearest to it; None where nobody was asked for actions.
    """

    factor: float | None
    adj_open: float | None
    adj_high: float | None
    adj_low: float | None
    adj_close: float | None


class MarketPrice(Price, frozen=True, kw_only=True):
    """One session with all that the exchange's file says of it beyond the bar; money in `currency`.

    `value` is what was traded, `average` its price a share; `bid` and `ask` are the best ones at the end, null where
    there was none. The rest is how the exchange listed the instrument that day: `market` is its TPMERC, `bdi` its
    CODBDI, `factor` the shares that its file quotes prices for, `distribution` the number of its rights (DISMES).
    `correction` says what corrects a contract's price (INDOPC), `strike_points` is a strike in points.
    """

    average: Reais | None
    bid: Reais | None
    ask: Reais | None
    value: Reais | None
    trades: int | None
    asset_class: AssetClass
    isin: str
    name: str
    specification: str
    market: str
    bdi: str
    currency: str
    factor: int
    distribution: int | None
    strike: Reais | None
    strike_points: Reais | None
    correction: str
    expiry: date | None
    term: int | None


class OptionPrice(MarketPrice, frozen=True, kw_only=True):
    """One session of an option on `underlying`, which closed at `underlying_close` that day, null where not held.

    `weekly` is the week of the month in which it expires, null of a monthly one.
    """

    underlying: str
    kind: Literal["call", "put"]
    weekly: int | None
    underlying_close: Reais | None


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange listed an instrument from the session `since` to the session `until`, at changes only.

    `sessions` were traded under this listing. Of the whole instrument, `first_session` and `last_session` are the ends
    and `sessions_total` is how many it traded in. The other fields are those of a session's row.
    """

    ticker: str
    since: date
    until: date
    sessions: int
    asset_class: AssetClass
    isin: str
    name: str
    specification: str
    market: str
    bdi: str
    currency: str
    factor: int
    distribution: int | None
    strike: Reais | None
    expiry: date | None
    term: int | None
    first_session: date
    last_session: date
    sessions_total: int
    provider: str


class RenameCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker that stopped trading and one that began, which may be one paper under two codes; a person decides.

    `sessions_between` neither traded. `close_ratio` is the first close of `into` by the last one of `ticker`.
    `speaks` counts what speaks for it, at most 4: the same ISIN, the same name, no session between, closes within a
    tenth. `recorded` is what a person recorded that `ticker` goes on as, null where nobody did.
    """

    ticker: str
    into: str
    last_session: date
    first_session: date
    sessions_between: int
    same_isin: bool
    same_name: bool
    close_ratio: float | None
    speaks: int
    isin: str
    into_isin: str
    name: str
    into_name: str
    recorded: str | None
    provider: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session that got another value; prices in reais, volume in shares.

    `first` has no old value and `withdrawn` no new one: their field is the close, which stands for the bar.
    `seq` is the decision that made it, `old_seq` the one that it replaced.
    """

    ticker: str
    date: date
    field: str
    old: Quantity | None
    new: Quantity | None
    change: float | None  # new/old - 1
    cause: Cause
    late: bool  # a first bar of a session that had been asked for in vain
    seq: int
    learned_at: Instant
    old_seq: int | None
    old_learned_at: Instant | None
    provider: str


class DiffRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session that differs; prices in reais, volume in shares.

    A session that only one side has is one row of its close, null on the other side.
    """

    ticker: str
    date: date
    field: str
    old: Quantity | None
    new: Quantity | None
    change: float | None  # new/old - 1
    provider: str


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True):
    """One corporate action: reais a share for a payment, `denominator` old shares into `numerator` new for a split.

    Of a subscription the ratio is new shares to held ones, and `strike` what a new one costs. A `label` of `withdrawn`
    without a size is a person's word that nothing of that kind is on that day.
    `cause` says how it came to be so: told first, or as a correction; `withdrawn` is told no longer.
    """

    ticker: str
    date: date
    kind: ActionKind
    amount: PerShare | None
    numerator: int | None
    denominator: int | None
    cause: ActionCause
    seq: int
    learned_at: Instant
    provider: str
    com_date: Day | None = None
    pay_date: Day | None = None
    isin: str | None = None
    label: str | None = None
    strike: PerShare | None = None


class MissingSession(msgspec.Struct, frozen=True, kw_only=True):
    """One missing session: how many accepted answers over it did not bring it, since when, and when last.

    `ticker` is null for one that no file of the provider covers, of all tickers together.
    `rejected` when the last of them had a row that a rule refused; `behind` when no later session is held.
    `rejected_answers` more were rejected as a whole, the last at `last_rejected_at`.
    """

    ticker: str | None
    date: date
    asked: int
    since: Instant | None
    last_asked_at: Instant | None
    rejected: bool
    rejected_answers: int
    last_rejected_at: Instant | None
    behind: bool
    provider: str


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `retry_after` is seconds; `final` is false where another attempt of the job took its place.

    `accepted`, `rejected` and `flagged` are rows; `seq` is the event's, `recorded_at` when the log took it.
    """

    ticker: str
    job_id: JobId
    started_at: JobInstant
    finished_at: JobInstant
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
    recorded_at: Instant
