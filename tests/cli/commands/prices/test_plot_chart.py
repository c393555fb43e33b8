"""A picture marks what happened to the prices in it."""

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import matplotlib as mpl
import msgspec
import pytest

from cli.commands.prices.plot.chart import MANY_ACTIONS, PictureFormat, PriceChart, action_text, render
from ledger.values import ActionKind
from projections import open_ledger
from projections.api.extras import MissingExtraError
from projections.api.ledger import Ledger
from projections.api.rows import CorporateAction
from tests.cli.retelling import CORRECTED, DAYS, LATE, NOW, PAID, TICKER, WITHDRAWN, retell

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger whose series was told twice."""
    folder: Path = tmp_path_factory.mktemp("retold")
    retell(folder)
    with open_ledger(folder / "dados") as ledger:
        yield ledger


@pytest.fixture
def chart(ledger: Ledger) -> PriceChart:
    """All that happened to it."""
    return PriceChart(
        title=TICKER,
        provenance="yfinance",
        prices=ledger.prices(TICKER).rows(),
        changes=ledger.revisions(TICKER).rows(),
        missing=ledger.gaps(TICKER, as_of=2).rows(),
        actions=ledger.actions(TICKER).rows(),
    )


def test_revised_sessions_are_marked_by_what_befell_them(chart: PriceChart) -> None:
    """A rescale is counted: it moves every session before it."""
    assert {"correction": [CORRECTED], "withdrawn": [WITHDRAWN], "late": [LATE]} == chart.revised()
    # All before the dividend but the one that is withdrawn, and so not told again, and the one that was not held yet.
    assert {day for day in DAYS if day < PAID} - {WITHDRAWN, LATE} == chart.rescaled()
    assert (
        f"{len(DAYS)} sessions, {DAYS[0]} to {DAYS[-1]}; revised 3, rescaled {len(chart.rescaled())}, missing 1, "
        "actions 1; yfinance" == chart.caption()
    )


def test_a_session_that_is_not_drawn_is_not_marked(chart: PriceChart) -> None:
    """It has no place in the picture."""
    (late,) = chart.revised()["late"]
    later = msgspec.structs.replace(chart, prices=[price for price in chart.prices if price.date > late])
    assert {"correction": [CORRECTED], "withdrawn": [WITHDRAWN], "late": []} == later.revised()


def test_the_picture_names_what_it_marks(chart: PriceChart) -> None:
    """As text, that can be searched."""
    picture = render([chart], "svg").decode()
    words = ("corrected (1)", "withdrawn by the provider (1)", "came late (1)", "missing (1)", "dividend R$ 0.75")
    assert [] == [word for word in (*words, TICKER, chart.caption()) if f">{word}</text>" not in picture]


def test_what_did_not_happen_is_not_in_the_legend(chart: PriceChart) -> None:
    """Only the close is."""
    bare = msgspec.structs.replace(chart, changes=[], missing=[], actions=[])
    picture = render([bare], "svg").decode()
    assert [">close</text>"] == [
        word for word in (">close</text>", "corrected", "withdrawn", "late (", "missing (") if word in picture
    ]


def test_many_actions_are_marked_and_not_named(chart: PriceChart) -> None:
    """Their names would cover each other."""
    (action,) = chart.actions
    many = [msgspec.structs.replace(action, date=DAYS[0] + timedelta(n)) for n in range(MANY_ACTIONS + 1)]
    named, unnamed = (
        render([msgspec.structs.replace(chart, actions=actions)], "svg").decode() for actions in (many[1:], many)
    )
    assert (MANY_ACTIONS, 0) == (named.count("dividend R$ 0.75"), unnamed.count("dividend R$ 0.75"))


@pytest.mark.parametrize("picture", ["png", "svg"])
def test_the_same_chart_is_the_same_bytes(picture: PictureFormat, chart: PriceChart) -> None:
    """Whatever matplotlib was told before."""
    first = render([chart], picture)
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": "other"}):
        assert first == render([chart], picture)
    assert first.startswith(PNG if picture == "png" else b"<?xml")


def test_one_session_is_a_picture_too(chart: PriceChart) -> None:
    """With nothing around it."""
    assert render([msgspec.structs.replace(chart, prices=chart.prices[:1], missing=[])], "png").startswith(PNG)


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "kind", "text"),
    [
        (Decimal("0.75"), None, None, "dividend", "dividend R$ 0.75"),
        (Decimal("1.00"), None, None, "capital_gain", "capital gain R$ 1.00"),
        (None, 2, 1, "split", "split 1 to 2"),
    ],
)
def test_an_action_is_named(
    amount: Decimal | None, numerator: int | None, denominator: int | None, kind: ActionKind, text: str
) -> None:
    """A split by old shares and new."""
    action = CorporateAction(
        ticker=TICKER,
        date=date(2026, 2, 11),
        kind=kind,
        amount=amount,
        numerator=numerator,
        denominator=denominator,
        cause="first",
        seq=1,
        learned_at=NOW,
        provider="yfinance",
    )
    assert text == action_text(action)


class Absent:
    """Finds no matplotlib, wherever it is."""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse the one name, and leave every other to those who come after."""
        if name == "matplotlib":
            raise ModuleNotFoundError(name=name)


def test_without_matplotlib_one_line_says_how_to_get_it(chart: PriceChart, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the extra that brings it."""
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    with pytest.raises(MissingExtraError, match="got no package matplotlib, want it installed") as caught:
        render([chart], "png")
    assert ["hint: pip install 'b3-ledger[plot]'"] == caught.value.__notes__


def test_the_line_is_broken_where_a_session_is_missing(chart: PriceChart) -> None:
    """A line across it would tell of a price that nobody held."""
    (gap,) = chart.missing
    held = [price for price in chart.prices if price.date != gap.date]
    days, closes = msgspec.structs.replace(chart, prices=held).line()
    assert (len(held) + 1, sorted(days)) == (len(days), days)
    assert [gap.date] == [day for day, close in zip(days, closes, strict=True) if close != close]  # noqa: PLR0124 - nan
    assert chart.line()[1] == [float(price.close) for price in chart.prices]


def test_two_positions_stand_side_by_side(chart: PriceChart, ledger: Ledger) -> None:
    """On one scale, each with its own caption."""
    before = msgspec.structs.replace(chart, provenance="position 3", prices=ledger.prices(TICKER, as_of=2).rows())
    picture = render([before, chart], "svg").decode()
    assert [1, 1, 1] == [
        picture.count(f">{words}</text>") for words in (before.caption(), chart.caption(), chart.title)
    ]
    assert render([before, chart], "svg") == render([before, chart], "svg")
