"""docs/schemas/ describes what `--format json` prints."""

import runpy
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from cli.app.settings import REGISTRY
from ledger.store.event_log import EventLog
from tests.support import sample_ledger
from tests.support.cli import REPOSITORY, run_main
from tests.support.cotahist import line, made
from tests.support.drafts import connection_tested

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_schemas.py"))
OUTPUTS = SCRIPT["OUTPUTS"]


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_schema_is_current(name: str) -> None:
    """Run `python scripts/make_schemas.py` after changing an output."""
    assert SCRIPT["text"](OUTPUTS[name]) == (SCRIPT["FOLDER"] / f"{name}.schema.json").read_text("utf-8")


def test_the_folder_holds_no_schema_of_nothing() -> None:
    """An output that went takes its schema along."""
    assert {f"{name}.schema.json" for name in OUTPUTS} == {path.name for path in SCRIPT["FOLDER"].iterdir()}


@pytest.mark.parametrize(
    ("name", "args", "lines"),
    [
        ("config", ["config"], len(REGISTRY)),
        ("error", ["events", "show", "99"], 1),
        ("event", ["events"], 2),
        ("event", ["events", "show", "1"], 1),
    ],
)
def test_what_is_printed_holds_to_its_schema(
    name: str, args: list[str], lines: int, tmp_path: Path, log: EventLog
) -> None:
    """Line by line."""
    log.append([connection_tested(1)], append_id=bytes(16))
    rows = run_main(*args, "--format", "json", cwd=tmp_path).lines()
    assert (lines, []) == (len(rows), faults(name, rows))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the sample's ledger in it."""
    return sample_ledger.make(tmp_path_factory.mktemp("sample"))


@pytest.mark.parametrize(
    ("name", "args", "lines"),
    [
        ("metrics", ["metrics"], 2),
        ("metrics-ingest-lag", ["metrics", "ingest-lag"], 2),
        ("metrics-last-date", ["metrics", "last-date", "PETR4"], 1),
        ("log", ["logs"], 2),
        ("verify", ["verify"], 1),
        ("audit", ["audit"], 1),
        ("replay", ["replay"], 5),
        ("rebuild", ["rebuild"], 1),
        ("rebuild", ["rebuild", "--check"], 1),
        ("snapshot", ["snapshot", "--ticker", "PETR4", "--out", "x.csv"], 1),
        ("snapshot-check", ["snapshot", "--check"], 4),
        ("snapshot-check", ["snapshot", "--check", "absent.csv"], 1),
        ("health", ["health"], 1),
        ("test-conn", ["test-conn", "--provider", "sample"], 1),
        ("error", ["accept-head", "--reason", "x", "--yes"], 1),
    ],
)
def test_what_is_printed_of_a_ledger_holds_to_its_schema(name: str, args: list[str], lines: int, sample: Path) -> None:
    """Line by line, a field that is left out too."""
    rows = sample_ledger.look(*args, "--format", "json", cwd=sample).lines()
    assert (lines, []) == (len(rows), faults(name, rows))


def test_a_backup_holds_to_its_schemas(tmp_path: Path) -> None:
    """Made, listed, checked, restored and salvaged."""
    sample_ledger.make(tmp_path)
    for name, args in (
        ("backup-create", ["backup", "--create", "--out", "a.db", "--verify"]),
        ("backup-create", ["backup", "--create"]),
        ("backup-list", ["backup", "--list"]),
        ("backup-check", ["backup", "--verify", "--from", "a.db"]),
        ("backup-restore", ["backup", "--restore", "--from", "a.db", "--dry-run"]),
        ("backup-restore", ["backup", "--restore", "--from", "a.db", "--rollback", "--yes"]),
        ("salvage", ["salvage", "--out", "saved.db"]),
        ("verify", ["verify", "a.db"]),
        ("error", ["backup", "--restore", "--from", "none.db"]),
    ):
        rows = sample_ledger.look(*args, "--format", "json", cwd=tmp_path).lines()
        assert (1, []) == (len(rows), faults(name, rows)), name


def test_a_run_holds_to_its_schema(tmp_path: Path) -> None:
    """One that created the ledger, one that failed; twice, so that fields are left out."""
    args = ["--no-network", "--ticker", "PETR4", "--ticker", "XXXX3", "--format", "json"]
    rows = [row for _ in range(2) for row in sample_ledger.look(*args, cwd=tmp_path).lines()]
    assert (["success", "error"] * 2, []) == ([row["status"] for row in rows], faults("run", rows))


def test_an_import_holds_to_its_schema(tmp_path: Path) -> None:
    """One that created the ledger, one that is known, one that was refused."""
    path = made(tmp_path / "A.TXT", [line(date(2025, 1, 2)), line(date(2025, 1, 2), "SEMNUM")])
    (tmp_path / "B.TXT").write_bytes(path.read_bytes()[:300])
    done = run_main("import-cotahist", "A.TXT", "A.TXT", "B.TXT", "--format", "json", cwd=tmp_path)
    assert (["warning", "warning", "error"], []) == (
        [row["status"] for row in done.lines()],
        faults("import-cotahist", done.lines()),
    )


def test_the_whole_exchange_holds_to_its_schemas(tmp_path: Path) -> None:
    """A session, listings, a chain, what may have been renamed, and one ticker's fields."""
    days = [date(2025, 1, 2), date(2025, 1, 3)]
    option = {"market": "070", "bdi": "78", "strike": 3700, "expiry": "20250117"}
    lines = [*(line(day) for day in days), line(days[0], "GONE3"), line(days[1], "BACK3")]
    made(tmp_path / "A.TXT", [*lines, line(days[0], "PETRA37", **option)])
    run_main("import-cotahist", "A.TXT", "--market", "all", cwd=tmp_path)
    for name, args in (
        ("price-fields", ["market", "--on", "2025-01-02"]),
        ("price-fields", ["prices", "PETR4", "--fields"]),
        ("instrument", ["instruments"]),
        ("option", ["options", "--underlying", "PETR4", "--on", "2025-01-02"]),
        ("rename", ["instruments", "--renames"]),
    ):
        rows = run_main(*args, "--format", "json", cwd=tmp_path).lines()
        assert (True, []) == (bool(rows), faults(name, rows)), name


def test_what_goes_wrong_holds_to_its_schema(sample: Path, tmp_path: Path) -> None:
    """A damaged anchor, in three commands; a mismatch; a difference."""
    folder = shutil.copytree(sample, tmp_path / "copy")
    (folder / sample_ledger.FOLDER / "head").write_bytes(bytes(128))
    (folder / "snapshots" / sample_ledger.PETR4_CSV).write_text("date\n")
    for name, args, code in (
        ("health", ["health"], 2),
        ("verify", ["verify"], 2),
        ("accept-head", ["accept-head", "--reason", "x", "--yes"], 0),
        ("verify", ["verify", "--save-head", "head.json"], 0),
        ("snapshot-check", ["snapshot", "--check"], 2),
    ):
        found = sample_ledger.look(*args, "--format", "json", cwd=folder)
        assert (name, code, []) == (name, found.code, faults(name, found.lines()))
    assert [] == faults("saved-head", [msgspec.json.decode((folder / "head.json").read_bytes())])


@pytest.mark.parametrize("change", [{"ticker": 4}, {"rows_fetched": "1"}, {"more": 1}])
def test_a_schema_refuses_other_objects(change: dict[str, object], sample: Path) -> None:
    """A field more, less, or of another type."""
    (row, _) = sample_ledger.look("metrics", "--format", "json", cwd=sample).lines()
    less = {name: value for name, value in row.items() if name != "error_count"}
    assert [1, 1, 0] == [len(faults("metrics", [one])) for one in (row | change, less, row)]


def faults(name: str, rows: list[Any]) -> list[str]:
    """Return what in `rows` the schema does not allow."""
    validator = jsonschema.Draft202012Validator(SCRIPT["schema"](OUTPUTS[name]))
    return [error.message for row in rows for error in validator.iter_errors(row)]
