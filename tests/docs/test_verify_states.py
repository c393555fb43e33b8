"""docs/examples/verify_states.py, written from docs/format.md alone, agrees with the rules."""

import ast
import runpy
import sys
from pathlib import Path
from typing import Any

import msgspec

from ledger.codec import decode_envelope
from tests.support.archives import archive, put
from tests.support.cli import REPOSITORY
from tests.support.committed import told

SCRIPT = REPOSITORY / "docs" / "examples" / "verify_states.py"
verify = runpy.run_path(str(SCRIPT))["verify"]


def test_every_decision_holds(tmp_path: Path) -> None:
    """Those of the rules do."""
    path = put(tmp_path / "a.db", archive(told().log.read()))
    assert {"decisions": 3, "first_bad": None, "field": None} == verify(path)


def test_the_old_ledger_commits_to_nothing() -> None:
    """Decisions of version 1 are read, and none of them can be wrong."""
    path = REPOSITORY / "tests" / "vectors" / "ledger-0.1.0" / "ledger.db"
    assert {"decisions": 0, "first_bad": None, "field": None} == verify(path)


def test_a_decision_that_leads_elsewhere_is_named(tmp_path: Path) -> None:
    """One bar of the second decision is another: its `after` is wrong, and so is `before` of a doubled one."""
    records = list(told().log.read())
    at = [n for n, record in enumerate(records) if b"validation.completed/2" in record.body]

    def changed(**fields: Any) -> dict[str, Any]:
        record = records[at[1]]
        envelope = decode_envelope(record.seq, record.body)
        data = msgspec.msgpack.decode(envelope.data) | fields
        body = msgspec.msgpack.encode(msgspec.structs.replace(envelope, data=msgspec.Raw(msgspec.msgpack.encode(data))))
        other = msgspec.structs.replace(record, body=body)
        content = archive([*records[: at[1]], other, *records[at[1] + 1 :]])
        found: dict[str, Any] = verify(put(tmp_path / "b.db", content))
        return found

    assert {"decisions": 1, "first_bad": at[1], "field": "after"} == changed(bars=[])
    assert {"decisions": 1, "first_bad": at[1], "field": "before"} == changed(before=bytes(32))


def test_it_needs_nothing_of_ours() -> None:
    """The standard library, blake3, and a MessagePack library."""
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {"blake3", "msgspec"} == {name.split(".")[0] for name in names} - sys.stdlib_module_names
