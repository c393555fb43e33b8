"""One series told twice: between the tellings a dividend, a correction, a withdrawal and a late session."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.support.cli import Result, run_main
from tests.support.retold import Retold
from tests.support.yahoo_series import Series, correct, dividend, make_series, widened, withdraw

TICKER = "PETR4.SA"
DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
WINDOW = Window(DAYS[0], DAYS[-1])
THEN = datetime(2026, 2, 12, 22, tzinfo=UTC)
NOW = datetime(2026, 2, 13, 12, tzinfo=UTC)
PAID, LATE, CORRECTED, WITHDRAWN = date(2026, 2, 11), DAYS[7], DAYS[10], DAYS[13]
FIRST_DECISION, SECOND_EVIDENCE, SECOND_DECISION = 2, 4, 5

WHOLE = make_series(DAYS, seed=3)
BEFORE = withdraw(WHOLE, LATE)


def close_of(series: Series, day: date) -> float:
    """Return the series' close on `day`."""
    (close,) = (row.close for row in series.days if row.date == day)
    assert close is not None
    return close


OLD_CLOSE = round(close_of(WHOLE, CORRECTED), 2)
NEW_CLOSE = round(OLD_CLOSE + 0.01, 2)


def after() -> Series:
    """Return the second telling."""
    corrected = correct(WHOLE, CORRECTED, close=widened(NEW_CLOSE), adj_close=widened(NEW_CLOSE), high=widened(99.0))
    return withdraw(dividend(corrected, PAID, 0.75), WITHDRAWN)


def retell(folder: Path) -> None:
    """Make the ledger of both tellings under `folder`."""
    ledger = Retold(folder, began=THEN)
    ledger.tell(TICKER, BEFORE, WINDOW, THEN)
    ledger.tell(TICKER, after(), WINDOW, NOW)


def look(*args: str, cwd: Path) -> Result:
    """Run `main` on `args` the day after."""
    return run_main(*args, cwd=cwd, env={"B3_LEDGER_NOW": NOW.isoformat()})


def objects(*args: str, cwd: Path) -> list[dict[str, Any]]:
    """Return the objects that `main` prints on `args`, which must not fail."""
    result = look(*args, "--format", "json", cwd=cwd)
    assert result.code < 2, result.err
    return result.lines()
