"""What an export holds: a row of its files, and the manifest that names them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from ledger.events import ActionKind, Basis, LedgerKind
from projections.api.rows import AdjustedPrice, CorporateAction
from projections.models.corporate_actions import ActionCause

FORMAT = "b3-ledger export 1"
FileFormat = Literal["parquet", "csv"]


class ExportedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """One session, prices in reais; ticker and year are in the names of its folders.

    `adj_...` are the prices times `factor`. The row holds since the event `seq`, learned at `learned_at`.
    """

    date: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    factor: float
    adj_open: float
    adj_high: float
    adj_low: float
    adj_close: float
    provider_adj_close: float | None
    provider: str
    basis: Basis
    seq: int
    learned_at: datetime


class ExportedAction(msgspec.Struct, frozen=True, kw_only=True):
    """One corporate action: reais a share for a payment, `denominator` old shares into `numerator` new for a split."""

    date: date
    kind: ActionKind
    amount: float | None
    numerator: int | None
    denominator: int | None
    cause: ActionCause
    provider: str
    seq: int
    learned_at: datetime


Exported = ExportedPrice | ExportedAction


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an export, by its path from the manifest."""

    path: str
    rows: int
    sha256: str


class ExportedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker of an export, and whose series stands for it; `prices` and `actions` count rows."""

    ticker: str
    provider: str
    basis: Basis
    first: date
    last: date
    prices: int
    actions: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """An export as a whole: what the ledger said once `position` events were read, up to the link `head`."""

    format: str
    file_format: FileFormat
    kind: LedgerKind
    position: int
    head: str
    software: str
    series: list[ExportedSeries]
    files: list[ExportedFile]


def exported_price(price: AdjustedPrice) -> ExportedPrice:
    """Return the row of a session."""
    return ExportedPrice(**_cells(price))


def exported_action(action: CorporateAction) -> ExportedAction:
    """Return the row of an action."""
    return ExportedAction(**_cells(action))


def _cells(row: msgspec.Struct) -> dict[str, Any]:
    cells = msgspec.structs.asdict(row)
    del cells["ticker"]
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in cells.items()}
