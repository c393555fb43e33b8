"""docs/examples/verify_archive.py, written from docs/format.md alone, agrees with the code and with every vector."""

import ast
import json
import random
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.msgpack import encode

from ledger.audit.meaning import EVENT_TYPE, Meaning, first_false
from ledger.chain import GENESIS, links
from ledger.events import EVENT_TYPES, BackupCreated, ValidationCompleted
from tests.cli.commands.trust.test_witness_vectors import INDEX as WITNESSED
from tests.cli.commands.trust.test_witness_vectors import WITNESSES, named
from tests.faults.some_event import some_event
from tests.ledger.backup.test_archive_vectors import FOLDER, INDEX, verdict
from tests.support.archives import archive, put, small_log
from tests.support.cli import REPOSITORY

SCRIPT = REPOSITORY / "docs" / "examples" / "verify_archive.py"
sys.path.append(str(SCRIPT.parent))  # as Python does for a script
EXAMPLE = runpy.run_path(str(SCRIPT))
FIRST_BYTES = (0x00, 0x7F, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC3, 0xC4, 0xC7, 0xCA, 0xCB, 0xCF, 0xD3, 0xD9, 0xDC, 0xFF)


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


def retired(rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an event of each version that is retired: its tag and its data."""
    decision, backup = (
        to_builtins(some_event(kind, rng), builtin_types=[bytes]) for kind in (ValidationCompleted, BackupCreated)
    )
    fields = list(decision)[: list(decision).index("before")]
    actions = [["2024-02-05", "dividend", 550_157, 1, 1], ["2024-02-05", "split", 0, 2, 1]]
    yield "validation.completed/1", {name: decision[name] for name in fields} | {"actions": actions}
    yield "backup.created/1", {**dict(list(backup.items())[:-3]), "tickers": [["PETR4.SA", 1]]}


def bodies_of_every_type(rng: random.Random) -> Iterator[bytes]:
    """Yield an event 1 of every type, retired ones as well, as it is stored."""
    data = [(tag, to_builtins(some_event(kind, rng), builtin_types=[bytes])) for tag, kind in EVENT_TYPES.items()]
    for tag, fields in (*data, *retired(rng)):
        yield encode([1, rng.randrange(2**50, 2**51), bytes(16), bytes(16), rng.choice([None, 0]), "s", tag, fields])


def meant(first: bytes, body: bytes) -> str:
    """Return the verdict of the code on two events."""
    meaning, (before, _) = Meaning(), links(GENESIS, [first, body])
    flaw = meaning.read([first, body], 0)
    if flaw is not None:
        return "newer" if flaw.kind == EVENT_TYPE else "tampered"
    return "forked" if first_false(meaning.claims(), lambda _: before) else "intact"


def told(first: bytes, body: bytes, table: Any) -> str:
    """Return the verdict of the example on two events."""
    good, following = EXAMPLE["Good"](), links(GENESIS, [first, body])
    try:
        for one, link in zip((first, body), following, strict=True):
            checked = EXAMPLE["check"](good.events, good.link, link, one)
            good.take(checked, *EXAMPLE["follow"](good, table, one))
    except EXAMPLE["BadArchiveError"] as bad:
        return str(bad.verdict)
    return "forked" if good.false_head else "intact"


def test_it_agrees_with_the_code_on_every_byte_of_every_type() -> None:
    """Each byte of an event of each type is changed to others, then the link after it is made to follow."""
    rng, table = random.Random(1), EXAMPLE["Table"](EXAMPLE["PAGE"].read_text("utf-8"))
    first, verdicts = next(small_log(1).read()).body, Counter[str]()
    for body in bodies_of_every_type(rng):
        for at in range(len(body)):
            for byte in (body[at], body[at] ^ 1, rng.randrange(256), rng.choice(FIRST_BYTES)):
                changed = body[:at] + bytes([byte]) + body[at + 1 :]
                verdict = told(first, changed, table)
                assert (meant(first, changed), changed.hex()) == (verdict, changed.hex())
                verdicts[verdict] += 1
    assert {"intact", "tampered", "forked", "newer"} == verdicts.keys()


def test_it_holds_the_file_against_its_checksum(tmp_path: Path) -> None:
    """A cut between two frames shows by nothing else."""
    path = put(tmp_path / "a.db", archive(small_log(4).read()), checksum=True)
    assert "intact" == found(path)["verdict"]
    put(path, archive(small_log(3).read()))
    assert verdict(path) | {"first_bad": 3} == found(path)
    (tmp_path / "a.db.checksum").write_text("none", "utf-8")
    assert ("unreadable", "unreadable") == (verdict(path)["verdict"], found(path)["verdict"])


def test_it_needs_nothing_of_ours() -> None:
    """The standard library and blake3, and of the file beside it the standard library alone."""

    def needed(script: Path) -> set[str]:
        nodes = list(ast.walk(ast.parse(script.read_text("utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        return {name.split(".")[0] for name in names} - sys.stdlib_module_names

    assert {"blake3", "event_fields"} == needed(SCRIPT)
    assert set() == needed(SCRIPT.with_name("event_fields.py"))


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
