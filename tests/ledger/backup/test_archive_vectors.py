"""Good archives and bad ones, put together by hand: the code gives each the verdict that the index says."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.backup.scan import scan
from ledger.backup.verify import verify_archive
from ledger.errors import NewerFormatError, UnknownEventError
from scripts import make_vectors

FOLDER = Path(__file__).parent.parent.parent / "vectors" / "archive"
INDEX: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text("utf-8"))


def verdict(path: Path) -> dict[str, Any]:
    """Return what the code finds in the archive at `path`, in the words of the index."""
    try:
        report = verify_archive(path)
    except NewerFormatError:
        return {"verdict": "newer", "events": 0, "head": None, "first_bad": None}
    except UnknownEventError as error:
        head = scan(path, meaning=True).head
        return {"verdict": "newer", "events": head.size, "head": head.link.hex(), "first_bad": error.seq}
    return {
        "verdict": report.verdict,
        "events": report.events,
        "head": report.head.hex() if report.head else None,
        "first_bad": report.first_bad and report.first_bad.seq,
    }


@pytest.mark.parametrize("vector", INDEX, ids=lambda vector: vector["file"])
def test_each_vector_gets_its_verdict(vector: dict[str, Any]) -> None:
    """And the events that hold, their head, and the first bad seq."""
    want = {name: vector[name] for name in ("verdict", "events", "head", "first_bad")}
    assert want == verdict(FOLDER / vector["file"])


def test_every_verdict_of_an_archive_without_witnesses_is_there() -> None:
    """`rolled_back` takes a witness."""
    assert {"intact", "truncated", "tampered", "forked", "unreadable", "newer"} == {
        vector["verdict"] for vector in INDEX
    }


def test_the_script_writes_the_committed_files(tmp_path: Path) -> None:
    """Byte for byte, and no file lies there that it does not write."""
    make_vectors.main(tmp_path)
    committed = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert committed == {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()}
    assert {vector["file"]: vector["sha256"] for vector in INDEX} == {
        name: sha256(content).hexdigest() for name, content in committed.items() if name.endswith(".bin")
    }
