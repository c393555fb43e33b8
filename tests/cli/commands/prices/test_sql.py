"""`main sql` prints what a SELECT finds, in every format, of a ledger or a backup, as of any position."""

import io
import shutil
from datetime import date
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.cli.retelling import CORRECTED, FIRST_DECISION, NEW_CLOSE, OLD_CLOSE, look, objects
from tests.support import sample_ledger
from tests.support.cli import Result, run_code, run_main
from tests.support.cotahist import line, made

CLOSE = f"select date, close from prices where date = '{CORRECTED}'"  # noqa: S608 - a day of ours


def test_a_position_answers_as_it_was(retold: Path) -> None:
    """Before the provider corrected itself, and after."""
    for args, close in (([], NEW_CLOSE), (["--as-of", str(FIRST_DECISION)], OLD_CLOSE)):
        assert [{"date": str(CORRECTED), "close": close}] == objects("sql", CLOSE, *args, cwd=retold)


def test_every_format_holds_the_same(retold: Path, tmp_path: Path) -> None:
    """Text in columns, JSON, an array of it, CSV and Parquet; a name that stands twice has a number behind it."""
    query = "select 'a' as word, 2::hugeint as n, null as n, timestamptz '2026-02-12 22:00:00Z' as at, [1.5] as list"
    row = {"word": "a", "n": 2, "n_1": None, "at": "2026-02-12T22:00:00.000000Z", "list": [1.5]}
    out = tmp_path / "rows.parquet"
    text, lines, array, csv, parquet = (
        look("sql", query, *args, cwd=retold)
        for args in (
            [],
            ["--format", "json"],
            ["--array"],
            ["--format", "csv"],
            ["--format", "parquet", "--out", str(out)],
        )
    )
    assert [0] * 5 == [done.code for done in (text, lines, array, csv, parquet)], parquet.err
    assert (
        "word  n  n_1  at                           list\na     2  -    2026-02-12T22:00:00.000000Z  [1.5]\n"
        == text.out
    )
    assert [[row], [row]] == [lines.lines(), msgspec.json.decode(array.out)]
    assert "word,n,n_1,at,list\na,2,,2026-02-12T22:00:00.000000Z,[1.5]\n" == csv.out
    (found,) = pq.read_table(io.BytesIO(out.read_bytes())).to_pylist()
    assert ("a", 2, None, [1.5]) == (found["word"], found["n"], found["n_1"], found["list"])


def test_a_backup_answers_too(copy: Path) -> None:
    """Without the ledger that it is of."""
    assert 0 == sample_ledger.look("backup", "--create", "--out", "copy.db", cwd=copy).code
    shutil.rmtree(copy / "dados")
    query = "select count(*) as n, max(seq) as last from events"
    (row,) = sample_ledger.look("sql", query, "--ledger", "copy.db", "--format", "json", cwd=copy).lines()
    assert row["n"] == row["last"] + 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select * from read_csv('/etc/passwd')", "got read_csv(), want one of prices, adjusted, revisions"),
        ("copy prices to 'prices.csv'", "got another statement, want one SELECT"),
        ("select nothing from prices", "want a SELECT that DuckDB can answer"),
    ],
)
def test_what_is_refused_is_exit_3_with_a_hint(query: str, message: str, retold: Path) -> None:
    """On one line, and nothing is written."""
    before = {path for path in retold.rglob("*") if "projections" not in path.parts}
    done = look("sql", query, cwd=retold)
    assert (3, "") == (done.code, done.out)
    error, hint = done.err.splitlines()
    assert message in error
    assert 'hint: main sql --help; main sql "describe prices"' == hint
    assert before == {path for path in retold.rglob("*") if "projections" not in path.parts}


def test_no_row_is_no_error(retold: Path) -> None:
    """It is said, on stderr."""
    done = look("sql", "select * from prices where close < 0", cwd=retold)
    assert (0, "", "nothing to show\n") == (done.code, done.out, done.err)


def test_harmful_text_is_shown_escaped(retold: Path) -> None:
    """What a row holds cannot forge a line, repaint a terminal, or run as a formula."""
    done = look("sql", "select chr(27) || '[2J' || chr(10) || 'x' as a", cwd=retold)
    assert "a\n\\x1b[2J\\nx\n" == done.out
    assert "a\n'=1+1\n" == look("sql", "select '=1+1' as a", "--format", "csv", cwd=retold).out


def test_without_duckdb_it_says_how_to_install_it(retold: Path) -> None:
    """By the extra that brings it."""
    code = "import sys; sys.modules['duckdb'] = None; from cli import entry; sys.exit(entry.run(['sql', 'select 1']))"
    said = "error: got no package duckdb, want it installed\nhint: pip install 'b3-ledger[sql]'\n"
    assert Result(3, "", said) == run_code(code, cwd=retold)


def test_the_market_and_its_instruments_are_those_that_commands_print(tmp_path: Path) -> None:
    """Field by field, as of any position."""
    made(tmp_path / "A.TXT", [line(date(2025, 1, 2)), line(date(2025, 1, 2), "VALE3"), line(date(2025, 1, 3))])
    assert 0 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=tmp_path).code
    for query, command in (
        ("select * from market where date = '2025-01-02'", ("market", "--on", "2025-01-02")),
        ("select * from instruments", ("instruments",)),
    ):
        found, want = (run_main(*args, "--format", "json", cwd=tmp_path).lines() for args in (("sql", query), command))
        assert 2 == len(found)
        shared = set(found[0]) & set(want[0])
        assert len(shared) > 10
        assert [{name: row[name] for name in shared} for row in want] == [
            {name: row[name] for name in shared} for row in found
        ]
    assert [] == run_main("sql", "from market", "--as-of", "0", "--format", "json", cwd=tmp_path).lines()
