"""The shapes in Yahoo's chart answer. Pure.

Source: the answer of `v8/finance/chart/{symbol}?interval=1d`.
"""

from datetime import date

import msgspec


class ChartRow(msgspec.Struct, frozen=True, array_like=True):
    """One row as Yahoo sent it: None where Yahoo had null, float32 widened to float64."""

    date: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adj_close: float | None
    volume: float | int | None


class ChartMeta(msgspec.Struct, frozen=True, rename="camel"):
    """How an answer identifies the series it holds."""

    symbol: str | None = None
    currency: str | None = None
    exchange_name: str | None = None
    exchange_timezone_name: str | None = None
    gmtoffset: int | None = None
    data_granularity: str | None = None
    first_trade_date: int | None = None


NO_EVENTS = msgspec.Raw(b"{}")


class ChartEvents(msgspec.Struct, frozen=True, rename="camel"):
    """The corporate actions of an answer by kind: each a map by timestamp written out, or of any other shape."""

    dividends: msgspec.Raw = NO_EVENTS
    splits: msgspec.Raw = NO_EVENTS
    capital_gains: msgspec.Raw = NO_EVENTS


class Payment(msgspec.Struct, frozen=True):
    """A payment per share; capital gains have the same shape."""

    amount: float
    currency: str | None = None


class Split(msgspec.Struct, frozen=True):
    """`denominator` old shares became `numerator` new ones."""

    numerator: int | float
    denominator: int | float


class Dated(msgspec.Struct, frozen=True):
    """When an action was stamped."""

    date: int | None = None


Prices = tuple[float | None, ...]


class ChartQuote(msgspec.Struct, frozen=True):
    """The columns of an answer, each as long as its timestamps."""

    open: Prices | None = None
    high: Prices | None = None
    low: Prices | None = None
    close: Prices | None = None
    volume: tuple[float | int | None, ...] | None = None


class AdjustedCloses(msgspec.Struct, frozen=True):
    """The column of adjusted closes; absent for some indices."""

    adjclose: Prices | None = None


class Indicators(msgspec.Struct, frozen=True):
    """Lists of one, by Yahoo's habit."""

    quote: tuple[ChartQuote, ...] = ()
    adjclose: tuple[AdjustedCloses, ...] = ()


class ChartSeries(msgspec.Struct, frozen=True):
    """One symbol's answer."""

    meta: ChartMeta = ChartMeta()
    timestamp: tuple[int, ...] = ()
    indicators: Indicators = Indicators()
    events: msgspec.Raw = NO_EVENTS


class ChartComplaint(msgspec.Struct, frozen=True):
    """Yahoo's own words for what went wrong."""

    code: str | None = None
    description: str | None = None


class ChartResult(msgspec.Struct, frozen=True):
    """Either a list of one series, or a complaint."""

    result: tuple[ChartSeries, ...] | None = None
    error: ChartComplaint | None = None


class AnswerBody(msgspec.Struct, frozen=True):
    """The whole answer of the chart format."""

    chart: ChartResult


class RefusalBody(msgspec.Struct, frozen=True):
    """The whole answer of Yahoo's front door, which complains under another name."""

    finance: ChartResult
