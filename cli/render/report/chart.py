"""The close of one ticker as a picture, with what was revised, is missing, was paid or split. Pure.

Drawn on whole units of a fixed canvas: each column keeps its lowest and its highest close, so the picture of any
number of sessions has a bounded size and no extreme is lost. Of marks that would cover each other one is drawn; the
description and the legend have the counts.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise

import msgspec

from cli.render.report.markup import Html, element, joined
from cli.render.report.words import Phrases
from projections.api.rows import Change, CorporateAction, Price
from projections.report.facts import TickerFacts

WIDTH, HEIGHT = 1_200, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 1_190, 50, 366  # of the plot; left of it are prices, below it days
COLUMN, MARK_COLUMN = 3, 6
GRID_LINES = 4
DAY_NAMES = 5
SPLIT_NAMES = 6
ARM = 8  # of a mark
CLOSE = "close"

MARKS = {"correction": "●", "withdrawn": "✕", "late": "◆", "missing": "╵", "split": "┊", "paid": "╷"}


class Point(msgspec.Struct, frozen=True):
    """A place on the canvas."""

    x: int
    y: int


class Revised(msgspec.Struct, frozen=True, kw_only=True):
    """The days among the sessions drawn to which each thing happened; `was` are closes before their correction."""

    correction: tuple[date, ...]
    withdrawn: tuple[date, ...]
    late: tuple[date, ...]
    rescaled: int
    was: dict[date, Decimal]


class Scale:
    """Where days and prices lie on the canvas."""

    def __init__(self, first: date, last: date, low: Decimal, high: Decimal) -> None:
        self.first, self.last = first, last
        room = (high - low) * Decimal("0.04") or high * Decimal("0.01") or Decimal(1)
        self.low, self.high = low - room, high + room

    def x(self, day: date) -> int:
        """Return the column of a day."""
        span = (self.last - self.first).days or 1
        return LEFT + round((RIGHT - LEFT) * (day - self.first).days / span)

    def y(self, price: Decimal) -> int:
        """Return the height of a price, one beyond the canvas at its edge."""
        share = (price - self.low) / (self.high - self.low)
        return min(max(BOTTOM - round((BOTTOM - TOP) * share), TOP), BOTTOM)


def revised(one: TickerFacts) -> Revised:
    """Return what happened to the sessions that `one` holds."""
    held = {price.date for price in one.prices}
    changes = [change for change in one.changes if change.date in held]
    return Revised(
        correction=_days(change for change in changes if change.cause == "correction"),
        withdrawn=_days(change for change in changes if change.cause == "withdrawn"),
        late=_days(change for change in changes if change.late),
        rescaled=len({change.date for change in changes if change.cause == "rescale"}),
        was=_closes_before(one),
    )


def _closes_before(one: TickerFacts) -> dict[date, Decimal]:
    """Return what the close of each corrected day was at first, on the scale of today.

    Where the correcting answer rescaled other days as well, the old close is taken on whichever of the two scales
    is the nearer one to the new close: a ledger of prices does not say it of a single day.
    """
    found = {price.date: price.close for price in one.prices}
    scales: dict[int, Decimal] = {}
    for change in one.changes:
        if change.cause == "rescale" and change.field == CLOSE and change.old and change.new:
            scales.setdefault(change.seq, change.new / change.old)
    corrected = set()
    for change in one.changes:
        if (
            change.cause == "correction"
            and change.field == CLOSE
            and change.date in found
            and change.old
            and change.new
        ):
            ratio = change.old / change.new
            rescaled = ratio * scales.get(change.seq, Decimal(1))
            found[change.date] *= min(ratio, rescaled, key=lambda one: abs(one.ln()))
            corrected.add(change.date)
    return {day: found[day] for day in corrected}


def _days(changes: Iterable[Change]) -> tuple[date, ...]:
    return tuple(sorted({change.date for change in changes}))


def picture(one: TickerFacts, say: Phrases, name: str) -> Html:
    """Return the picture of a ticker that holds sessions; `name` makes its ids unique on the page."""
    found, prices = revised(one), one.prices
    closes = [price.close for price in prices]
    scale = Scale(prices[0].date, prices[-1].date, min(closes), max(closes))
    grid = "".join(f"M{LEFT} {scale.y(level)}H{WIDTH}" for level in _levels(scale))
    return element(
        "svg",
        element("title", title(one, say), id=f"{name}-title"),
        element("desc", description(one, found, say), id=f"{name}-desc"),
        element("path", class_="g", d=f"{grid}M{LEFT} {BOTTOM}H{WIDTH}"),
        _marks(one, found, scale),
        _names(scale, say),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )


def title(one: TickerFacts, say: Phrases) -> str:
    """Return what the picture is of."""
    return say("chart.title", ticker=one.ticker, first=one.prices[0].date, last=one.prices[-1].date)


def description(one: TickerFacts, found: Revised, say: Phrases) -> str:
    """Return what there is to see, for whoever does not."""
    lowest = min(one.prices, key=lambda price: price.close)
    highest = max(one.prices, key=lambda price: price.close)
    return say(
        "chart.desc",
        sessions=len(one.prices),
        low=lowest.close,
        low_day=lowest.date,
        high=highest.close,
        high_day=highest.date,
        close=one.prices[-1].close,
        correction=len(found.correction),
        withdrawn=len(found.withdrawn),
        late=len(found.late),
        missing=len(one.missing),
    )


def legend(one: TickerFacts, found: Revised, say: Phrases) -> Html:
    """Return what each mark in the picture means and how many there are, of those that are in it."""
    drawn = [action for action in one.actions if one.prices[0].date <= action.date <= one.prices[-1].date]
    splits = sum(map(parts, drawn))
    counts = {
        "correction": len(found.correction),
        "withdrawn": len(found.withdrawn),
        "late": len(found.late),
        "missing": len(one.missing),
        "split": splits,
        "paid": len(drawn) - splits,
    }
    shown = [
        element("li", element("b", MARKS[name], class_=f"k-{name}"), f" {say(f'mark.{name}')} ({say.number(count)})")
        for name, count in counts.items()
        if count
    ]
    return element("ul", *shown) if shown else Html("")


def parts(action: CorporateAction) -> bool:
    """Return whether the action makes other shares of shares, by a known ratio, and pays nothing."""
    return action.numerator is not None and action.kind != "subscription"


def _levels(scale: Scale) -> list[Decimal]:
    """Return the round prices that get a line."""
    wanted = (scale.high - scale.low) / GRID_LINES
    power = Decimal(1).scaleb(wanted.adjusted())
    # The least of 1, 2 and 5 times a power of ten that is wide enough.
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= wanted)
    first = (scale.low // step + 1) * step
    return [level for number in range(2 * GRID_LINES) if (level := first + number * step) < scale.high]


def _names(scale: Scale, say: Phrases) -> Html:
    """Return the names of round prices and of days; a narrow screen has no room for those between."""
    drawn = [element("text", say.number(level), x="4", y=str(scale.y(level) + 7)) for level in _levels(scale)]
    span = (scale.last - scale.first).days
    for number in range(DAY_NAMES if span >= DAY_NAMES else 1):
        day = date.fromordinal(scale.first.toordinal() + span * number // (DAY_NAMES - 1))
        anchor = "start" if number == 0 else "end" if number == DAY_NAMES - 1 else "middle"
        between = {"class_": "x"} if number % 2 else {}
        place = {"x": str(scale.x(day)), "y": str(HEIGHT - 7), "text_anchor": anchor}
        drawn.append(element("text", day.isoformat(), **place, **between))
    return joined(drawn)


def _marks(one: TickerFacts, found: Revised, scale: Scale) -> Html:
    close = {price.date: price.close for price in one.prices}

    def at(days: Iterable[date]) -> list[Point]:
        return [Point(scale.x(day), scale.y(close[day])) for day in _apart(days, scale)]

    actions = [action for action in one.actions if scale.first <= action.date <= scale.last]
    splits = {scale.x(action.date): action for action in actions if parts(action)}
    paid = _apart((action.date for action in actions if not parts(action)), scale)
    missing = _apart((gap.date for gap in one.missing if gap.date <= scale.last), scale)
    was = ((Point(scale.x(day), scale.y(found.was[day])), scale.y(close[day])) for day in _apart(found.was, scale))
    drawn: dict[str, Iterable[str]] = {
        "split": (f"M{x} {TOP - 7}V{BOTTOM}" for x in splits),
        "paid": (f"M{scale.x(day)} {BOTTOM}v-12" for day in paid),
        "missing": (f"M{scale.x(day)} {BOTTOM}v12" for day in missing),
        "c": _line(one.prices, {gap.date for gap in one.missing}, scale),
        "was": (f"M{point.x} {point.y}V{now}" for point, now in was),
        "late": (f"M{point.x - ARM} {point.y}l{ARM}-{ARM} {ARM} {ARM}-{ARM} {ARM}z" for point in at(found.late)),
        "correction": (f"M{point.x} {point.y}h0" for point in at(found.correction)),
        "withdrawn": (
            f"M{point.x - ARM} {point.y - ARM}l{2 * ARM} {2 * ARM}m0-{2 * ARM}l-{2 * ARM} {2 * ARM}"
            for point in at(found.withdrawn)
        ),
    }
    paths = [element("path", class_=name, d=d) for name, pieces in drawn.items() if (d := "".join(pieces))]
    names = [
        element("text", f"{action.denominator}:{action.numerator}", x=str(x), y=str(TOP - 12), text_anchor="middle")
        for x, action in list(splits.items())[-SPLIT_NAMES:]
    ]
    return joined([*paths, *names])


def _apart(days: Iterable[date], scale: Scale) -> list[date]:
    """Return the days, in order, of those whose marks would cover each other the first."""
    columns: dict[int, date] = {}
    for day in sorted(days):
        columns.setdefault(scale.x(day) // MARK_COLUMN, day)
    return list(columns.values())


def _line(prices: Sequence[Price], missing: set[date], scale: Scale) -> Iterator[str]:
    """Yield a path for each run of sessions between which none is missing.

    Of each column it has the lowest and the highest close, in their order.
    """
    gaps = sorted(missing)
    for _, run in groupby(prices, key=lambda price: bisect(gaps, price.date)):
        drawn: list[Point] = []
        for _, column in groupby(run, key=lambda price: scale.x(price.date) // COLUMN):
            points = [Point(scale.x(price.date), scale.y(price.close)) for price in column]
            heights = [point.y for point in points]
            ends = {heights.index(min(heights)), heights.index(max(heights))}
            drawn += [points[index] for index in sorted(ends)]
        if len(drawn) == 1:
            yield f"M{drawn[0].x} {drawn[0].y}h0"
            continue
        # From each point to the next: two short numbers a point.
        steps = [(after.x - before.x, after.y - before.y) for before, after in pairwise(drawn)]
        written = "".join(f"{_spaced(dx)}{_spaced(dy)}" for dx, dy in steps)
        yield f"M{drawn[0].x} {drawn[0].y}l{written.removeprefix(' ')}"


def _spaced(step: int) -> str:
    """Return a number after another one: a minus sign parts them as well as a space."""
    return f"{step}" if step < 0 else f" {step}"
