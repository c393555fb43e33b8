"""A session's prices as they are printed, raw and adjusted side by side."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import msgspec

from cli.render.renderers import Layout
from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from projections.api.rows import AdjustedPrice, MarketPrice, Price

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
FIELDS_CSV_HEADER = (
    *CSV_HEADER,
    *("average", "bid", "ask", "value", "trades", "asset_class", "isin", "name", "specification", "market", "bdi"),
    *("currency", "factor", "distribution", "strike", "strike_points", "correction", "expiry", "term"),
)


class ComparedPrice(AdjustedPrice, frozen=True, kw_only=True):
    """One session with its prices adjusted here; `adj_difference` is ours less the provider's, in reais.

    Closes agree where their ratio is the newest session's, within 1 in 10,000: a provider may adjust for what it paid
    after the last session that it was asked for, and then all of them are on another level.
    """

    adj_difference: float | None
    adj_agrees: bool | None  # None where the provider has none, or no action is known


def compared(prices: Sequence[AdjustedPrice], *, for_all: bool = True) -> list[ComparedPrice]:
    """Return the sessions, oldest first, each adjusted close compared with the provider's own.

    The provider's is adjusted for all actions: with others than those `for_all` there is nothing to compare.
    """
    level = next((ratio for price in reversed(prices) if (ratio := _ratio(price)) is not None), 1.0)
    rows = []
    for price in prices:
        ours, theirs, ratio = price.adj_close, price.provider_adj_close, _ratio(price) if for_all else None
        rows.append(
            ComparedPrice(
                **msgspec.structs.asdict(price),
                adj_difference=None if ours is None or theirs is None or not for_all else ours - float(theirs),
                adj_agrees=None if ratio is None else abs(ratio / level - 1) <= SCALE_TOLERANCE,
            )
        )
    return rows


def _ratio(price: AdjustedPrice) -> float | None:
    """Return the provider's adjusted close as a multiple of ours, None where there is none to compare."""
    if not price.adj_close or not price.provider_adj_close:
        return None
    return float(price.provider_adj_close) / price.adj_close


def csv_lines(row: Price) -> Iterator[tuple[object, ...]]:
    """Yield the cells of a row: those of the snapshot, then what is adjusted."""
    raw = (row.date.isoformat(), row.open, row.high, row.low, row.close, row.volume)
    if isinstance(row, AdjustedPrice):
        adjusted = (row.adj_open, row.adj_high, row.adj_low, row.adj_close)
        yield (*raw, row.factor, *adjusted, row.provider_adj_close)
    elif isinstance(row, MarketPrice):
        yield (*raw, *(getattr(row, name) for name in FIELDS_CSV_HEADER[len(CSV_HEADER) :]))
    else:
        yield raw


def text(row: Price) -> str:
    """Return the row as a person reads it."""
    prices = "  ".join([f"{float(price):>10.2f}" for price in (row.open, row.high, row.low, row.close)])
    line = f"{row.date.isoformat()}  {prices}  {row.volume:>13}"
    if isinstance(row, MarketPrice):
        quoted = ("-" if price is None else str(price) for price in (row.average, row.bid, row.ask))
        shown = "  ".join(f"{price:>10}" for price in quoted)
        traded = f"{'-' if row.value is None else row.value!s:>17}  {'-' if row.trades is None else row.trades:>7}"
        return f"{line}  {shown}  {traded}  {row.specification}"
    if not isinstance(row, ComparedPrice):
        return line
    theirs = "-" if row.provider_adj_close is None else f"{float(row.provider_adj_close):.6f}"
    factor = "-" if row.factor is None else f"{row.factor:.8f}"
    ours = "-" if row.adj_close is None else f"{row.adj_close:.6f}"
    doubt = "  differs" if row.adj_agrees is False else ""
    return f"{line}  {factor:>10}  {ours:>12}  {theirs:>12}{doubt}"


LAYOUT: Layout[Price] = Layout(
    lines=partial(map, text),
    csv_header=CSV_HEADER,
    csv_lines=csv_lines,
    columns=Price,
)
ADJUSTED_LAYOUT: Layout[Price] = msgspec.structs.replace(LAYOUT, csv_header=ADJUSTED_CSV_HEADER, columns=ComparedPrice)
FIELDS_LAYOUT: Layout[Price] = msgspec.structs.replace(LAYOUT, csv_header=FIELDS_CSV_HEADER, columns=MarketPrice)


def heading(*, adjusted: bool, fields: bool) -> str:
    """Return the names over the columns of `text`."""
    names = [f"{'date':<10}", *(f"{name:>10}" for name in ("open", "high", "low", "close")), f"{'volume':>13}"]
    if fields:
        names += [f"{name:>10}" for name in ("average", "bid", "ask")]
        return "  ".join([*names, f"{'value':>17}", f"{'trades':>7}", "specification"])
    return "  ".join([*names, f"{'factor':>10}", f"{'adj_close':>12}", f"{'provider':>12}"] if adjusted else names)


def disagreement(rows: Iterable[Price]) -> str | None:
    """Return how many adjusted closes differ from the provider's and which one most, None when it has none."""
    comparable = [(row, ratio) for row in rows if isinstance(row, ComparedPrice) and (ratio := _ratio(row)) is not None]
    if not comparable:
        return None
    level = comparable[-1][1]
    differing = [(row, ratio) for row, ratio in comparable if not row.adj_agrees]
    words = (
        f"{len(differing)} of {len(comparable)} adjusted closes differ from {comparable[0][0].provider}'s "
        f"by more than {SCALE_TOLERANCE:.2%}"
    )
    if abs(level - 1) > SCALE_TOLERANCE:
        words += f", all of which are {level:.6f} times ours, for what came after"
    if not differing:
        return words
    worst, _ = max(differing, key=lambda one: abs(one[1] / level - 1))
    return f"{words}; worst {worst.date}: {worst.adj_close:.6f} against {float(worst.provider_adj_close or 0):.6f}"
