"""A session's prices as they are printed, raw and adjusted side by side."""

from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from cli.render.renderers import Layout
from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from projections.api.rows import AdjustedPrice, Price

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


class ComparedPrice(AdjustedPrice, frozen=True, kw_only=True):
    """One session with its prices adjusted here; `adj_difference` is ours less the provider's, in reais."""

    adj_difference: float | None
    adj_agrees: bool | None  # within 1 in 10,000 of the provider's; None where it has none


def compared(price: AdjustedPrice) -> ComparedPrice:
    """Return the session with its adjusted close compared with the provider's own."""
    theirs = price.provider_adj_close
    difference = None if theirs is None else price.adj_close - float(theirs)
    return ComparedPrice(
        **msgspec.structs.asdict(price),
        adj_difference=difference,
        adj_agrees=None if difference is None else abs(difference) <= SCALE_TOLERANCE * price.adj_close,
    )


def csv_lines(row: Price) -> Iterator[tuple[object, ...]]:
    """Yield the cells of a row: those of the snapshot, then what is adjusted."""
    raw = (row.date.isoformat(), row.open, row.high, row.low, row.close, row.volume)
    if isinstance(row, AdjustedPrice):
        adjusted = (row.adj_open, row.adj_high, row.adj_low, row.adj_close)
        yield (*raw, row.factor, *adjusted, row.provider_adj_close)
    else:
        yield raw


def text(row: Price) -> str:
    """Return the row as a person reads it."""
    prices = "  ".join(f"{float(price):>10.2f}" for price in (row.open, row.high, row.low, row.close))
    line = f"{row.date.isoformat()}  {prices}  {row.volume:>13}"
    if not isinstance(row, ComparedPrice):
        return line
    theirs = "-" if row.provider_adj_close is None else f"{float(row.provider_adj_close):.6f}"
    doubt = "  differs" if row.adj_agrees is False else ""
    return f"{line}  {row.factor:.8f}  {row.adj_close:>12.6f}  {theirs:>12}{doubt}"


LAYOUT: Layout[Price] = Layout(
    lines=partial(map, text),
    csv_header=CSV_HEADER,
    csv_lines=csv_lines,
    columns=Price,
)
ADJUSTED_LAYOUT: Layout[Price] = msgspec.structs.replace(LAYOUT, csv_header=ADJUSTED_CSV_HEADER, columns=ComparedPrice)


def heading(*, adjusted: bool) -> str:
    """Return the names over the columns of `text`."""
    names = [f"{'date':<10}", *(f"{name:>10}" for name in ("open", "high", "low", "close")), f"{'volume':>13}"]
    return "  ".join([*names, f"{'factor':>10}", f"{'adj_close':>12}", f"{'provider':>12}"] if adjusted else names)


def disagreement(rows: Iterable[Price]) -> str | None:
    """Return how many adjusted closes differ from the provider's and which one most, None when it has none."""
    comparable = [row for row in rows if isinstance(row, ComparedPrice) and row.provider_adj_close is not None]
    if not comparable:
        return None
    differing = [row for row in comparable if not row.adj_agrees]
    words = (
        f"{len(differing)} of {len(comparable)} adjusted closes differ from {comparable[0].provider}'s "
        f"by more than {SCALE_TOLERANCE:.2%}"
    )
    if not differing:
        return words
    worst = max(differing, key=lambda row: abs(row.adj_difference or 0.0) / row.adj_close)
    return f"{words}; worst {worst.date}: {worst.adj_close:.6f} against {float(worst.provider_adj_close or 0):.6f}"
