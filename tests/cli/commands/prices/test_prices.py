"""Prices now and as known then, raw and adjusted, in every format."""

import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.cli.retelling import (
    BEFORE,
    CORRECTED,
    DAYS,
    FIRST_DECISION,
    LATE,
    NEW_CLOSE,
    PAID,
    SECOND_DECISION,
    TICKER,
    WITHDRAWN,
    after,
    close_of,
    look,
    objects,
)
from tests.support.cli import environment
from tests.support.sample_ledger import PETR4_CSV
from tests.support.sample_ledger import look as look_at_sample

PRICES = ("prices", "--ticker", "petr4")
PAID_INDEX = DAYS.index(PAID)


def closes(retold: Path, *args: str) -> dict[str, float]:
    """Return the closes by day."""
    return {row["date"]: row["close"] for row in objects(*PRICES, *args, cwd=retold)}


def test_each_position_has_its_own_truth(retold: Path) -> None:
    """Before: without the late session, with the old close. After: both, and the withdrawn one still held."""
    then = {str(row.date): round(close_of(BEFORE, row.date), 2) for row in BEFORE.days}
    now = then | {str(row.date): round(close_of(after(), row.date), 2) for row in after().days}
    assert then == closes(retold, "--as-of", str(FIRST_DECISION))
    assert then == closes(retold, "--as-of", "2026-02-12")
    assert now == closes(retold) == closes(retold, "--as-of", "2026-02-13T12:00:00Z")
    assert (NEW_CLOSE, {str(LATE)}) == (now[str(CORRECTED)], now.keys() - then.keys())
    assert str(WITHDRAWN) in now


def test_a_row_says_since_when_it_holds(retold: Path) -> None:
    """A session that did not change keeps its first decision."""
    rows = {row["date"]: row for row in objects(*PRICES, cwd=retold)}
    last = DAYS[-1]
    assert rows[str(last)] == {
        "ticker": TICKER,
        "date": str(last),
        **{
            name: pytest.approx(getattr(after().days[-1], name), rel=1e-6)
            for name in ("open", "high", "low", "close", "volume")
        },
        "provider_adj_close": round(close_of(after(), last), 2),
        "provider": "yfinance",
        "seq": FIRST_DECISION,
        "learned_at": "2026-02-12T22:00:00.000000Z",
    }
    assert SECOND_DECISION == rows[str(CORRECTED)]["seq"]


def test_bounds_are_inclusive(retold: Path) -> None:
    """On both sides."""
    window = Window(date(2026, 1, 12), date(2026, 1, 16))
    found = closes(retold, "--start", str(window.start), "--end", str(window.end))
    assert [str(day) for day in sessions(window)] == list(found)


def test_csv_is_the_snapshot_byte_for_byte(sample: Path) -> None:
    """The same bars give the same bytes, whoever prints them."""
    written = (sample / "snapshots" / PETR4_CSV).read_text()
    assert written == look_at_sample("prices", "--ticker", "petr4", "--format", "csv", cwd=sample).out


def test_adjusted_prices_stand_beside_raw_ones(retold: Path) -> None:
    """Factor 1 - D / previous close before the dividend, 1 from it on; the provider's agree where it answered."""
    rows = {row["date"]: row for row in objects(*PRICES, "--adjusted", cwd=retold)}
    factor = 1 - 0.75 / round(close_of(after(), DAYS[PAID_INDEX - 1]), 2)
    before, since = rows[str(DAYS[0])], rows[str(PAID)]
    assert [pytest.approx(factor, rel=1e-12), 1.0] == [before["factor"], since["factor"]]
    for name in ("open", "high", "low", "close"):
        assert pytest.approx(before[name] * factor, rel=1e-12) == before[f"adj_{name}"]
    # The provider no longer tells of the day that it withdrew, so it never rescaled that one.
    assert [str(WITHDRAWN)] == [day for day, row in rows.items() if not row["adj_agrees"]]
    withdrawn = rows[str(WITHDRAWN)]
    assert withdrawn["adj_close"] - withdrawn["provider_adj_close"] == withdrawn["adj_difference"]


def test_adjusted_prices_know_only_the_actions_of_their_position(retold: Path) -> None:
    """Before the dividend was told, nothing was adjusted."""
    rows = objects(*PRICES, "--adjusted", "--as-of", str(FIRST_DECISION), cwd=retold)
    assert {1.0} == {row["factor"] for row in rows}


def test_disagreement_is_a_line_of_words(retold: Path) -> None:
    """On stderr, with the worst session."""
    result = look(*PRICES, "--adjusted", cwd=retold)
    assert (
        f"1 of {len(DAYS)} adjusted closes differ from yfinance's by more than 0.01%; worst {WITHDRAWN}" in result.err
    )
    (line,) = [line for line in result.out.splitlines() if line.endswith("  differs")]
    assert line.startswith(str(WITHDRAWN))


def test_agreement_is_a_line_of_words_too(sample: Path) -> None:
    """None of them differ."""
    result = look_at_sample("prices", "--ticker", "petr4", "--adjusted", "--format", "csv", cwd=sample)
    assert "0 of 503 adjusted closes differ from sample's by more than 0.01%\n" == result.err
    assert (
        "date,open,high,low,close,volume,factor,adj_open,adj_high,adj_low,adj_close,provider_adj_close"
        == (result.out.splitlines()[0])
    )


def test_parquet_has_a_column_a_field(retold: Path, tmp_path: Path) -> None:
    """Days are dates, prices doubles, and the values are those of JSON."""
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "petr4.parquet"
    assert 0 == look(*PRICES, "--format", "parquet", "--out", str(out), cwd=retold).code
    table = parquet.read_table(BytesIO(out.read_bytes()))
    expected = objects(*PRICES, cwd=retold)
    assert [{**row, "date": date.fromisoformat(row["date"])} for row in expected] == table.to_pylist()
    assert ["string", "date32[day]", *["double"] * 4, "int64"] == [str(field.type) for field in table.schema][:7]


def test_a_missing_package_is_one_line_that_says_how_to_install_it(retold: Path) -> None:
    """No traceback, and nothing else needs it."""
    blocked = "import sys; sys.modules['pyarrow'] = None; from cli.root import root; from cli.app import exits\n"
    run = (
        "try: root(['prices', '--ticker', 'PETR4', '--format', 'parquet'], standalone_mode=False)\n"
        "except Exception as error: sys.exit(exits.report(error, []))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked + run],
        cwd=retold,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (3, "") == (done.returncode, done.stdout)
    assert "error: got no package pyarrow, want it installed\nhint: pip install 'b3-ledger[parquet]'\n" == done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--as-of", "1"], "got no session of PETR4.SA in the first 2 events, want at least one"),
        (
            ["--start", "2027-01-01"],
            "got no session of PETR4.SA from 2027-01-01 on in the first 7 events, want at least one",
        ),
        (["--start", "2026-02-02", "--end", "2026-02-01"], "got --start 2026-02-02 after --end 2026-02-01, want it on"),
        (["--source", "cotahist"], "got no series of PETR4.SA from cotahist, want one from yfinance"),
    ],
)
def test_nothing_to_print_exits_3(retold: Path, args: list[str], message: str) -> None:
    """And says what was looked for."""
    result = look(*PRICES, *args, cwd=retold)
    assert (3, "") == (result.code, result.out)
    assert result.err.startswith(f"error: {message}")


def test_prices_load_nothing_slow(retold: Path) -> None:
    """Neither pandas, nor pyarrow, nor fractions, nor csv for the plain text."""
    code = (
        "import sys; from cli.root import root\n"
        "root(['prices', '--ticker', 'PETR4', '--start', '2026-02-12'], standalone_mode=False)\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'yfinance', 'fractions', 'csv', 'json'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=retold, env=environment(), capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.splitlines()[-1]
