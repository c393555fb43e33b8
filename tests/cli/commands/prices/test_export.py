"""The whole ledger as files that other tools read as they stand, saying what the API says."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import msgspec
import polars as pl
import pyarrow.dataset
import pyarrow.parquet
import pytest

from cli.commands.prices.export.row import ExportedAction, ExportedPrice, Manifest
from ledger.values import Window
from projections import open_ledger
from projections.api.ledger import Ledger
from tests.cli.retelling import DAYS, FIRST_DECISION, TICKER, retell
from tests.cli.retelling import look as look_at_retold
from tests.e2e.test_crash import die_at
from tests.e2e.workplace import Workplace
from tests.support.cli import REPOSITORY, run_main
from tests.support.cotahist import line, made
from tests.support.retold import Retold
from tests.support.sample_ledger import NOW, look
from tests.support.yahoo_series import make_series

TICKERS = ("BBAS3.SA", "ITUB4.SA", "PETR4.SA", "VALE3.SA")
FORMATS = ("parquet", "csv")
# By the folder that each is exported to: format and layout.
EXPORTS = {f"{form}-{layout}": (form, layout) for form in FORMATS for layout in ("year", "ticker")}
PARQUET = [name for name, (form, _) in EXPORTS.items() if form == "parquet"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the whole sample in it, exported in both formats and layouts."""
    folder = tmp_path_factory.mktemp("sample")
    asked = [word for ticker in TICKERS for word in ("--ticker", ticker)]
    assert 1 == run_main("--no-network", *asked, "--jobs", "1", cwd=folder, env=NOW).code
    for name, (file_format, layout) in EXPORTS.items():
        done = look("export", "--out", name, "--format", file_format, "--layout", layout, cwd=folder)
        assert 0 == done.code, done.err
    return folder


@pytest.fixture
def ledger(place: Path) -> Iterator[Ledger]:
    """The ledger that was exported."""
    with open_ledger(place / "dados") as ledger:
        yield ledger


def manifest(folder: Path) -> Manifest:
    """Return the manifest of the export in `folder`."""
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)


def sums(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Return by ticker and year: sessions, shares, sum of closes, of adjusted closes, the first day and the last."""
    found = []
    for ticker in TICKERS:
        rows = ledger.prices(ticker, adjusted=True).rows()
        for year in sorted({row.date.year for row in rows}):
            of_year = [row for row in rows if row.date.year == year]
            found.append(
                (
                    ticker,
                    year,
                    len(of_year),
                    sum(row.volume for row in of_year),
                    pytest.approx(float(sum(row.close for row in of_year)), rel=1e-12),
                    pytest.approx(sum(row.adj_close for row in of_year), rel=1e-12),
                    of_year[0].date,
                    of_year[-1].date,
                )
            )
    return found


@pytest.mark.parametrize("name", EXPORTS)
def test_duckdb_reads_it_as_it_stands(name: str, place: Path, ledger: Ledger) -> None:
    """By folders that name the year, and ticker and year; counts and sums are the API's."""
    file_format, _ = EXPORTS[name]
    files = place / name / "prices" / "**" / f"*.{file_format}"
    query = """
        select ticker, year, count(*), sum(volume), sum(close), sum(adj_close), min(date), max(date)
        from '{}' group by all order by all
    """
    assert sums(ledger) == duckdb.execute(query.format(files)).fetchall()
    actions = place / name / "actions" / "**" / f"*.{file_format}"
    assert [
        ("BBAS3.SA", date(2025, 4, 16), "split", None, 2, 1),
        ("VALE3.SA", date(2025, 3, 12), "dividend", 2.0, None, None),
    ] == duckdb.execute(
        f"select ticker, date, kind, amount, numerator, denominator from '{actions}' order by all"  # noqa: S608 - a path of ours
    ).fetchall()


@pytest.mark.parametrize("name", PARQUET)
def test_pyarrow_reads_it_as_it_stands(name: str, place: Path, ledger: Ledger) -> None:
    """Every row and every value."""
    table = pyarrow.dataset.dataset(place / name / "prices", partitioning="hive").to_table()
    assert {*ExportedPrice.__struct_fields__, "year"} == {*table.column_names}
    rows = sorted(table.to_pylist(), key=lambda row: (row["ticker"], row["date"]))
    assert [plain(row) for ticker in TICKERS for row in ledger.prices(ticker, adjusted=True).rows()] == rows


def plain(row: msgspec.Struct) -> dict[str, Any]:
    """Return a row of the API as Parquet has it: its prices as doubles, and its year."""
    prices = {"open", "high", "low", "close", "provider_adj_close"}
    cells = msgspec.structs.asdict(row)
    doubles = {name: None if cells[name] is None else float(cells[name]) for name in prices}
    return {**cells, **doubles, "year": cells["date"].year}


@pytest.mark.parametrize("name", PARQUET)
def test_polars_reads_it_as_it_stands(name: str, place: Path, ledger: Ledger) -> None:
    """With days as days."""
    frame = pl.read_parquet(place / name / "prices" / "**" / "*.parquet", hive_partitioning=True)
    assert [sum(found[2] for found in sums(ledger)), pl.Date] == [len(frame), frame.schema["date"]]


@pytest.mark.parametrize("name", EXPORTS)
def test_the_manifest_names_every_file_and_the_position(name: str, place: Path, ledger: Ledger) -> None:
    """With rows and SHA-256 of each, and whose series it is."""
    folder = place / name
    told = manifest(folder)
    assert ("b3-ledger export 3", *EXPORTS[name], "sample", ledger.head.size, ledger.head.link.hex()) == (
        told.format,
        told.file_format,
        told.layout,
        told.kind,
        told.position,
        told.head,
    )
    found = {str(path.relative_to(folder)): digest(path) for path in folder.rglob("*") if path.is_file()}
    del found["manifest.json"]
    assert {file.path: file.sha256 for file in told.files} == found
    assert {ticker: ("sample", len(ledger.prices(ticker))) for ticker in TICKERS} == {
        one.ticker: (one.provider, one.prices) for one in told.series
    }
    assert sum(one.prices + one.actions for one in told.series) == sum(file.rows for file in told.files)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_exported_holds_to_its_schemas(place: Path) -> None:
    """The manifest, and the rows as JSON has them."""
    objects = {"export-manifest": [msgspec.json.decode((place / "csv-year" / "manifest.json").read_bytes())]}
    for name, row_type, folder in (
        ("export-price", ExportedPrice, "prices"),
        ("export-action", ExportedAction, "actions"),
    ):
        table = pyarrow.dataset.dataset(place / "parquet-year" / folder, format="parquet").to_table()
        objects[name] = [msgspec.to_builtins(row_type(**row)) for row in table.to_pylist()]
    for name, rows in objects.items():
        schema = msgspec.json.decode((REPOSITORY / "docs" / "schemas" / f"{name}.schema.json").read_bytes())
        validator = jsonschema.Draft202012Validator(schema)
        assert (True, []) == (bool(rows), [error.message for row in rows for error in validator.iter_errors(row)])


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_position_gives_the_same_bytes_for_ever(file_format: str, retold: Path, tmp_path: Path) -> None:
    """Then, and after the provider told the series again; now it is another export."""
    out = [tmp_path / name for name in ("then", "again", "now")]
    for path, args in zip(out, (["--as-of", str(FIRST_DECISION)], ["--as-of", "2026-02-12"], []), strict=True):
        done = look_at_retold("export", "--out", str(path), "--format", file_format, *args, cwd=retold)
        assert 0 == done.code, done.err
    then, again, now = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in out
    )
    names = {name for name in then if name != "manifest.json"}
    assert {name: then[name] for name in names} == {name: again[name] for name in names}
    assert (FIRST_DECISION + 1, len(DAYS) - 1, 0) == (
        manifest(out[0]).position,
        manifest(out[0]).series[0].prices,
        manifest(out[0]).series[0].actions,
    )
    assert (len(DAYS), 1) == (manifest(out[2]).series[0].prices, manifest(out[2]).series[0].actions)
    assert all(then[name] != now[name] for name in names)


def test_the_same_export_twice_is_the_same_bytes(place: Path, tmp_path: Path) -> None:
    """The manifest too."""
    again = tmp_path / "again"
    assert 0 == look("export", "--out", str(again), "--format", "parquet", "--ticker", "vale3", cwd=place).code
    first = {str(path.relative_to(again)): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    done = look("export", "--out", str(again), "--format", "parquet", "--ticker", "vale3", cwd=place)
    told = manifest(again)
    assert first == {str(path.relative_to(again)): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert (
        f"{again}: tickers 1, prices 503, actions 1, files 4 | position {told.position} | head {told.head}\n"
        == done.out
    )


def test_an_index_has_a_folder_that_every_reader_decodes(tmp_path: Path) -> None:
    """Its sign is quoted in the folder's name, and plain in what readers say."""
    told = Retold(tmp_path, began=datetime(2026, 2, 12, 22, tzinfo=UTC))
    told.tell("^BVSP", make_series(DAYS, seed=1), Window(DAYS[0], DAYS[-1]), datetime(2026, 2, 12, 22, tzinfo=UTC))
    done = run_main("export", "--out", "out", "--format", "parquet", "--layout", "ticker", cwd=tmp_path)
    assert 0 == done.code, done.err
    files = tmp_path / "out" / "prices"
    assert ["ticker=%5EBVSP"] == [path.name for path in files.iterdir()]
    assert ["^BVSP"] == pyarrow.dataset.dataset(files, partitioning="hive").to_table()["ticker"].unique().to_pylist()
    assert [("^BVSP",)] == duckdb.execute(f"select distinct ticker from '{files}/**/*.parquet'").fetchall()  # noqa: S608 - ours
    assert ["^BVSP"] == pl.read_parquet(files / "**" / "*.parquet", hive_partitioning=True)["ticker"].unique().to_list()


def test_one_series_stands_for_a_ticker(tmp_path: Path) -> None:
    """PRICE_SOURCES picks, `--source` overrules it, and a ticker without that source is left out."""
    retell(tmp_path)
    made(tmp_path / "A.TXT", [line(date(2025, 1, 2)), line(date(2025, 1, 2), "VALE3")])
    assert 0 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=tmp_path).code
    for args, expected in (
        ([], {TICKER: "yfinance", "VALE3.SA": "cotahist"}),
        (["--source", "cotahist"], {TICKER: "cotahist", "VALE3.SA": "cotahist"}),
        (["--source", "yfinance"], {TICKER: "yfinance"}),
    ):
        done = run_main("export", "--out", "out", "--format", "csv", *args, cwd=tmp_path)
        assert 0 == done.code, done.err
        assert expected == {one.ticker: one.provider for one in manifest(tmp_path / "out").series}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--ticker", "XXXX3"], "got no series of XXXX3.SA, want one that was ingested"),
        (
            ["--ticker", "PETR4", "--source", "cotahist"],
            "got no series of PETR4.SA from cotahist, want one from sample",
        ),
        (["--as-of", "0"], "got no price in the first 1 events, want at least one"),
        (["--out", "snapshots"], "got BBAS3-20260213.csv in snapshots, want an empty folder or an export"),
    ],
)
def test_what_cannot_be_exported_is_exit_3(args: list[str], message: str, place: Path) -> None:
    """One line, and nothing is left behind."""
    before = sorted(place.rglob("*"))
    done = look("export", "--out", "new", "--format", "csv", *args, cwd=place)
    assert (3, f"error: {message}") == (done.code, done.err.splitlines()[0])
    assert before == sorted(place.rglob("*"))


def test_what_a_killed_command_left_is_gone_after_the_next(copy: Path) -> None:
    """Killed with every file written but the manifest."""
    export = ("export", "--out", "out", "--format", "csv")
    before = set(copy.iterdir())
    die_at(Workplace(copy, None, **NOW), "cli.commands.prices.export.command:put_manifest", *export)
    (left,) = set(copy.iterdir()) - before
    assert left.name.startswith(".out.")
    assert 0 == look(*export, cwd=copy).code
    assert {copy / "out"} == set(copy.iterdir()) - before


def test_rows_are_by_ticker_and_date_and_skipped_by_their_statistics(place: Path) -> None:
    """So that an engine reads a ticker's row group and no other."""
    files = sorted((place / "parquet-year" / "prices").rglob("*.parquet"))
    for path in files:
        found = pyarrow.parquet.read_table(path, columns=["ticker", "date"]).to_pylist()
        assert found == sorted(found, key=lambda row: (row["ticker"], row["date"]))
        assert [path.parent.name] == sorted({f"year={row['date'].year}" for row in found})
        assert pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0).has_column_index
    assert len(files) > 1


def test_a_retired_series_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    """By its name, or with all of them; as of a position before its end it is there."""
    retell(tmp_path)
    made(tmp_path / "A.TXT", [line(date(2025, 1, 2), "VALE3")])
    assert 0 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=tmp_path).code
    before = str(open_ledger(tmp_path / "dados").head.size - 1)
    end = ("retire", "VALE3", "--on", "2025-01-02", "--reason", "it ended", "--clock-ok")
    done = run_main(*end, cwd=tmp_path)
    assert 0 == done.code, done.err
    for args, tickers in (
        ([], [TICKER]),
        (["--retired"], [TICKER, "VALE3.SA"]),
        (["--ticker", "VALE3"], ["VALE3.SA"]),
        (["--as-of", before], [TICKER, "VALE3.SA"]),
    ):
        done = run_main("export", "--out", "out", "--format", "csv", *args, cwd=tmp_path)
        assert 0 == done.code, done.err
        assert tickers == [one.ticker for one in manifest(tmp_path / "out").series]


@pytest.mark.parametrize(("version", "without"), [(1, ["layout"]), (2, [])])
def test_an_export_of_an_older_format_is_replaced(
    version: int, without: list[str], place: Path, tmp_path: Path
) -> None:
    """The first had one layout, and did not say so; the second had fewer columns of actions."""
    out = tmp_path / "out"
    ask = ("export", "--out", str(out), "--format", "csv", "--layout", "ticker")
    assert 0 == look(*ask, cwd=place).code
    old = msgspec.json.decode((out / "manifest.json").read_bytes())
    for name in without:
        del old[name]
    (out / "manifest.json").write_bytes(msgspec.json.encode({**old, "format": f"b3-ledger export {version}"}))
    assert 0 == look(*ask, cwd=place).code
    assert "b3-ledger export 3" == manifest(out).format


@pytest.mark.parametrize("layout", ["year", "ticker"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_actions_are_exported_with_all_that_is_known_of_them(file_format: str, layout: str, tmp_path: Path) -> None:
    """A right to subscribe with its strike, by which alone prices can be adjusted for it."""
    made(tmp_path / "A.TXT", [line(date(2025, 1, 2))])
    assert 0 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=tmp_path).code
    (tmp_path / "p.csv").write_text(
        "ticker,ex_date,kind,amount,ratio,com_date,pay_date,isin,label,strike,reason\n"
        "PETR4,2025-06-03,subscription,,1:10,2025-06-02,2025-07-01,BRPETRACNPR6,SUBSCRICAO,7.25,notice\n"
    )
    done = run_main("import-actions", "p.csv", cwd=tmp_path)
    assert 0 == done.code, done.err
    done = run_main("export", "--out", "out", "--format", file_format, "--layout", layout, cwd=tmp_path)
    assert 0 == done.code, done.err
    read = duckdb.read_csv if file_format == "csv" else duckdb.read_parquet
    names = "numerator, denominator, com_date, pay_date, isin, label, strike"
    found = read(f"{tmp_path}/out/actions/**/*.{file_format}").project(names).fetchall()
    assert [(1, 10, date(2025, 6, 2), date(2025, 7, 1), "BRPETRACNPR6", "SUBSCRICAO", 7.25)] == found


@pytest.mark.parametrize("layout", ["year", "ticker"])
def test_instruments_are_exported_as_they_are_listed(layout: str, tmp_path: Path) -> None:
    """Of the tickers that are exported, in one file."""
    made(tmp_path / "A.TXT", [line(date(2025, 1, 2)), line(date(2025, 1, 2), "VALE3")])
    assert 0 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=tmp_path).code
    ask = ("export", "--out", "out", "--format", "parquet", "--layout", layout, "--ticker", "VALE3")
    assert 0 == run_main(*ask, cwd=tmp_path).code
    with open_ledger(tmp_path / "dados") as ledger:
        want = ledger.instruments("VALE3").to_arrow().to_pylist()
    assert want == pyarrow.parquet.read_table(tmp_path / "out" / "instruments" / "instruments.parquet").to_pylist()
    assert "instruments/instruments.parquet" in {file.path for file in manifest(tmp_path / "out").files}


@pytest.mark.parametrize("layout", ["year", "ticker"])
def test_every_field_of_the_exchange_is_exported_where_it_is_asked_for(layout: str, tmp_path: Path) -> None:
    """By ticker and day, a file per year, with the values of the API; without the option there is none."""
    for day in (date(2024, 12, 30), date(2025, 1, 2)):
        made(tmp_path / f"{day.year}.TXT", [line(day, code) for code in ("PETR4", "VALE3")], year=day.year)
    assert 0 == run_main("import-cotahist", "2024.TXT", "2025.TXT", "--clock-ok", cwd=tmp_path).code
    ask = ("export", "--out", "out", "--format", "parquet", "--layout", layout)
    assert 0 == run_main(*ask, "--fields", cwd=tmp_path).code
    with open_ledger(tmp_path / "dados") as ledger:
        want = [row for name in ("PETR4", "VALE3") for row in ledger.quotations(name).to_arrow().to_pylist()]
    found = pyarrow.dataset.dataset(tmp_path / "out" / "market", partitioning="hive").to_table().to_pylist()
    rows = [{name: value for name, value in row.items() if name != "year"} for row in found]
    assert want == sorted(rows, key=lambda row: (row["ticker"], row["date"]))
    assert {2024, 2025} == {row["year"] for row in found}
    files = {file.path: file.rows for file in manifest(tmp_path / "out").files if file.path.startswith("market/")}
    assert (2 if layout == "year" else 4) == len(files)
    assert 4 == sum(files.values())
    assert 0 == run_main(*ask, cwd=tmp_path).code
    assert not (tmp_path / "out" / "market").exists()


@pytest.mark.parametrize("form", [("--for", "zipline"), ("--format", "delta")])
def test_a_table_that_has_no_room_for_fields_refuses_them(form: tuple[str, str], tmp_path: Path) -> None:
    """As it does other options of the folders."""
    done = run_main("export", "--out", "out", *form, "--fields", cwd=tmp_path)
    assert 3 == done.code
    assert "got --fields with" in done.err
