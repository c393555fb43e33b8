"""A Delta table of every revision: added to by one commit a run, and all that any position held can be read from it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars as pl
import pytest

from cli.app.errors import NotAnExportError, TableRefusedError
from cli.commands.prices.export import delta
from ledger.errors import UnwritableError
from ledger.log_source import LogSource
from ledger.memory_log import MemoryLog
from ledger.objects.errors import PlaceError
from ledger.values import RawAction, Window
from projections.api import series_rows
from projections.models import prices
from projections.store.runner import open_view
from projections.store.store import View
from tests.cli.retelling import CORRECTED, FIRST_DECISION, NEW_CLOSE, OLD_CLOSE, WITHDRAWN, look, retell
from tests.e2e.test_crash import die_at
from tests.e2e.workplace import Workplace
from tests.ledger.ingest.answers import run_of, session
from tests.projections.relations.test_sessions import realistic
from tests.projections.store.test_runner import Prefix
from tests.projections.story import Story, bar, day
from tests.support.committed import CommittedLog
from tests.support.sample_ledger import NOW
from tests.support.sample_ledger import look as look_at_sample

# The views of docs/tutorial.md: what was in force once so many events were read.
HELD = """
    select * from revisions where seq < {position} and close is not null
    qualify row_number() over (partition by provider, ticker, date order by seq desc) = 1
    order by ticker, provider, date
"""
VALUES = ("open", "high", "low", "close", "volume", "provider_adj_close", "seq")


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    """A log of a year of use: splits, dividends, corrections, rejected answers."""
    return realistic(200)


@pytest.fixture
def view(log: MemoryLog) -> Iterator[View]:
    """What is read of it."""
    with open_view(log, None) as found:
        yield found


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return every row, as Polars reads the table."""
    return pl.read_delta(str(path)).sort("seq", "ticker", "provider", "date").to_dicts()


def held(path: Path, position: int) -> list[tuple[Any, ...]]:
    """Return what the table says was held then."""
    revisions = deltalake.DeltaTable(str(path)).to_pyarrow_dataset()  # noqa: F841 - DuckDB reads it by its name
    found = duckdb.sql(HELD.format(position=position)).to_arrow_table().to_pylist()
    return [(row["ticker"], row["date"], *(row[name] for name in VALUES)) for row in found]


def held_by_rows(view: View, position: int) -> list[tuple[Any, ...]]:
    """Return the same by the Python API."""
    tables = view.state[prices.NAME]
    rows = [row for one in prices.all_series(tables) for row in series_rows.prices(tables, one, position)]
    doubles = {"open", "high", "low", "close", "provider_adj_close"}

    def plain(row: Any, name: str) -> Any:
        value = getattr(row, name)
        return float(value) if name in doubles and value is not None else value

    return [(row.ticker, row.date, *(plain(row, name) for name in VALUES)) for row in rows]


def test_every_position_can_be_read_from_one_table(log: LogSource, view: View, tmp_path: Path) -> None:
    """However many runs it was written by; its rows are the same, and each old value is the one before."""
    size = log.head().size
    for name, cuts in (("once", [size]), ("often", [1, size // 5, size // 3, size // 3, size - 2, size])):
        for position in cuts:
            done = delta.exported(log, view, position, tmp_path / name)
        assert (len(set(cuts)) - 1, size) == (done.version, done.position)
        for position in (1, size // 4, size // 2, size):
            assert held_by_rows(view, position) == held(tmp_path / name, position)
    once = rows_of(tmp_path / "once")
    assert once == rows_of(tmp_path / "often")
    before: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in once:
        key = row["provider"], row["ticker"], row["date"]
        old = before.get(key)
        assert (old or dict.fromkeys(row))["close"] == row["old_close"]
        assert (old["seq"] if old else None) == row["old_seq"]
        if row["close"] is not None:
            before[key] = row
    assert {"first", "correction"} == {row["cause"] for row in once}


def test_the_cause_of_a_revision_is_the_one_that_commands_print(log: LogSource, view: View, tmp_path: Path) -> None:
    """A bar is rescaled where all of its values were: here by a split, with one close corrected besides."""
    split = CommittedLog()
    closes = [10 + number for number in range(8)]
    split.answer(run_of([float(close) for close in closes]), [], Window(session(0), session(7)))
    halves = [close / 2 for close in closes[:6]] + [9.0, 8.5]
    split.answer(run_of(halves), [RawAction(session(8), "split", 2.0)], Window(session(0), session(8)))
    with open_view(split.log, None) as rescaled:
        assert {"correction", "rescale"} < _same_causes(split.log, rescaled, tmp_path / "rescaled")
    assert {"first", "correction"} == _same_causes(log, view, tmp_path / "table")


def _same_causes(log: LogSource, view: View, path: Path) -> set[str]:
    """Return the causes in the table, once they are those of the changes."""
    delta.exported(log, view, log.head().size, path)
    found = {(row["ticker"], row["date"], row["seq"]): row["cause"] for row in rows_of(path)}
    tables, causes = view.state[prices.NAME], dict[tuple[Any, ...], set[str]]()
    for series in prices.all_series(tables):
        for one in series_rows.changes(tables, series, everything=True):
            causes.setdefault((one.ticker, one.date, one.seq), set()).add(one.cause)
    assert found == {key: "correction" if len(of) > 1 else next(iter(of)) for key, of in causes.items()}
    return set(found.values())


def test_a_run_repeated_adds_nothing(log: LogSource, view: View, tmp_path: Path) -> None:
    """No version, no file, no byte."""
    size = log.head().size
    delta.exported(log, view, size, tmp_path / "table")
    before = {path: path.read_bytes() for path in (tmp_path / "table").rglob("*") if path.is_file()}
    done = delta.exported(log, view, size, tmp_path / "table")
    assert (0, 0, size, size) == (done.version, done.rows, done.since, done.position)
    assert before == {path: path.read_bytes() for path in (tmp_path / "table").rglob("*") if path.is_file()}


def test_a_commit_names_ledger_position_and_head(log: LogSource, view: View, tmp_path: Path) -> None:
    """And statistics by which readers skip the file; rows can be added, and nothing else."""
    size = log.head().size
    delta.exported(log, view, size, tmp_path / "table")
    (written,) = sorted((tmp_path / "table" / "_delta_log").glob("*.json"))
    commit = {kind: said for line in written.read_text().splitlines() for kind, said in json.loads(line).items()}
    (created,) = log.read(0, 1)
    assert log.head().link.hex() == commit["commitInfo"]["b3ledgerHead"]
    assert (commit["commitInfo"]["b3ledgerId"], size) == (commit["txn"]["appId"], commit["txn"]["version"])
    assert bytes.fromhex(commit["txn"]["appId"]) in created.body
    rows, said = rows_of(tmp_path / "table"), json.loads(commit["add"]["stats"])
    assert (len(rows), min(row["ticker"] for row in rows), str(max(row["date"] for row in rows))) == (
        said["numRecords"],
        said["minValues"]["ticker"],
        said["maxValues"]["date"],
    )
    with pytest.raises(deltalake.exceptions.DeltaError, match="append"):
        deltalake.DeltaTable(str(tmp_path / "table")).delete()


def test_a_table_that_is_not_this_ledgers_is_refused(log: MemoryLog, view: View, tmp_path: Path) -> None:
    """Another ledger's; one that is ahead, of the log or of what was asked for; one that the log does not extend."""
    size, table = log.head().size, tmp_path / "table"
    delta.exported(log, view, size - 1, table)
    before = rows_of(table)
    other = realistic(3, number=9)
    forked = realistic(200, seed=4)
    cases: list[tuple[LogSource, int, str]] = [
        (other, other.head().size, "got a table of another ledger"),
        (Prefix(log, size - 5), size - 5, f"want at most the {size - 5} of the log"),
        (log, size - 3, f"got a table of {size - 1} events"),
        (forked, forked.head().size, f"after {size - 1} events at .*, want the log's"),
    ]
    for source, position, message in cases:
        with open_view(source, None) as of, pytest.raises(TableRefusedError, match=message):
            delta.exported(source, of, position, table)
    assert before == rows_of(table)
    assert size == delta.exported(log, view, size, table).position


def test_somebody_elses_table_or_folder_is_left_alone(log: LogSource, view: View, tmp_path: Path) -> None:
    """Nothing is written into it."""
    deltalake.write_deltalake(str(tmp_path / "table"), pl.DataFrame({"a": [1]}))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TableRefusedError, match="got a table of another ledger"):
        delta.exported(log, view, 5, tmp_path / "table")
    with pytest.raises(NotAnExportError, match=r"got notes.txt in"):
        delta.exported(log, view, 5, tmp_path / "folder")
    assert before == sorted(tmp_path.rglob("*"))


def test_two_runs_at_once_commit_once(
    log: LogSource, view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At an address, where no lock is held: the one that comes second is refused, and its rows are nowhere."""
    size, url = log.head().size, (tmp_path / "table").as_uri()
    delta.exported(log, view, size // 2, url)
    first = delta._commit

    def overtaken(*args: Any, **rest: Any) -> None:
        monkeypatch.setattr(delta, "_commit", first)
        delta.exported(log, view, size, url)
        first(*args, **rest)

    monkeypatch.setattr(delta, "_commit", overtaken)
    with pytest.raises(UnwritableError):
        delta.exported(log, view, size, url)
    once = tmp_path / "once"
    delta.exported(log, view, size, once)
    assert rows_of(once) == rows_of(tmp_path / "table")


def test_the_end_of_a_ticker_is_a_row(tmp_path: Path) -> None:
    """With its day; and so is that it did not end after all."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(1)])
    story.retired(on=day(1))
    story.retired(on=day(1), undone=True)
    with open_view(story.log, None) as found:
        delta.exported(story.log, found, story.log.head().size, tmp_path / "table")
    rows = [(row["cause"], row["ticker"], row["date"], row["close"]) for row in rows_of(tmp_path / "table")]
    assert [
        ("first", "PETR4.SA", day(1), 10.0),
        ("retired", "PETR4.SA", day(1), None),
        ("retirement_undone", "PETR4.SA", day(1), None),
    ] == rows


def test_a_kill_between_data_and_commit_leaves_no_trace(copy: Path) -> None:
    """Of a first run and of a later one: readers see what was there, and the next run removes what was left."""
    export, table = ("export", "--format", "delta", "--out", "table"), copy / "table"
    workplace = Workplace(copy, None, **NOW)
    die_at(workplace, "cli.commands.prices.export.delta:_commit", *export, "--as-of", "3")
    assert [False, 1] == [deltalake.DeltaTable.is_deltatable(str(table)), len(list(table.iterdir()))]
    assert 0 == look_at_sample(*export, "--as-of", "4", cwd=copy).code
    before = rows_of(table)
    die_at(workplace, "cli.commands.prices.export.delta:_commit", *export)
    assert before == rows_of(table)
    assert 2 == len(list(table.glob("*.parquet")))
    assert 0 == look_at_sample(*export, cwd=copy).code
    named = {uri.rpartition("/")[2] for uri in deltalake.DeltaTable(str(table)).file_uris()}
    assert named == {one.name for one in table.glob("*.parquet")}
    assert len(before) < len(rows_of(table))


def test_the_command_says_what_it_added(tmp_path: Path) -> None:
    """As of a position and then of now; options of the other formats are refused."""
    retell(tmp_path)
    export = ("export", "--out", "table", "--format", "delta")
    first, second = (look(*export, *args, cwd=tmp_path) for args in (["--as-of", str(FIRST_DECISION)], []))
    assert (0, 0) == (first.code, second.code), second.err
    assert "table: version 1, revisions" in second.out
    by_day = {(row["date"], row["seq"]): row for row in rows_of(tmp_path / "table")}
    corrected = next(row for (date, seq), row in by_day.items() if date == CORRECTED and seq > FIRST_DECISION)
    assert (OLD_CLOSE, NEW_CLOSE, "correction") == (corrected["old_close"], corrected["close"], corrected["cause"])
    withdrawn = next(row for (date, seq), row in by_day.items() if date == WITHDRAWN and seq > FIRST_DECISION)
    assert (None, "withdrawn", FIRST_DECISION) == (withdrawn["close"], withdrawn["cause"], withdrawn["old_seq"])
    again = look(*export, "--as-of", "1", cwd=tmp_path)
    assert (2, True) == (again.code, again.err.startswith("error: got a table of"))
    done = look(*export, "--ticker", "PETR4", cwd=tmp_path)
    assert (3, True) == (done.code, "got --ticker with --format delta" in done.err)


def test_an_address_that_arrow_does_not_know_is_refused(log: LogSource, view: View) -> None:
    """As one of no store is by every other export; what it hides stays hidden."""
    with pytest.raises(PlaceError, match=r"^got ftp://\*\*\*@x/y with another scheme or no place, want one of Arrow's"):
        delta.exported(log, view, log.head().size, "ftp://user:pass@x/y")
