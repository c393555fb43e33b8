"""The whole exchange in Python: a session, listings, a chain and one ticker's fields, as of any position."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from ledger.errors import DamagedError
from projections.api.ledger import Ledger
from projections.store.runner import open_view
from tests.projections.story import Story
from tests.support.cotahist import line
from tests.support.listed import PROVIDER, Listed

FIRST, SECOND = date(2025, 3, 6), date(2025, 3, 7)
PETR4 = {"isin": "BRPETRACNPR6", "specification": "PN      N2", "name": "PETROBRAS"}
CALL = {**PETR4, "market": "070", "bdi": "78", "strike": 3700, "expiry": "20250321"}
OPTION = "PETRC37@2025-03-21.SA"


def told() -> Listed:
    """Return a log of a share and an option on it; the share's second session was issued again with another close."""
    log = Listed()
    days = [
        line(FIRST, value=100_000, trades=3, bid=0, **PETR4),
        line(SECOND, value=200_000, trades=4, **PETR4),
    ]
    log.imported(days)
    log.imported([line(FIRST, "PETRC37", close=120, value=500, **CALL)], OPTION)
    log.imported([line(SECOND, value=300_000, trades=5, close=3800, **PETR4 | {"name": "PETROBRAS BR"})])
    return log


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """The log, opened."""
    log = told().log
    with open_view(log, None) as view:
        yield Ledger(log, view, order=(PROVIDER,))


def test_a_session_is_a_frame(ledger: Ledger) -> None:
    """Exact money, and plain types for pandas."""
    found = ledger.market(on="2025-03-06")
    assert (("PETR4.SA", OPTION), ("share", "option")) == (found["ticker"], found["asset_class"])
    assert ((Decimal("1000.00"), Decimal("5.00")), (None, Decimal("1.20"))) == (found["value"], found["bid"])
    frame = found.to_pandas()
    assert ["float64", "Int64", "float64"] == [str(frame[name].dtype) for name in ("value", "trades", "strike")]
    assert 0 == len(ledger.market(on=date(2025, 3, 5)))


def test_a_field_is_that_of_the_bars_own_evidence_at_any_position(ledger: Ledger) -> None:
    """Before the file was issued again, and after."""
    now, then = ledger.quotations("PETR4"), ledger.quotations("PETR4", as_of=4, start=SECOND)
    assert ((Decimal("37.32"), 3), (Decimal("38.00"), 5)) == tuple(zip(now["close"], now["trades"], strict=True))
    assert ((Decimal("37.32"), 4),) == tuple(zip(then["close"], then["trades"], strict=True))
    assert ((Decimal("38.00"),), (Decimal("37.32"),)) == (
        ledger.market(on=SECOND)["close"],
        ledger.market(on=SECOND, as_of=4)["close"],
    )


def test_listings_are_those_of_their_position(ledger: Ledger) -> None:
    """Of all at the end, of one at each change, of a day."""
    assert ("PETROBRAS BR", "PETROBRAS") == ledger.instruments()["name"]
    assert (("PETROBRAS", "PETROBRAS BR"), (FIRST, SECOND)) == (
        (found := ledger.instruments("PETR4"))["name"],
        found["since"],
    )
    assert ("PETROBRAS",) == ledger.instruments("PETR4", as_of=4)["name"]
    assert ("PETROBRAS", "PETROBRAS") == ledger.instruments(on=FIRST)["name"]


def test_a_chain_is_of_its_day(ledger: Ledger) -> None:
    """With the underlying's close; before it was imported there is none."""
    (row,) = ledger.options("PETR4", on=FIRST)
    assert (OPTION, "call", Decimal("37.00"), Decimal("37.32"), None) == (
        *(row.ticker, row.kind, row.strike, row.underlying_close),
        row.weekly,
    )
    assert (0, 0) == (len(ledger.options("PETR4", on=SECOND)), len(ledger.options("PETR4", on=FIRST, as_of=2)))


def test_a_series_of_bars_alone_has_no_fields() -> None:
    """Nothing is invented for it."""
    story = Story()
    story.decided(story.fetched(), bars=[])
    log = Listed(story)
    log.imported([line(FIRST)])
    with open_view(log.log, None) as view:
        assert 1 == len(Ledger(log.log, view, order=("yfinance", PROVIDER)).quotations("PETR4"))


def test_an_answer_that_is_not_what_it_was_is_damage() -> None:
    """A body that its own reader cannot read stands behind no accepted bar."""
    log = Listed()
    log.imported([line(FIRST)], body=b"{}")
    with open_view(log.log, None) as view, pytest.raises(DamagedError, match="answer"):
        len(Ledger(log.log, view, order=(PROVIDER,)).quotations("PETR4"))
