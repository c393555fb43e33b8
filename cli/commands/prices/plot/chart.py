"""A ticker's close and volume as a picture, with what happened to them, by matplotlib."""

import math
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any, Literal

import msgspec

from projections.api import extras
from projections.api.rows import AdjustedPrice, Change, CorporateAction, MissingSession, Price

EXTRA = "plot"
PictureFormat = Literal["png", "svg"]

SIZE_INCHES, DPI = (12, 6.75), 120
SETTINGS = {
    "font.size": 10,
    "svg.fonttype": "none",  # text stays text, to be searched and read aloud
    "svg.hashsalt": "b3-ledger",  # names the parts of the picture; a random one would give other bytes every time
}
LINE, BARS, PALE, DARK = "#1f4e79", "#8fa9c2", "#d9d9d9", "#333333"
MANY_ACTIONS = 12  # more would cover each other: they are marked, and not named

# How a revised session is marked: matplotlib's marker, its colour, and the words of the legend.
MARKS: dict[str, tuple[str, str, str]] = {
    "correction": ("o", "#d9730d", "corrected"),
    "withdrawn": ("X", "#b3261e", "withdrawn by the provider"),
    "late": ("D", "#2e7d32", "came late"),
}


class PriceChart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn: sessions by day, and what was revised, is missing, and was paid or split among them."""

    title: str
    provenance: str  # whose prices, and as of when
    prices: Sequence[Price]
    changes: Sequence[Change]
    missing: Sequence[MissingSession]
    actions: Sequence[CorporateAction]

    def revised(self) -> dict[str, list[date]]:
        """Return the days to be marked, by what happened to them: a key of `MARKS`."""
        shown = {price.date for price in self.prices}
        found: dict[str, set[date]] = {name: set() for name in MARKS}
        for change in self.changes:
            name = "late" if change.late else change.cause
            if name in found and change.date in shown:
                found[name].add(change.date)
        return {name: sorted(days) for name, days in found.items()}

    def rescaled(self) -> set[date]:
        """Return the days that a rescale moved: often all of them, so they are counted and not marked."""
        return {change.date for change in self.changes if change.cause == "rescale"}

    def line(self) -> tuple[list[date], list[float]]:
        """Return the days of the line and its closes; at a missing session it is broken by one that is no number."""
        points = {gap.date: math.nan for gap in self.missing}
        points |= self.closes()
        days = sorted(points)
        return days, [points[day] for day in days]

    def closes(self) -> dict[date, float]:
        """Return the close of each session drawn: the adjusted one, where they are adjusted."""
        return {
            one.date: float(one.close) if not isinstance(one, AdjustedPrice) or one.adj_close is None else one.adj_close
            for one in self.prices
        }

    def caption(self) -> str:
        """Return in one line what is drawn."""
        revised = {day for days in self.revised().values() for day in days}
        return (
            f"{len(self.prices)} sessions, {self.prices[0].date} to {self.prices[-1].date}; revised {len(revised)}, "
            f"rescaled {len(self.rescaled())}, missing {len(self.missing)}, actions {len(self.actions)}; "
            f"{self.provenance}"
        )


def render(charts: Sequence[PriceChart], picture: PictureFormat) -> bytes:
    """Return the picture of one chart, or of several side by side on one scale.

    The same charts give the same bytes with the same version of matplotlib.

    Raises: MissingExtraError without matplotlib.
    """
    style: Any = extras.load("matplotlib.style", extra=EXTRA)
    pyplot_free: Any = extras.load("matplotlib.figure", extra=EXTRA)
    # A user's matplotlibrc is ignored, or the same chart would look different elsewhere.
    with style.context(["default", SETTINGS], after_reset=True):
        width, height = SIZE_INCHES
        figure = pyplot_free.Figure(figsize=(width * len(charts), height), dpi=DPI, layout="constrained")
        panels = figure.subplots(
            2, len(charts), sharex=True, sharey="row" if len(charts) > 1 else False, height_ratios=[3, 1], squeeze=False
        )
        for number, chart in enumerate(charts):
            _draw(panels[0][number], panels[1][number], chart)
        figure.suptitle(charts[0].title, x=0.01, ha="left", fontsize=14, fontweight="bold", color=DARK)
        if len(charts) == 1:
            figure.supxlabel(charts[0].caption(), x=0.01, ha="left", fontsize=8, color="#666666")
        else:
            for below, chart in zip(panels[1], charts, strict=True):
                below.set_xlabel(chart.caption(), loc="left", fontsize=8, color="#666666")
        out = BytesIO()
        figure.savefig(out, format=picture, metadata={"Date": None} if picture == "svg" else None)
    return out.getvalue()


def _draw(above: Any, below: Any, chart: PriceChart) -> None:
    days = [price.date for price in chart.prices]
    above.plot(*chart.line(), color=LINE, linewidth=1.3, label="close")
    adjusted = isinstance(chart.prices[0], AdjustedPrice)
    above.set_ylabel("adjusted close, R$" if adjusted else "close, R$")
    # Room for the names of actions above the line.
    above.margins(y=0.12)
    dates: Any = extras.load("matplotlib.dates", extra=EXTRA)
    ticker: Any = extras.load("matplotlib.ticker", extra=EXTRA)
    below.bar(days, [price.volume for price in chart.prices], width=0.9, color=BARS, linewidth=0)
    below.set_ylabel("shares")
    below.yaxis.set_major_formatter(ticker.EngFormatter(sep=""))
    locator = dates.AutoDateLocator(minticks=4, maxticks=10)
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    for number, gap in enumerate(chart.missing):
        label = f"missing ({len(chart.missing)})" if number == 0 else None
        above.axvline(gap.date, color="#b3261e", alpha=0.35, linewidth=2.5, linestyle=":", label=label, zorder=1)
    _draw_revisions(above, chart)
    _draw_actions(above, chart)
    for axes in (above, below):
        axes.grid(axis="y", color=PALE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.02)
    above.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)


def _draw_revisions(axes: Any, chart: PriceChart) -> None:
    closes = chart.closes()
    for name, days in chart.revised().items():
        if days:
            marker, colour, words = MARKS[name]
            axes.scatter(
                days,
                [closes[day] for day in days],
                marker=marker,
                s=52,
                color=colour,
                edgecolors="white",
                linewidths=0.8,
                label=f"{words} ({len(days)})",
                zorder=4,
            )


def _draw_actions(axes: Any, chart: PriceChart) -> None:
    first, last = chart.prices[0].date, chart.prices[-1].date
    for number, action in enumerate(chart.actions):
        axes.axvline(action.date, color=DARK, alpha=0.5, linewidth=0.9, linestyle="--", zorder=2)
        if len(chart.actions) <= MANY_ACTIONS:
            # In the last third of the picture a name would run out of it to the right.
            leftwards = 3 * (action.date - first) > 2 * (last - first)
            axes.annotate(
                action_text(action),
                # Names take turns at two heights, so that neighbours do not cover each other.
                (action.date, 0.99 - 0.06 * (number % 2)),
                xycoords=("data", "axes fraction"),
                xytext=(-4 if leftwards else 4, 0),
                textcoords="offset points",
                ha="right" if leftwards else "left",
                va="top",
                fontsize=9,
                color=DARK,
            )


def action_text(action: CorporateAction) -> str:
    """Return what is written beside an action."""
    kind = action.kind.replace("_", " ")
    if action.amount is not None:
        return f"{kind} R$ {action.amount}"
    return f"{kind} {action.denominator} to {action.numerator}" if action.numerator else kind
