"""Logs put together by hand whose decisions lead elsewhere than they say: named by the code, and by the stranger's."""

import json
import runpy
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.backup.verify import verify_archive
from scripts import make_state_vectors
from tests.support.cli import REPOSITORY

FOLDER = REPOSITORY / "tests" / "vectors" / "states"
INDEX: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text("utf-8"))
EXAMPLES = REPOSITORY / "docs" / "examples"
sys.path.append(str(EXAMPLES))  # as Python does for a script
by_states = runpy.run_path(str(EXAMPLES / "verify_states.py"))["verify"]
by_chain = runpy.run_path(str(EXAMPLES / "verify_archive.py"))["verify"]


@pytest.mark.parametrize("vector", INDEX, ids=lambda vector: vector["file"])
def test_each_vector_gets_its_verdict(vector: dict[str, Any]) -> None:
    """From the code, with the field; from the program written from docs/format.md, the same."""
    path = FOLDER / vector["file"]
    report = verify_archive(path)
    bad = report.first_bad
    kind = f"state {vector['field']}" if vector["field"] in {"before", "after"} else vector["field"]
    assert (vector["verdict"], vector["events"]) == (report.verdict, report.events)
    assert (vector["first_bad"], kind) == (bad and bad.seq, bad and bad.kind)
    found = by_states(path)
    assert (vector["first_bad"], vector["field"]) == (found["first_bad"], found["field"])
    # Every chain holds, and each event by itself: nothing but what it follows from shows what was done.
    assert "intact" == by_chain(path)["verdict"]


def test_the_script_writes_the_committed_files(tmp_path: Path) -> None:
    """Byte for byte, and no file lies there that it does not write."""
    make_state_vectors.main(tmp_path)
    committed = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert committed == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {vector["file"]: vector["sha256"] for vector in INDEX} == {
        name: sha256(content).hexdigest() for name, content in committed.items() if name.endswith(".bin")
    }
