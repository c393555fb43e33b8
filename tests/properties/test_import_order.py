"""A month, its days and their re-issues leave the same prices in every order of import, and every decision is derived.

The reference knows no ranks of decisions: of the files that have a ticker's session, the one made last has it.
"""

import tempfile
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.market.series import Series
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.audit.audit import audit_log
from projections.models import prices
from projections.store.runner import view_at
from tests.ledger.ingest.providers.cotahist.test_importing import DAYS, LATER, run
from tests.support.cotahist import line, made
from tests.support.oracle import check_log

TICKERS = ("PETR4", "VALE3")
MONTH = DAYS[:4]
MADE_ON = date(2025, 1, 20)

Rows = dict[tuple[str, date], int]
MadeFile = tuple[date, Rows]


@st.composite
def files(draw: st.DrawFn) -> list[MadeFile]:
    """Draw files in the order of their import, each made on a day of its own: of the month, or of one of its days."""
    made_on = draw(st.permutations([MADE_ON + timedelta(number) for number in range(6)]))
    found: list[MadeFile] = []
    for day_made in made_on[: draw(st.integers(2, 6))]:
        days = MONTH if draw(st.booleans()) else [draw(st.sampled_from(MONTH))]
        places = [(ticker, day) for ticker in TICKERS for day in days]
        kept = draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
        found.append((day_made, {place: draw(st.integers(3700, 3702)) for place in kept}))
    return found


def imported(of: list[MadeFile], folder: Path) -> Rows:
    """Return the closes that are held once the files are imported in that order; the log verifies and derives."""
    home = LedgerHome(folder / "dados")
    create_ledger(home, kind="real", software="b3-ledger test", now=lambda: LATER, lock_timeout_s=5)
    with EventLog(home, now=lambda: LATER, lock_timeout_s=5) as log:
        for number, (made_on, rows) in enumerate(of):
            lines = [
                line(day, ticker, close) for (ticker, day), close in sorted(rows.items(), key=lambda row: row[0][1])
            ]
            run(made(folder / f"{number}.TXT", lines, made_on=made_on), log)
        check_log(log)
        assert audit_log(log).first_difference is None
        tables = view_at(log, log.head().size).state["prices"]
        return {
            (ticker, day): bar.close // 10_000
            for ticker in TICKERS
            for day, bar in prices.bars(tables, Series(f"{ticker}.SA", "cotahist")).items()
        }


@settings(max_examples=12, deadline=None)
@given(files(), st.randoms(use_true_random=False))
def test_prices_follow_from_the_files_and_not_from_their_order(of: list[MadeFile], random: object) -> None:
    """Each session is as the file made last has it, of those that have it at all."""
    expected: Rows = {}
    for _, rows in sorted(of, key=lambda made_file: made_file[0]):
        expected |= rows
    again = list(of)
    random.shuffle(again)  # type: ignore[attr-defined]
    for order in (of, again):
        with tempfile.TemporaryDirectory() as folder:
            assert expected == imported(order, Path(folder))
