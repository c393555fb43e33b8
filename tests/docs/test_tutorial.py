"""docs/tutorial.md is true: each of its commands prints what stands there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.store.home import LedgerHome
from tests.support.cli import REPOSITORY
from tests.support.cotahist import quotes
from tests.support.oracle import check_home
from tests.support.transcript import play, steps
from tests.support.yahoo_series import Day, Series, correct, row, widened
from tests.support.yahoo_server import YahooServer

PAGE = REPOSITORY / "docs" / "tutorial.md"
CODE, DIFFERS = "ZAAE3", date(2025, 6, 17)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def settings() -> Iterator[dict[str, str]]:
    """Settings under which a stand-in for Yahoo tells the page's file again, one close a real apart."""
    days = tuple(_day(quote) for quote in quotes(records=5000, year=2025, seed=1) if _is_of(quote, CODE))
    (close,) = (day.close for day in days if day.date == DIFFERS)
    assert close is not None
    with YahooServer() as server:
        server.now = NOW
        told = correct(Series(days=days), DIFFERS, close=widened(close + 0.05), adj_close=widened(close + 0.05))
        server.series[f"{CODE}.SA"] = told
        yield {"YAHOO_BASE_URL": server.url, "B3_LEDGER_NOW": NOW.isoformat()}


def _is_of(quote: bytes, code: str) -> bool:
    return quote[12:24].decode().strip() == code


def _day(quote: bytes) -> Day:
    """Return the quote as Yahoo would tell it; the columns are those of B3's layout."""
    prices = [int(quote[start : start + 13]) / 100 for start in (56, 69, 82, 108)]
    shares = int(quote[152:170])
    return row(datetime.strptime(quote[2:10].decode(), "%Y%m%d").date(), *prices, volume=shares)  # noqa: DTZ007 - a day


def test_every_command_prints_what_stands_there(settings: dict[str, str], tmp_path: Path) -> None:
    """From an empty folder to a picture."""
    (tmp_path / "scripts").symlink_to(REPOSITORY / "scripts")
    script = steps(PAGE.read_text("utf-8"))
    assert script == play(script, cwd=tmp_path, env=settings)
    check_home(LedgerHome(tmp_path / "dados"))
