"""A month of a whole exchange: every quote is one session of one series, and its days bring the same prices again."""

import tempfile
from collections import Counter
from datetime import date
from itertools import groupby
from pathlib import Path

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.identity import identity
from ledger.market.series import Series
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.audit.audit import audit_log
from projections.models import prices
from projections.store.runner import view_at
from scripts.exchange_month import month_lines
from tests.ledger.ingest.providers.cotahist.test_importing import LATER, run
from tests.support.cotahist import made

MONTH = date(2025, 3, 1)
LINES = tuple(month_lines(MONTH, papers=25, seed=5, every_kind=True))
MARKETS = {b"010", b"012", b"013", b"017", b"020", b"021", b"030", b"070", b"080"}


def of_day(line: bytes) -> bytes:
    """Return the day of a quote as it is written."""
    return line[layout.DAY]


def held(log: EventLog) -> dict[str, dict[date, int]]:
    """Return the closes that the log holds, by ticker and day."""
    tables = view_at(log, log.head().size).state["prices"]
    return {
        ticker: {day: bar.close for day, bar in prices.bars(tables, Series(ticker, "cotahist")).items()}
        for ticker in prices.tickers(tables)
    }


def test_every_quote_is_a_session_of_a_series_of_its_own() -> None:
    """None is refused, and no two of a day share a series: forwards, auctions, blocks and options among them."""
    found = Counter((identity(line), of_day(line)) for line in LINES)
    assert set() == {one for one, _ in found if not isinstance(one, str)}
    assert {1} == set(found.values())
    assert MARKETS <= {layout.market(line) for line in LINES}
    assert {b"DIR", b"REC"} <= {line[39:42] for line in LINES}


def test_more_kinds_change_no_other_quote() -> None:
    """They are added, by no number drawn."""
    usual = list(month_lines(MONTH, papers=25, seed=5))
    added = Counter(LINES) - Counter(usual)
    assert {b"010", b"012", b"013"} == {layout.market(line) for line in added}
    assert len(LINES) == len(usual) + sum(added.values())


def test_a_month_and_its_days_leave_the_same_prices_whichever_comes_first() -> None:
    """Each day's file was made in the evening, the month's at its end, with one close put right; every record counts.

    Of a few papers, and the first days.
    """
    few = sorted(month_lines(MONTH, papers=6, seed=5), key=of_day)
    days = dict([(day, list(lines)) for day, lines in groupby(few, key=of_day)][:2])
    month_rows = [line for lines in days.values() for line in lines]
    wrong, *rest = days[min(days)]
    days[min(days)] = [wrong[:108] + b"0000000009999" + wrong[121:], *rest]
    found: list[dict[str, dict[date, int]]] = []
    for month_first in (True, False):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = [
                made(folder / f"{day.decode()}.TXT", lines, made_on=layout.day(day)) for day, lines in days.items()
            ]
            month = made(folder / "M.TXT", month_rows, made_on=date(2025, 4, 1))
            home = LedgerHome(folder / "dados")
            create_ledger(home, kind="real", software="b3-ledger test", now=lambda: LATER, lock_timeout_s=5)
            with EventLog(home, now=lambda: LATER, lock_timeout_s=5) as log:
                counted = 0
                for path in (month, *files) if month_first else (*files, month):
                    counted += sum(one.records for one in run(path, log))
                assert 2 * len(month_rows) == counted
                found.append(held(log))
                assert audit_log(log).first_difference is None
    assert found[0] == found[1]
    assert sum(map(len, found[0].values())) == len(month_rows)
