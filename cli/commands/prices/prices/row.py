"""A session's prices as they are printed, raw and adjusted side by side."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import add
from typing import Any

from cli.render.escaping import escaped
from cli.render.renderers import Layout
from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from projections.api.faces import json_column, python_column, row_type_of, with_columns
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


def compared(prices: Sequence[AdjustedPrice], *, for_all: bool = True) -> Sequence[ComparedPrice]:
    """Return the sessions, oldest first, each adjusted close compared with the provider's own.

    The provider's is adjusted for all actions: with others than those `for_all` there is nothing to compare.
    """
    ours, theirs, ratios = _ratios(prices)
    level = next((ratio for ratio in reversed(ratios) if ratio is not None), 1.0)
    return with_columns(
        prices,
        ComparedPrice,
        {
            "adj_difference": [
                None if one is None or other is None or not for_all else one - other
                for one, other in zip(ours, theirs, strict=True)
            ],
            "adj_agrees": [
                None if ratio is None or not for_all else abs(ratio / level - 1) <= SCALE_TOLERANCE for ratio in ratios
            ],
        },
    )


def _ratios(
    prices: Sequence[AdjustedPrice],
) -> tuple[Sequence[float | None], Sequence[float | None], list[float | None]]:
    """Return our adjusted closes, the provider's, and these as multiples of ours: None where none is to be compared."""
    ours, theirs = python_column(prices, "adj_close"), json_column(prices, "provider_adj_close")
    return ours, theirs, [other / one if one and other else None for one, other in zip(ours, theirs, strict=True)]


def csv_cells(rows: Sequence[Price], names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Return the cells of each row: those of the snapshot, then what is adjusted, or what the exchange's file says."""
    return zip(*(python_column(rows, name) for name in names), strict=True)


def lines(given: Iterable[Price]) -> Iterator[str]:
    """Return the rows as a person reads them, made column by column."""
    rows = given if isinstance(given, Sequence) else list(given)
    if not rows:
        return iter(())
    shown = list(texts(rows).values())
    if issubclass(row_type_of(rows), ComparedPrice):
        *shown, theirs, doubts = shown
        shown.append(map(add, theirs, doubts))
    return map("  ".join, zip(*shown, strict=True))


def texts(rows: Sequence[Price]) -> dict[str, Iterable[str]]:
    """Return what a person reads of the rows, by the name of the column; numbers are as wide as their column is."""
    shown: dict[str, Iterable[str]] = {
        "date": [day.isoformat() for day in python_column(rows, "date")],
        **{name: _aligned(json_column(rows, name), ">10.2f") for name in ("open", "high", "low", "close")},
        "volume": _aligned(python_column(rows, "volume"), ">13"),
    }
    kind = row_type_of(rows)
    if issubclass(kind, MarketPrice):
        shown |= {
            name: _aligned(python_column(rows, name), form, as_text=True)
            for name, form in (("average", ">10"), ("bid", ">10"), ("ask", ">10"), ("value", ">17"), ("trades", ">7"))
        }
        shown["specification"] = map(escaped, python_column(rows, "specification"))
    if issubclass(kind, ComparedPrice):
        shown |= {
            "factor": _aligned(python_column(rows, "factor"), ">10.8f"),
            "adj_close": _aligned(python_column(rows, "adj_close"), ">12.6f"),
            "provider": _aligned(json_column(rows, "provider_adj_close"), ">12.6f"),
            "verdict": ["  differs" if agrees is False else "" for agrees in python_column(rows, "adj_agrees")],
        }
    return shown


def _aligned(values: Sequence[Any], form: str, *, as_text: bool = False) -> list[str]:
    """Return each value in the format `form`, or its text; a dash as wide for None. Each of them is written once."""
    width = form.partition(".")[0]
    texts = {value: format(str(value) if as_text else value, form) for value in set(values) if value is not None}
    nothing = f"{'-':{width}}"
    return [texts.get(value, nothing) for value in values]


def _layout(row_type: type[Price], header: Sequence[str]) -> Layout[Price]:
    return Layout(
        lines=lines, whole=True, csv_header=header, csv_cells=partial(csv_cells, names=header), columns=row_type
    )


LAYOUT = _layout(Price, CSV_HEADER)
ADJUSTED_LAYOUT = _layout(ComparedPrice, ADJUSTED_CSV_HEADER)
FIELDS_LAYOUT = _layout(MarketPrice, FIELDS_CSV_HEADER)


def heading(*, adjusted: bool, fields: bool) -> str:
    """Return the names over the columns of `text`."""
    names = [f"{'date':<10}", *(f"{name:>10}" for name in ("open", "high", "low", "close")), f"{'volume':>13}"]
    if fields:
        names += [f"{name:>10}" for name in ("average", "bid", "ask")]
        return "  ".join([*names, f"{'value':>17}", f"{'trades':>7}", "specification"])
    return "  ".join([*names, f"{'factor':>10}", f"{'adj_close':>12}", f"{'provider':>12}"] if adjusted else names)


def disagreement(rows: Sequence[AdjustedPrice]) -> str | None:
    """Return how many adjusted closes differ from the provider's and which one most, None when it has none."""
    ours, theirs, ratios = _ratios(rows)
    days, agrees = python_column(rows, "date"), python_column(rows, "adj_agrees")
    comparable = [(ratio, place) for place, ratio in enumerate(ratios) if ratio is not None]
    if not comparable:
        return None
    level, _ = comparable[-1]
    differing = [(ratio, place) for ratio, place in comparable if not agrees[place]]
    words = (
        f"{len(differing)} of {len(comparable)} adjusted closes differ from "
        f"{rows[comparable[0][1]].provider}'s by more than {SCALE_TOLERANCE:.2%}"
    )
    if abs(level - 1) > SCALE_TOLERANCE:
        words += f", all of which are {level:.6f} times ours, for what came after"
    if not differing:
        return words
    _, worst = max(differing, key=lambda one: abs(one[0] / level - 1))
    return f"{words}; worst {days[worst]}: {ours[worst]:.6f} against {theirs[worst] or 0:.6f}"
