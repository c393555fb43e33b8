"""What an export holds: a row of its files, and the manifest that names them."""

from datetime import date
from typing import Literal

import msgspec

from ledger.values import Basis, LedgerKind
from projections.api.faces import column_type
from projections.api.rows import AdjustedPrice, CorporateAction

FORMAT = "b3-ledger export 3"
FORMATS = (FORMAT, "b3-ledger export 2", "b3-ledger export 1")  # those that may be replaced
CLAIM_FORMAT = "b3-ledger export under way 1"
Tool = Literal["zipline", "qlib", "beancount"]
FileFormat = Literal["parquet", "csv", "zipline", "qlib", "beancount"]
Layout = Literal["year", "ticker", "own"]  # a tool's own


PRICE_COLUMNS = (
    *("date", "open", "high", "low", "close", "volume"),
    *("factor", "adj_open", "adj_high", "adj_low", "adj_close", "provider_adj_close"),
    *("provider", "basis", "seq", "learned_at"),
)
ACTION_COLUMNS = (
    *("date", "kind", "amount", "numerator", "denominator", "cause"),
    *("provider", "seq", "learned_at"),
    *("com_date", "pay_date", "isin", "label", "strike"),
)
ExportedPrice = column_type(
    AdjustedPrice,
    "ExportedPrice",
    ("ticker", *PRICE_COLUMNS),
    """One session, prices in reais; the year, and by `--layout ticker` the ticker too, is in the names of its folders.

    `adj_...` are the prices times `factor`. The row holds since the event `seq`, learned at `learned_at`.
    """,
)
ExportedAction = column_type(
    CorporateAction,
    "ExportedAction",
    ("ticker", *ACTION_COLUMNS),
    """One corporate action: reais a share for a payment, `denominator` old shares into `numerator` new for a split.

    Of a subscription the ratio is new shares to held ones, and `strike` what a new one costs, in reais.
    """,
)


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an export, by its path from the manifest."""

    path: str
    rows: int
    sha256: str


class ExportedSeries(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A ticker of an export, and whose series stands for it; `prices` and `actions` count rows.

    `adjusted_since` is the first session with an adjusted price, null where none has one.
    """

    ticker: str
    provider: str
    basis: Basis
    first: date
    last: date
    prices: int
    actions: int
    adjusted_since: date | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """An export as a whole: what the ledger said once `position` events were read, up to the link `head`."""

    format: str
    file_format: FileFormat
    layout: Layout = "ticker"  # the only one of format 1
    kind: LedgerKind
    position: int
    head: str
    software: str
    series: list[ExportedSeries]
    files: list[ExportedFile]


class ExportClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a place for the manifest while the `run` writes there: the `names` of all that may be there.

    `doubts` counts how often another run wrote there meanwhile, so that all has to be looked at again.
    """

    format: str
    run: str
    names: list[str]
    doubts: int = 0


class DeltaRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a run added to a Delta table: the revisions by events [since, position), as its `version`."""

    table: str
    version: int
    since: int
    position: int
    rows: int
    head: str
