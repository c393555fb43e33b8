"""Logs against witnesses, all put together by hand: `main verify` gives each the verdict that the index says."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.backup.archive_log import ArchiveLog
from ledger.backup.restore_build import fill, new_engine
from ledger.backup.scan import scan
from scripts import make_vectors
from tests.support.cli import run_main

VECTORS = Path(__file__).parents[3] / "vectors"
WITNESSES = VECTORS / "witnesses"
INDEX: list[dict[str, Any]] = json.loads((WITNESSES / "index.json").read_text("utf-8"))
AT = {"B3_LEDGER_NOW": "2026-02-14T01:30:00Z"}


def named(vector: dict[str, Any]) -> str:
    """Return what a vector is called."""
    given = (vector["as"], Path(vector["events"]).stem, vector["anchor"], vector["saved"], vector["mark"])
    return "-".join(filter(None, given))


def ledger_of(vector: dict[str, Any], folder: Path) -> Path:
    """Return where a ledger of the vector's events is in use, with the anchor and the mark beside it."""
    place = folder / "dados" / "ledger-1"
    place.mkdir(parents=True)
    (folder / "dados" / "CURRENT").write_text("ledger-1\n", "utf-8")
    source = ArchiveLog(scan(VECTORS / vector["events"]))
    with closing(new_engine(place, source)) as engine:
        fill(engine, source)
    for kind, name in (("anchor", "head"), ("mark", "verdict")):
        if vector[kind]:
            shutil.copyfile(WITNESSES / vector[kind], place / name)
    return folder


@pytest.mark.damages("what the vector says, where its verdict is a bad one", always=False)
@pytest.mark.parametrize("vector", [one for one in INDEX if "changed" not in one["events"]], ids=named)
def test_each_log_is_found_as_its_vector_says(vector: dict[str, Any], tmp_path: Path) -> None:
    """Verdict and first bad seq, with exit code 2 for every bad one; a mark is left by what speaks of this ledger."""
    saved = ("--from-head", str(WITNESSES / vector["saved"])) if vector["saved"] else ()
    if vector["as"] == "archive":
        found = run_main("verify", str(VECTORS / vector["events"]), *saved, "--format", "json", cwd=tmp_path, env=AT)
    else:
        folder = ledger_of(vector, tmp_path)
        found = run_main("verify", *saved, "--format", "json", cwd=folder, env=AT)
        bad = vector["verdict"] != "intact" and vector["against"] is not None
        assert bad is (folder / "dados" / "ledger-1" / "verdict").exists() or vector["verdict"] == "unreadable"
    row = found.lines()[0]
    seq = row["first_bad"] and row["first_bad"]["seq"]
    assert (vector["verdict"], vector["first_bad"]) == (row["verdict"], seq), found.err
    assert (0 if vector["verdict"] == "intact" else 2) == found.code


def test_both_verdicts_that_take_a_witness_are_there() -> None:
    """Of ledgers and of archives, by every witness."""
    assert {"intact", "rolled_back", "forked", "unreadable", "tampered", "truncated"} == {
        one["verdict"] for one in INDEX
    }
    for verdict in ("rolled_back", "forked"):
        assert {"anchor", "saved head", "mark"} <= {one["against"] for one in INDEX if one["verdict"] == verdict}


def test_the_script_writes_the_committed_files(tmp_path: Path) -> None:
    """Byte for byte, and no file lies there that it does not write."""
    make_vectors.main(tmp_path)
    made = {path.name: path.read_bytes() for path in (tmp_path / "witnesses").iterdir()}
    assert made == {path.name: path.read_bytes() for path in WITNESSES.iterdir()}
