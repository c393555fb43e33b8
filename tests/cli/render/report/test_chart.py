"""The picture: every extreme is in it, it breaks where a session is missing, and revisions start where they began."""

import re
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from cli.render.report import chart
from cli.render.report.chart import Scale
from cli.render.report.words import Phrases
from tests.cli.render.report import made
from tests.cli.render.report.reading import PageReader

MOVE = re.compile(r"([Ml])([^Mlhzv]*)")
NUMBER = re.compile(r"-?\d+")


def paths(one: Any) -> dict[str, str]:
    """Return the path of each class in the ticker's picture."""
    found = PageReader(chart.picture(one, Phrases("en"), "t"))
    assert [] == found.faults
    return {str(given["class"]): str(given["d"]) for given in found.of("path")}


def walked(path: str) -> list[list[tuple[int, int]]]:
    """Return the points of each run of a path, by adding its steps up."""
    runs: list[list[tuple[int, int]]] = []
    for command, numbers in MOVE.findall(path):
        values = [int(one) for one in NUMBER.findall(numbers)]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        if command == "M":
            runs.append(pairs)
            continue
        for dx, dy in pairs:
            x, y = runs[-1][-1]
            runs[-1].append((x + dx, y + dy))
    return runs


def scale_of(one: Any) -> Scale:
    """Return where the ticker's days and closes lie."""
    closes = [price.close for price in one.prices]
    return Scale(one.prices[0].date, one.prices[-1].date, min(closes), max(closes))


@pytest.mark.parametrize("sessions", [1, 2, 30, 400, 5_000])
def test_the_line_goes_through_the_extremes_of_every_column(sessions: int) -> None:
    """Held against a straight walk over all sessions."""
    random = Random(sessions)
    one = made.ticker(
        prices=tuple(made.price(day, f"{random.uniform(5, 50):.2f}") for day in range(sessions)), changes=(), missing=()
    )
    scale, columns = scale_of(one), dict[int, list[int]]()
    for price in one.prices:
        columns.setdefault(scale.x(price.date) // chart.COLUMN, []).append(scale.y(price.close))
    drawn: dict[int, list[int]] = {}
    (run,) = walked(paths(one)["c"])
    for x, y in run:
        drawn.setdefault(x // chart.COLUMN, []).append(y)
    assert {x: (min(ys), max(ys)) for x, ys in columns.items()} == {x: (min(ys), max(ys)) for x, ys in drawn.items()}
    assert len(run) <= 2 * (chart.WIDTH // chart.COLUMN)


def test_the_line_breaks_where_sessions_are_missing() -> None:
    """Once for several in a row; what is behind the last session breaks nothing."""
    prices = tuple(made.price(day, "10.00") for day in (0, 1, 4, 5, 7))
    gaps = (made.missing(2), made.missing(3), made.missing(6), made.missing(8, behind=True))
    one = made.ticker(prices=prices, missing=gaps, changes=())
    found = paths(one)
    assert [2, 2, 1] == [len(run) for run in walked(found["c"])]
    assert 3 == found["missing"].count("M")


def test_what_happened_to_a_session_is_marked_once() -> None:
    """However many of its fields changed; days that are not held are not drawn."""
    changes = (
        made.change(1, "correction", "11.00", "12.50"),
        made.change(1, "correction", "11.00", "12.50", field="high"),
        made.change(0, "withdrawn", "10.00", None),
        made.change(2, "first", None, "11.25", late=True),
        made.change(3, "rescale", "19.50", "9.75"),
        made.change(99, "correction", "11.00", "12.50"),
    )
    one = made.ticker(changes=changes, missing=())
    found = paths(one)
    assert [1, 1, 1] == [found[name].count("M") for name in ("correction", "was", "late")]
    assert 2 == found["withdrawn"].count("l")
    assert 1 == chart.revised(one).rescaled


@pytest.mark.parametrize(
    ("changes", "was"),
    [
        ([made.change(1, "correction", "11.00", "12.50")], "11.00"),
        # Twice corrected: from the first close on.
        ([made.change(1, "correction", "10.00", "11.00"), made.change(1, "correction", "11.00", "12.50", seq=8)], "10"),
        # A split afterwards: on today's scale.
        ([made.change(1, "correction", "22.00", "25.00"), made.change(1, "rescale", "25.00", "12.50", seq=8)], "11"),
        # By the answer that rescaled all others as well.
        ([made.change(0, "rescale", "20.00", "10.00"), made.change(1, "correction", "22.00", "12.50")], "11"),
        # The same, on a day after the split, that had its scale already.
        ([made.change(0, "rescale", "20.00", "10.00"), made.change(1, "correction", "11.00", "12.50")], "11"),
        # No close was corrected.
        ([made.change(1, "correction", "11.00", "12.50", field="high")], None),
    ],
)
def test_a_corrected_close_is_drawn_from_where_it_was(changes: list[Any], was: str | None) -> None:
    """On the scale of the prices that are drawn."""
    one = made.ticker(changes=tuple(changes))
    expected = {} if was is None else {one.prices[1].date: Decimal(was)}
    assert expected == {day: round(close, 9) for day, close in chart.revised(one).was.items()}


@pytest.mark.parametrize(
    ("low", "high"), [("10.00", "10.00"), ("0.00001", "0.00002"), ("0.01", "0.02"), ("1.00", "99999.99")]
)
def test_any_prices_have_lines_at_round_ones(low: str, high: str) -> None:
    """At least one, at most twice the number wanted, all within the picture."""
    scale = Scale(made.FIRST, made.FIRST, Decimal(low), Decimal(high))
    levels = chart._levels(scale)
    assert 1 <= len(levels) <= 2 * chart.GRID_LINES
    assert all(chart.TOP <= scale.y(level) <= chart.BOTTOM for level in levels)
    assert scale.low < Decimal(low) <= Decimal(high) < scale.high


def test_what_the_eye_sees_is_said() -> None:
    """By title and description, which name the picture."""
    found = PageReader(chart.picture(made.ticker(), Phrases("en"), "t"))
    assert ["t-title", "t-desc"] == [found.of("title")[0]["id"], found.of("desc")[0]["id"]]
    assert "PETR4.SA: close from 2025-01-02 to 2025-01-05" in found.text
    assert "4 sessions. Lowest close 9.75 on 2025-01-05, highest 12.50 on 2025-01-03, last 9.75." in found.text
    assert "Corrected 1, withdrawn 0, came late 1, missing 1." in found.text
