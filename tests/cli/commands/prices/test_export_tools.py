"""What is exported for one tool is opened by that tool's own reader, and says what the ledger holds.

Where a reader is not installed its test is skipped by name; the documented format is held to without it.
"""

import hashlib
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import isnan, prod
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.commands.prices.export.row import Manifest
from cli.commands.prices.export.tools import commodity
from ledger.market.sessions import sessions
from ledger.values import Window
from projections import open_ledger
from projections.api.ledger import Ledger
from tests.support.cli import run_main
from tests.support.cotahist import line, made
from tests.support.retold import Retold
from tests.support.yahoo_series import Series, dividend, flat

DAYS = sessions(Window(date(2026, 1, 5), date(2026, 1, 16)))
PAID, PARTED, UNHELD = DAYS[3], DAYS[5], DAYS[4]
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
TRADED = [3000, 3011, 3022, 2903, 2914, 1465, 1476, 1487, 1498, 1509]  # centavos: one share became two
PETR4 = dict(zip(DAYS, TRADED, strict=True))
BBAS3 = {day: 2750 + number for number, day in enumerate(DAYS[2:]) if day != UNHELD}
VALE3 = dict.fromkeys(DAYS, 6001)  # of which no provider told an action, or that there is none
TOOLS = ("zipline", "qlib", "beancount")
BARS = ("open", "high", "low", "close")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with three series of the exchange's, exported for each tool."""
    folder = tmp_path_factory.mktemp("tools")
    ledger = Retold(folder, began=NOW)
    petr4 = Series(days=tuple(flat(day, close / 100 / (1 if day >= PARTED else 2)) for day, close in PETR4.items()))
    for ticker, series in (
        ("PETR4.SA", dividend(msgspec.structs.replace(petr4, splits=((PARTED, 2, 1),)), PAID, 0.5)),
        ("BBAS3.SA", Series(days=tuple(flat(day, close / 100) for day, close in BBAS3.items()))),
    ):
        ledger.tell(ticker, series, Window(DAYS[0], DAYS[-1]), NOW)
    lines = [
        line(day, code, close)
        for code, closes in (("PETR4", PETR4), ("BBAS3", BBAS3), ("VALE3", VALE3))
        for day, close in closes.items()
    ]
    made(folder / "A.TXT", lines, year=2026)
    assert 1 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=folder).code  # it flags the halved price
    for tool in TOOLS:
        export(folder, tool, tool)
    return folder


@pytest.fixture
def ledger(place: Path) -> Iterator[Ledger]:
    """The ledger that was exported."""
    with open_ledger(place / "dados") as ledger:
        yield ledger


def export(folder: Path, out: str, tool: str, *args: str) -> None:
    """Export for a tool what the exchange's files say."""
    done = run_main("export", "--out", out, "--for", tool, "--source", "cotahist", *args, cwd=folder)
    assert 0 == done.code, done.err


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> Manifest:
    """Return the manifest of the export in `folder`."""
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)


def test_zipline_has_prices_as_traded_and_what_a_share_was_paid_and_became(place: Path) -> None:
    """R$ 0.50 of today's shares was R$ 1 of those that traded then; a split of two is 2."""
    rows = [text.split(",") for text in (place / "zipline" / "daily" / "PETR4.csv").read_text().splitlines()]
    assert ["date", *BARS, "volume", "dividend", "split"] == rows.pop(0)
    assert [(day.isoformat(), close / 100) for day, close in PETR4.items()] == [(row[0], float(row[4])) for row in rows]
    assert {PAID: ("1.0", "1.0"), PARTED: ("0.0", "2.0")} == {
        date.fromisoformat(row[0]): (row[6], row[7]) for row in rows if row[6:] != ["0.0", "1.0"]
    }


def test_zipline_has_a_row_without_prices_for_a_session_that_is_not_held(place: Path) -> None:
    """Its reader wants every session of its calendar."""
    rows = (place / "zipline" / "daily" / "BBAS3.csv").read_text().splitlines()[1:]
    assert [day.isoformat() for day in DAYS[2:]] == [row[:10] for row in rows]
    assert [f"{UNHELD},,,,,0,0.0,1.0"] == [row for row in rows if ",,," in row]


def test_what_zipline_is_told_gives_the_ledgers_factors(place: Path, ledger: Ledger) -> None:
    """The product over later sessions of `(1 - dividend / close before) / split`."""
    rows = [text.split(",") for text in (place / "zipline" / "daily" / "PETR4.csv").read_text().splitlines()[1:]]
    steps = [(1 - Fraction(row[6]) / Fraction(before[4])) / Fraction(row[7]) for before, row in pairwise(rows)]
    want = [row.factor for row in ledger.prices("PETR4", adjusted=True, source="cotahist").rows()]
    assert [float(prod(steps[number:], start=Fraction(1))) for number in range(len(rows))] == pytest.approx(want)
    assert want[0] < 0.5


@pytest.mark.filterwarnings("default")
def test_zipline_ingests_and_reads_it(place: Path, tmp_path: Path) -> None:
    """By its bundle csvdir, on the calendar of B3."""
    pytest.importorskip("zipline", reason="zipline-reloaded is not installed")
    import pandas as pd
    from zipline.data import bundles
    from zipline.data.bundles.csvdir import csvdir_equities

    environ = {"ZIPLINE_ROOT": str(tmp_path)}
    bundles.register(
        "b3",
        csvdir_equities(["daily"], str(place / "zipline")),
        calendar_name="BVMF",
        start_session=pd.Timestamp(DAYS[0]),
        end_session=pd.Timestamp(DAYS[-1]),
    )
    bundles.ingest("b3", environ)
    data = bundles.load("b3", environ)
    reader = data.equity_daily_bar_reader
    for symbol, closes in (("BBAS3", BBAS3), ("PETR4", PETR4), ("VALE3", VALE3)):
        asset = data.asset_finder.lookup_symbol(symbol, as_of_date=None)
        days = [day for day in DAYS if day >= min(closes)]
        found = [reader.get_value(asset.sid, pd.Timestamp(day), "close") for day in days]
        want = [closes[day] / 100 if day in closes else float("nan") for day in days]
        assert found == pytest.approx(want, nan_ok=True)
    told = data.adjustment_reader.unpack_db_to_component_dfs(convert_dates=True)
    assert [pytest.approx(1 - 1 / 30.22)] == told["dividends"]["ratio"].to_list()
    assert [(pd.Timestamp(PARTED), 0.5)] == list(told["splits"][["effective_date", "ratio"]].itertuples(index=False))
    assert [(pd.Timestamp(PAID), 1.0)] == list(
        told["dividend_payouts"][["ex_date", "amount"]].itertuples(index=False, name=None)
    )


def feature(folder: Path, name: str, field: str) -> dict[str, float]:
    """Return a feature by day, as qlib's documentation has it: float32, the place of the first day before them."""
    calendar = (folder / "calendars" / "day.txt").read_text().split()
    content = (folder / "features" / name / f"{field}.day.bin").read_bytes()
    first, *values = struct.unpack(f"<{len(content) // 4}f", content)
    return dict(zip(calendar[int(first) :], values, strict=False))


def wanted(ledger: Ledger, ticker: str) -> dict[str, dict[str, float]]:
    """Return the features that the ledger's adjusted prices make."""
    found: dict[str, dict[str, float]] = {}
    for row in ledger.prices(ticker, adjusted=True, source="cotahist").rows():
        values: dict[str, Any] = {name: getattr(row, f"adj_{name}") for name in BARS}
        for name, value in {**values, "volume": row.volume / row.factor, "factor": row.factor}.items():
            found.setdefault(name, {})[row.date.isoformat()] = float(value)
    return found


@pytest.mark.parametrize("ticker", ["PETR4", "BBAS3"])
def test_qlib_has_adjusted_prices_and_the_factor_that_leads_back(ticker: str, place: Path, ledger: Ledger) -> None:
    """Adjusted volume too; NaN on a day that others traded."""
    for field, values in wanted(ledger, ticker).items():
        found = feature(place / "qlib", ticker.lower(), field)
        unheld = {day for day, value in found.items() if isnan(value)}
        assert ({UNHELD.isoformat()} if ticker == "BBAS3" else set()) == unheld
        assert values == pytest.approx({day: value for day, value in found.items() if day not in unheld}, rel=1e-6)
    closes = feature(place / "qlib", "petr4", "close"), feature(place / "qlib", "petr4", "factor")
    assert [close / factor for close, factor in zip(*(of.values() for of in closes), strict=True)] == pytest.approx(
        [close / 100 for close in TRADED], rel=1e-6
    )


def test_qlib_has_a_calendar_and_the_span_of_each_instrument(place: Path) -> None:
    """A series whose factor nobody knows is none of them."""
    assert [day.isoformat() for day in DAYS] == (place / "qlib" / "calendars" / "day.txt").read_text().splitlines()
    assert [f"BBAS3\t{DAYS[2]}\t{DAYS[-1]}", f"PETR4\t{DAYS[0]}\t{DAYS[-1]}"] == (
        place / "qlib" / "instruments" / "all.txt"
    ).read_text().splitlines()
    assert ["BBAS3.SA", "PETR4.SA"] == [one.ticker for one in manifest(place / "qlib").series]


@pytest.mark.filterwarnings("default")
def test_qlib_reads_it(place: Path, ledger: Ledger) -> None:
    """Initialised with the folder: calendar, instruments and expressions over features."""
    qlib = pytest.importorskip("qlib", reason="pyqlib is not installed")
    import pandas as pd
    from qlib.data import D

    qlib.init(provider_uri=str(place / "qlib"), region="us", kernels=1)
    assert [pd.Timestamp(day) for day in DAYS] == list(D.calendar())
    assert {
        "BBAS3": [(pd.Timestamp(DAYS[2]), pd.Timestamp(DAYS[-1]))],
        "PETR4": [(pd.Timestamp(DAYS[0]), pd.Timestamp(DAYS[-1]))],
    } == D.list_instruments(D.instruments("all"))
    for ticker, closes in (("PETR4", PETR4), ("BBAS3", BBAS3)):
        frame = D.features([ticker], ["$close", "$volume", "$close/$factor"], disk_cache=0).loc[ticker]
        frame.index = [day.date().isoformat() for day in frame.index]
        frame = frame.dropna()
        of = wanted(ledger, ticker)
        assert of["close"] == pytest.approx(frame["$close"].to_dict(), rel=1e-6)
        assert of["volume"] == pytest.approx(frame["$volume"].to_dict(), rel=1e-6)
        want = {day.isoformat(): close / 100 for day, close in closes.items()}
        assert want == pytest.approx(frame["$close/$factor"].to_dict(), rel=1e-6)


def test_beancount_loads_every_close_in_exact_decimals(place: Path) -> None:
    """By its loader, without an error."""
    loader = pytest.importorskip("beancount.loader", reason="beancount is not installed")
    entries, errors, _ = loader.load_file(str(place / "beancount" / "prices.beancount"))
    assert [] == errors
    want = {
        (code, day, Decimal(close) / 100, "BRL")
        for code, closes in (("PETR4", PETR4), ("BBAS3", BBAS3), ("VALE3", VALE3))
        for day, close in closes.items()
    }
    assert len(want) == len(entries)
    assert want == {(one.currency, one.date, one.amount.number, one.amount.currency) for one in entries}


def test_beancount_has_a_directive_for_each_close(place: Path) -> None:
    """A line each, by ticker and day, after one that says whose series it is."""
    lines = (place / "beancount" / "prices.beancount").read_text().splitlines()
    assert "; BBAS3.SA, cotahist, as_traded" == lines[0]
    assert f"{DAYS[2]} price BBAS3 27.50 BRL" == lines[1]
    assert len(PETR4) + len(BBAS3) + len(VALE3) + 3 == len(lines)


@pytest.mark.parametrize(
    ("ticker", "name"),
    [
        ("PETR4.SA", "PETR4"),
        ("^BVSP", "INDEX.BVSP"),
        ("2WAV3.SA", "B3.2WAV3"),
        ("BBASA45@2024-11-14.SA", "BBASA45_2024-11-14"),
        ("PETR4@T030~BRR.SA", "PETR4_T030-BRR"),
    ],
)
def test_every_ticker_is_a_commodity_of_beancounts(ticker: str, name: str) -> None:
    """As its parser takes them."""
    assert name == commodity(ticker)
    parser = pytest.importorskip("beancount.parser.parser", reason="beancount is not installed")
    entries, errors, _ = parser.parse_string(f"2026-01-05 price {name} 1.00 BRL\n")
    assert ([], [name]) == (errors, [one.currency for one in entries])


@pytest.mark.parametrize("tool", TOOLS)
def test_a_position_gives_the_same_bytes_and_its_manifest_names_them(tool: str, place: Path) -> None:
    """Every file with its SHA-256, and in the place of the export before it; as of another position it is another."""
    before, told = contents(place / tool), manifest(place / tool)
    export(place, tool, tool)
    assert before == contents(place / tool)
    assert (tool, "own") == (told.file_format, told.layout)
    del before["manifest.json"]
    assert {one.path: one.sha256 for one in told.files} == {
        path: hashlib.sha256(content).hexdigest() for path, content in before.items()
    }
    assert all(one.rows > 0 for one in told.files)


def test_an_export_for_a_tool_is_as_of_a_position(place: Path, tmp_path: Path) -> None:
    """Before the exchange's files it has what was told until then, by whom it was told."""
    out = str(tmp_path / "then")
    assert 0 == run_main("export", "--out", out, "--for", "beancount", "--as-of", "2", cwd=place).code
    told = manifest(tmp_path / "then")
    assert (3, [("PETR4.SA", "yfinance", len(DAYS))]) == (
        told.position,
        [(one.ticker, one.provider, one.prices) for one in told.series],
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "got neither of --format and --for, want one of them"),
        (["--for", "qlib", "--format", "csv"], "got both of --format and --for, want one of them"),
        (["--for", "qlib", "--layout", "ticker"], "got --layout with --for qlib, want the layout of that tool"),
        (["--for", "qlib", "--out", "http://a/b"], "got http://a/b with another scheme or no place"),
        (["--for", "qlib", "--ticker", "VALE3"], "got no price in the first"),
    ],
)
def test_what_cannot_be_exported_for_a_tool_is_exit_3(args: list[str], message: str, place: Path) -> None:
    """And nothing is left behind."""
    before = sorted(place.rglob("*"))
    done = run_main("export", "--out", "new", *args, cwd=place)
    assert 3 == done.code
    assert done.err.startswith(f"error: {message}")
    assert before == sorted(place.rglob("*"))
