"""docs/schemas/ describes what `--format json` prints."""

import runpy
from pathlib import Path

import jsonschema
import pytest

from cli.settings import REGISTRY
from ledger.log import EventLog
from tests.support.cli import REPOSITORY, run_main
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
    validator = jsonschema.Draft202012Validator(SCRIPT["schema"](OUTPUTS[name]))
    assert (lines, []) == (len(rows), [error.message for row in rows for error in validator.iter_errors(row)])
