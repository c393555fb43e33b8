"""A Yahoo that rewrites its history between two runs: what was known then stays, and each change has its cause."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace, at
from tests.support.yahoo_series import Series, correct, dividend, make_series, widened, withdraw
from tests.support.yahoo_server import YahooServer

TICKER = "PETR4.SA"
THEN = datetime(2026, 2, 5, 22, tzinfo=UTC)  # a Thursday evening: that day's session is final
NOW = datetime(2026, 2, 12, 22, tzinfo=UTC)
DAYS = sessions(Window(date(2025, 12, 1), date(2026, 2, 12)))
HELD_THEN = [day for day in DAYS if day <= THEN.date()]
CORRECTED, WITHDRAWN, LATE, PAID = date(2025, 12, 10), date(2025, 12, 17), date(2026, 1, 14), date(2026, 2, 10)
NEW_CLOSE = 34.56
SNAPSHOT_THEN = "PETR4-20260205.csv"

WHOLE = make_series(DAYS, seed=21)


def told_then() -> Series:
    """Return what Yahoo says THEN: up to that day, one session missing."""
    known = tuple(row for row in WHOLE.days if row.date in HELD_THEN)
    return withdraw(msgspec.structs.replace(WHOLE, days=known), LATE)


def told_now() -> Series:
    """Return what Yahoo says NOW: the late session, one close corrected, one row gone, and a dividend."""
    close = widened(NEW_CLOSE)
    corrected = correct(WHOLE, CORRECTED, close=close, adj_close=close, high=widened(40.0))
    return withdraw(dividend(corrected, PAID, 0.75), WITHDRAWN)


class Retelling(msgspec.Struct, frozen=True):
    """Two runs, the last event of the first one, and the snapshot that it left."""

    place: Workplace
    seq_then: int
    snapshot_then: bytes

    def objects(self, *args: str) -> list[dict[str, Any]]:
        """Return what `main` prints on `args` after both."""
        result = self.place.run(*args, "--format", "json", B3_LEDGER_NOW=at(NOW))
        assert result.code < 2, result.err
        return result.lines()

    def closes(self, *args: str) -> dict[str, float]:
        """Return the closes by day."""
        return {row["date"]: row["close"] for row in self.objects("prices", "--ticker", TICKER, *args)}


@pytest.fixture(scope="module")
def retelling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retelling]:
    """Both runs, once for all."""
    with YahooServer() as server:
        place = Workplace(tmp_path_factory.mktemp("retelling"), server)
        _run(place, server, told_then(), THEN)
        seq = place.head().size - 1
        snapshot = (place.folder / "snapshots" / SNAPSHOT_THEN).read_bytes()
        # A withdrawn session and flagged rows are a warning.
        _run(place, server, told_now(), NOW, code=1)
        yield Retelling(place, seq, snapshot)
        place.close()


def _run(place: Workplace, server: YahooServer, series: Series, moment: datetime, *, code: int = 0) -> None:
    server.now, server.series[TICKER] = moment, series
    done = place.run("--ticker", TICKER, B3_LEDGER_NOW=at(moment))
    assert code == done.code, done.err


def closes_of(series: Series) -> dict[str, float]:
    """Return what was sent, as the decimals that it stands for."""
    return {str(row.date): round(row.close, 2) for row in series.days if row.close is not None}


def test_revisions_tell_the_four_causes_apart(retelling: Retelling) -> None:
    """Every adjusted close before the dividend is rescaled; the rest are one each."""
    rows = retelling.objects("revisions", "--ticker", TICKER)
    causes = Counter((row["cause"], row["field"], row["late"]) for row in rows)
    assert causes == {
        ("rescale", "adj_close", False): len(HELD_THEN) - 2,  # the late session came on the new scale
        ("correction", "close", False): 1,
        ("correction", "high", False): 1,
        ("withdrawn", "close", False): 1,
        ("first", "close", True): 1,
    }
    dated = {cause: row["date"] for row in rows for cause in [row["cause"]] if cause != "rescale"}
    assert {"correction": str(CORRECTED), "withdrawn": str(WITHDRAWN), "first": str(LATE)} == dated


def test_each_days_truth_is_told_as_of_that_day(retelling: Retelling) -> None:
    """Before: what Yahoo said then. After: what it says now, and the row that it withdrew."""
    then, now = closes_of(told_then()), closes_of(told_now())
    assert then == retelling.closes("--as-of", str(retelling.seq_then)) == retelling.closes("--as-of", "2026-02-05")
    assert now | {str(WITHDRAWN): then[str(WITHDRAWN)]} == retelling.closes()


def test_the_snapshot_of_the_old_position_has_the_old_bytes(retelling: Retelling) -> None:
    """Regenerated from events alone, after all that happened since."""
    folder: Path = retelling.place.folder
    old = retelling.place.run("snapshot", "--ticker", TICKER, "--as-of", str(retelling.seq_then))
    assert hashlib.sha256(retelling.snapshot_then).hexdigest() == hashlib.sha256(old.out.encode()).hexdigest()
    assert retelling.snapshot_then == (folder / "snapshots" / SNAPSHOT_THEN).read_bytes()
    assert 0 == retelling.place.run("snapshot", "--check").code


def test_the_gap_was_known_until_it_was_filled(retelling: Retelling) -> None:
    """And the day that is held although withdrawn is none."""
    assert [] == retelling.objects("gaps", "--ticker", TICKER)
    (first, *_), *_ = [retelling.objects("validation", "--ticker", TICKER)]
    assert [("GAP", str(LATE))] == [(found["rule"], found["date"]) for found in first["warned"]]


def test_adjusted_prices_agree_with_yahoos_where_it_still_answers(retelling: Retelling) -> None:
    """The dividend is known here, so only the row that Yahoo dropped keeps its old adjusted close."""
    rows = retelling.objects("prices", "--ticker", TICKER, "--adjusted")
    assert [str(WITHDRAWN)] == [row["date"] for row in rows if not row["adj_agrees"]]
    assert {1.0} == {
        row["factor"] for row in retelling.objects("prices", "--ticker", TICKER, "--adjusted", "--as-of", "2026-02-05")
    }


def test_a_corrected_row_leads_back_to_both_answers(retelling: Retelling) -> None:
    """Through the narrow one that was set aside, where its window reached so far back."""
    found = retelling.objects("why", "--ticker", TICKER, "--date", str(CORRECTED))
    assert ["first", "revised"] == [trace["outcome"] for trace in found]
    assert [widened(NEW_CLOSE)] == [raw["close"] for raw in found[-1]["evidence"]["raw"]]
    assert NEW_CLOSE == found[-1]["bar"]["close"]
