"""A session's prices as they are printed, raw and adjusted side by side."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from cli.render import money, times
from ledger.events import Bar
from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from ledger.market.price import price_text
from ledger.market.series import Series
from projections.models.prices import Version

if TYPE_CHECKING:
    from fractions import Fraction

CSV_HEADER = ("date", "open", "high", "low", "close", "volume")
ADJUSTED_CSV_HEADER = (
    *CSV_HEADER,
    "factor",
    "adj_open",
    "adj_high",
    "adj_low",
    "adj_close",
    "provider_adj_close",
)


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session; prices in reais. `seq` is the decision that this bar holds since, `learned_at` its time."""

    ticker: str
    date: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    provider_adj_close: float | None
    provider: str
    seq: int
    learned_at: str


class AdjustedPriceRow(PriceRow, frozen=True, kw_only=True):
    """One session with its prices adjusted here; `adj_difference` is ours less the provider's, in reais."""

    factor: float
    adj_open: float
    adj_high: float
    adj_low: float
    adj_close: float
    adj_difference: float | None
    adj_agrees: bool | None  # within 1 in 10,000 of the provider's; None where it has none


def rows(series: Series, held: Mapping[date, Version]) -> Iterator[PriceRow]:
    """Yield a row for each session held, in their order."""
    for version, bar in _bars(held):
        yield PriceRow(**_raw(series, version, bar))


def adjusted_rows(
    series: Series, held: Mapping[date, Version], factors: "Mapping[date, Fraction]"
) -> Iterator[AdjustedPriceRow]:
    """Yield a row for each session held, with its prices times its factor."""
    for version, bar in _bars(held):
        yield AdjustedPriceRow(**_raw(series, version, bar), **_adjusted(bar, factors[bar.date]))


def csv_row(row: PriceRow, held: Mapping[date, Version]) -> tuple[object, ...]:
    """Return the cells of a row: those of the snapshot, then what is adjusted."""
    bar = held[row.date].bar
    assert bar is not None  # noqa: S101 - the row was made of it
    raw = (row.date.isoformat(), *(price_text(price) for price in (bar.open, bar.high, bar.low, bar.close)), bar.volume)
    if not isinstance(row, AdjustedPriceRow):
        return raw
    theirs = None if bar.adj_close is None else price_text(bar.adj_close)
    return (*raw, row.factor, row.adj_open, row.adj_high, row.adj_low, row.adj_close, theirs)


def text(row: PriceRow) -> str:
    """Return the row as a person reads it."""
    prices = (row.open, row.high, row.low, row.close)
    line = "  ".join([row.date.isoformat(), *(f"{price:>10.2f}" for price in prices), f"{row.volume:>13}"])
    if not isinstance(row, AdjustedPriceRow):
        return line
    theirs = "-" if row.provider_adj_close is None else f"{row.provider_adj_close:.6f}"
    doubt = "  differs" if row.adj_agrees is False else ""
    return f"{line}  {row.factor:.8f}  {row.adj_close:>12.6f}  {theirs:>12}{doubt}"


def heading(*, adjusted: bool) -> str:
    """Return the names over the columns of `text`."""
    names = [f"{'date':<10}", *(f"{name:>10}" for name in ("open", "high", "low", "close")), f"{'volume':>13}"]
    return "  ".join([*names, f"{'factor':>10}", f"{'adj_close':>12}", f"{'provider':>12}"] if adjusted else names)


def disagreement(rows: Iterable[PriceRow]) -> str | None:
    """Return how many adjusted closes differ from the provider's and which one most, None when it has none."""
    compared = [row for row in rows if isinstance(row, AdjustedPriceRow) and row.provider_adj_close is not None]
    if not compared:
        return None
    differing = [row for row in compared if not row.adj_agrees]
    words = (
        f"{len(differing)} of {len(compared)} adjusted closes differ from {compared[0].provider}'s "
        f"by more than {SCALE_TOLERANCE:.2%}"
    )
    if not differing:
        return words
    worst = max(differing, key=_relative_difference)
    return f"{words}; worst {worst.date}: {worst.adj_close:.6f} against {worst.provider_adj_close:.6f}"


def _relative_difference(row: AdjustedPriceRow) -> float:
    return abs(row.adj_difference or 0.0) / row.adj_close


def _bars(held: Mapping[date, Version]) -> Iterator[tuple[Version, Bar]]:
    for version in held.values():
        if version.bar is not None:
            yield version, version.bar


def _raw(series: Series, version: Version, bar: Bar) -> dict[str, Any]:
    return {
        "ticker": series.ticker,
        "date": bar.date,
        "open": money.number(bar.open),
        "high": money.number(bar.high),
        "low": money.number(bar.low),
        "close": money.number(bar.close),
        "volume": bar.volume,
        "provider_adj_close": money.maybe(bar.adj_close),
        "provider": series.provider,
        "seq": version.seq,
        "learned_at": times.exact(version.recorded_at),
    }


def _adjusted(bar: Bar, factor: "Fraction") -> dict[str, Any]:
    # Imported here: fractions cost as much as the rest of this command together.
    from projections.queries.adjusted import adjusted

    close, theirs = adjusted(bar.close, factor), money.maybe(bar.adj_close)
    difference = None if theirs is None else close - theirs
    return {
        "factor": float(factor),
        "adj_open": adjusted(bar.open, factor),
        "adj_high": adjusted(bar.high, factor),
        "adj_low": adjusted(bar.low, factor),
        "adj_close": close,
        "adj_difference": difference,
        "adj_agrees": None if difference is None else abs(difference) <= SCALE_TOLERANCE * close,
    }
