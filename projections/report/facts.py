"""What a report states, all of it a function of the first events of a log and of two settings. Pure."""

from datetime import date
from typing import Literal

import msgspec

from ledger.audit.flaw import Flaw
from ledger.events import AlertSeverity
from ledger.values import LedgerKind
from projections.api.disputes import DisputedAction
from projections.api.rows import Change, CorporateAction, LogEntry, MissingSession, Price
from projections.models.retirements import Retirement
from projections.queries.metrics_report import TickerReport

ChainVerdict = Literal["intact", "tampered", "forked"]


class ChainChecked(msgspec.Struct, frozen=True, kw_only=True):
    """What re-hashing and reading events [0, position) found; `head` is the link that is stored after the last.

    `flaw` is None where all of it holds; `recorded_at` is the last event's, microseconds UTC.
    """

    verdict: ChainVerdict
    position: int
    head: str  # hex
    recorded_at: int
    flaw: Flaw | None = None


class CustodyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event about the log itself: a backup, a verification, a checkpoint, a restore, an accepted head.

    `size` is how many events it covers, `detail` what it names: a file, a verdict, an origin, a reason.
    """

    seq: int
    recorded_at: int  # microseconds UTC
    type: str
    size: int | None
    detail: str


class AlertFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that was raised, and when it was found to be over (None: not by then); microseconds UTC."""

    seq: int
    metric: str
    ticker: str | None
    severity: AlertSeverity
    reason: str
    raised_at: int
    resolved_at: int | None = None


class TickerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One ticker: how its ingest goes, and the series that is read for it; `provider` None where none is held."""

    ticker: str
    health: TickerReport | None
    provider: str | None = None
    retired: Retirement | None = None
    prices: tuple[Price, ...] = ()
    changes: tuple[Change, ...] = ()
    missing: tuple[MissingSession, ...] = ()
    actions: tuple[CorporateAction, ...] = ()
    doubted: tuple[DisputedAction, ...] = ()


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider's series hold: how many tickers, for how many of them they are read, and which sessions."""

    provider: str
    tickers: int
    read: int
    sessions: int
    first: date
    last: date


class ReportFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the page. Where the chain does not hold there is nothing below it: no fold of it can be believed.

    `custody` (of `custody_count`), `runs` and `failures` are the newest ones, newest last; `newest` the last of each
    type; `alerts` (of `alerts_count`) end with those that are not over. `asked` are the tickers that it is about, none
    for all but `left_out` of those that were brought by hand.
    """

    ledger_id: str  # hex
    kind: LedgerKind
    software: str
    created_at: int  # microseconds UTC
    chain: ChainChecked
    lag_threshold_s: int
    order: tuple[str, ...]
    action_order: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    custody: tuple[CustodyEvent, ...] = ()
    custody_count: int = 0
    newest: dict[str, CustodyEvent] = {}
    alerts: tuple[AlertFacts, ...] = ()
    alerts_count: int = 0
    tickers: tuple[TickerFacts, ...] = ()
    left_out: int = 0
    sources: tuple[SourceFacts, ...] = ()
    runs: tuple[LogEntry, ...] = ()
    failures: tuple[LogEntry, ...] = ()
