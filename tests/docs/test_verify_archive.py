"""docs/examples/verify_archive.py, written from docs/format.md alone, agrees with the code and with every vector."""

import ast
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.trust.test_witness_vectors import INDEX as WITNESSED
from tests.cli.commands.trust.test_witness_vectors import WITNESSES, named
from tests.ledger.backup.test_archive_vectors import FOLDER, INDEX, verdict
from tests.support.archives import archive, put, small_log
from tests.support.cli import REPOSITORY

SCRIPT = REPOSITORY / "docs" / "examples" / "verify_archive.py"
EXAMPLE = runpy.run_path(str(SCRIPT))


def found(path: Path) -> dict[str, Any]:
    """Return what the example finds, without its words."""
    answer: dict[str, Any] = EXAMPLE["verify"](path)
    del answer["reason"]
    return answer


@pytest.mark.parametrize("vector", INDEX, ids=lambda vector: vector["file"])
def test_it_agrees_on_every_vector(vector: dict[str, Any]) -> None:
    """Verdict, events, head, first bad seq."""
    assert {name: vector[name] for name in ("verdict", "events", "head", "first_bad")} == found(FOLDER / vector["file"])


@pytest.mark.parametrize("vector", WITNESSED, ids=named)
def test_it_agrees_on_every_witness(vector: dict[str, Any]) -> None:
    """Read as the ledger beside which they lie, or as a backup."""
    files = {name: WITNESSES / vector[name] for name in ("anchor", "saved", "mark") if vector[name]}
    answer = EXAMPLE["verify"](FOLDER.parent / vector["events"], **files)
    assert (vector["verdict"], vector["first_bad"]) == (answer["verdict"], answer["first_bad"])


def test_it_agrees_with_the_code_on_every_changed_byte_and_every_cut(tmp_path: Path) -> None:
    """Of an archive of 150 events, so that seqs of one and of two bytes are in it: one byte in 97, one length in 89."""
    whole = archive(small_log(150).read())
    changed = [whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in range(0, len(whole), 97)]
    for content in (whole, *changed, *(whole[:length] for length in range(0, len(whole), 89))):
        path = put(tmp_path / "a.db", content)
        assert verdict(path) == found(path)


def test_it_holds_the_file_against_its_checksum(tmp_path: Path) -> None:
    """A cut between two frames shows by nothing else."""
    path = put(tmp_path / "a.db", archive(small_log(4).read()), checksum=True)
    assert "intact" == found(path)["verdict"]
    put(path, archive(small_log(3).read()))
    assert verdict(path) | {"first_bad": 3} == found(path)
    (tmp_path / "a.db.checksum").write_text("none", "utf-8")
    assert ("unreadable", "unreadable") == (verdict(path)["verdict"], found(path)["verdict"])


def test_it_needs_nothing_of_ours() -> None:
    """The standard library and blake3."""
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {"blake3"} == {name.split(".")[0] for name in names} - sys.stdlib_module_names


def test_it_takes_witnesses_on_its_command_line() -> None:
    """By name; any other is refused."""
    saved = f"saved={WITNESSES / 'saved-3.json'}"
    for given, code in ((saved, 2), (f"head={WITNESSES / 'anchor-3'}", 1)):
        command = [sys.executable, SCRIPT, FOLDER / "cut-between-frames.bin", given]
        assert code == subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("name", "code", "said"), [("whole", 0, "intact"), ("removed", 2, "tampered"), ("newer", 3, "newer")]
)
def test_it_runs_as_its_first_lines_say(name: str, code: int, said: str) -> None:
    """One JSON object, and an exit code."""
    done = subprocess.run([sys.executable, SCRIPT, FOLDER / f"{name}.bin"], capture_output=True, check=False)
    assert (code, said) == (done.returncode, json.loads(done.stdout)["verdict"])
