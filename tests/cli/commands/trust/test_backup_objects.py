"""`main backup --to URL` and `--from URL` as an operator types them, over a folder and over a server of S3."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_schemas import faults
from tests.support.cli import Result, run_main
from tests.support.object_server import SECRET, ObjectServer
from tests.support.sample_ledger import EVENTS, NOW, make

pytest.importorskip("obstore")
JSON = ("--format", "json")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working folder with the sample's ledger."""
    (folder := tmp_path / "here").mkdir()
    make(folder)
    return folder


def backup(*args: str, cwd: Path, server: ObjectServer | None = None, code: int = 0) -> Any:
    """Run `main backup`; return the object, or objects, that it printed."""
    result: Result = run_main("backup", *args, *JSON, cwd=cwd, env={**NOW, **(server.env if server else {})})
    assert code == result.code, result.err
    rows = result.lines()
    return rows if "--list" in args else rows[0]


@pytest.mark.parametrize("bucket", ["prices", "locked"])
def test_a_lost_disk_is_restored_from_a_url(copy: Path, tmp_path: Path, server: ObjectServer, bucket: str) -> None:
    """Created, proved, the folder gone, restored: the same head and the same snapshots; nothing is left in between."""
    url = f"s3://{bucket}/lost"
    made = backup("--create", "--to", url, "--verify", cwd=copy, server=server)
    assert ("created", url, True, EVENTS, 2) == tuple(
        made[name] for name in ("status", "backup", "verified", "events", "objects")
    )
    snapshots = {path.name: path.read_bytes() for path in copy.glob("*.csv")}
    shutil.rmtree(copy)
    (there := tmp_path / "there").mkdir()
    checked = backup("--verify", "--from", url, cwd=there, server=server)
    assert ("intact", ["checksum"], True) == (checked["verdict"], checked["witnesses"], checked["restored"])
    restored = backup("--restore", "--from", url, cwd=there, server=server)
    assert ("restored", url, made["head"]) == (restored["status"], restored["backup"], restored["head"])
    for name, content in snapshots.items():
        run_main("snapshot", "--ticker", name.partition("-")[0], "--out", name, cwd=there, env=NOW)
        assert content == (there / name).read_bytes()


def test_objects_under_a_lock_are_added_to_and_keep_their_versions(copy: Path, server: ObjectServer) -> None:
    """Every object has one version, retained; a changed object is refused and not replaced."""
    url = "s3://locked/kept"
    for _ in range(2):
        backup("--create", "--to", url, cwd=copy, server=server)
    rows = backup("--list", "--to", url, cwd=copy, server=server)
    assert ["segment", "segment", "checksum", "checksum"] == [row["status"] for row in rows]
    _, versions = server.ask("GET", "/locked?versions&prefix=kept/")
    assert len(rows) == versions.count(b"<VersionId>")
    for row in rows:
        headers, _ = server.ask("HEAD", f"/locked/kept/{row['object']}")
        assert "COMPLIANCE" == headers["x-amz-object-lock-mode"]


def test_an_object_with_other_bytes_stays(copy: Path, server: ObjectServer) -> None:
    """Exit 2 of create and of verify; the error names the object; it is what it was."""
    url = "s3://prices/changed"
    backup("--create", "--to", url, cwd=copy, server=server)
    (row,) = [one for one in backup("--list", "--from", url, cwd=copy, server=server) if one["status"] == "segment"]
    path = f"/prices/changed/{row['object']}"
    content = server.ask("GET", path)[1]
    changed = content[:-1] + bytes([content[-1] ^ 1])
    server.ask("PUT", path, changed)
    failed = backup("--create", "--to", url, cwd=copy, server=server, code=2)
    assert f"got other bytes in {url}/{row['object']}" in failed["error_message"]
    assert "tampered" == backup("--verify", "--from", url, cwd=copy, server=server, code=2)["verdict"]
    refused = backup("--restore", "--from", url, "--dry-run", cwd=copy, server=server, code=2)
    assert url in refused["error_message"]
    assert "/tmp" not in json.dumps(refused)  # noqa: S108 - the file that it was fetched to is nobody's business
    assert changed == server.ask("GET", path)[1]


def test_what_a_store_refuses_is_one_line_without_its_secrets(copy: Path, server: ObjectServer) -> None:
    """No bucket, no server, no credentials in a URL: exit 2 or 3, a hint, and nothing that was secret."""
    gone = backup("--create", "--to", "s3://nobucket/x", cwd=copy, server=server, code=2)
    assert "got no use of s3://nobucket/x" in gone["error_message"]
    result = run_main("backup", "--create", "--to", "s3://key:pass@prices/x?sig=pass", cwd=copy, env=NOW)
    assert 3 == result.code
    assert "pass" not in result.err
    assert result.err.startswith("error: got s3://***@prices/x?*** with a user")
    logged = run_main("events", "--limit", "5", cwd=copy, env=NOW)
    assert SECRET not in logged.out


def test_a_folder_serves_as_a_place(copy: Path, tmp_path: Path) -> None:
    """Foreign objects are listed, exit 1, and in nobody's way; a missing segment is a gap, exit 2; none is exit 2."""
    url, nas = f"file://{tmp_path}/nas", tmp_path / "nas"
    for _ in range(2):
        backup("--create", "--to", url, cwd=copy)
    (nas / "readme.txt").write_text("keep\n")
    rows = backup("--list", "--from", url, cwd=copy, code=1)
    assert [] == faults("backup-object", rows)
    assert [] == faults("backup-create", [backup("--create", "--to", f"{url}2", "--verify", cwd=copy)])
    assert ["readme.txt"] == [row["object"] for row in rows if row["status"] == "foreign"]
    assert "already_contained" == backup("--restore", "--from", url, cwd=copy)["status"]
    min(nas.glob("*.segment")).unlink()
    missing = backup("--verify", "--from", url, cwd=copy, code=2)
    assert f"no segment of the events 0 to {EVENTS - 1} at {url}" in missing["error_message"]
    assert ["gap"] * 3 == [row["status"] for row in backup("--list", "--from", url, cwd=copy, code=1) if row["stop"]]


def test_options_that_do_not_go_together(copy: Path) -> None:
    """Usage errors, exit 3 as all are."""
    for args in (
        ("--create", "--out", "a.db", "--to", "file:///x"),
        ("--list", "--from", "a.db"),
        ("--list", "--from", "file:///x", "--to", "file:///x"),
        ("--create", "--to", "a.db"),
        ("--verify", "--from", "a.db", "--to", "file:///x"),
    ):
        assert run_main("backup", *args, cwd=copy, env=NOW).code == 3, args


def test_a_key_puts_a_checkpoint_beside_it(copy: Path, tmp_path: Path) -> None:
    """As its own object, whole, by its size."""
    run_main("key", "new", "--name", "example.com/prices", "--out", "key", cwd=copy, env=NOW)
    env = {**NOW, "CHECKPOINT_KEY": "key"}
    result = run_main("backup", "--create", "--to", f"file://{tmp_path}/nas", *JSON, cwd=copy, env=env)
    assert 0 == result.code, result.err
    assert f"file://{tmp_path}/nas/checkpoints/{EVENTS}" == result.lines()[0]["checkpoint"]
    assert "\n— example.com/prices" in (tmp_path / f"nas/checkpoints/{EVENTS}").read_text()
    assert "checkpoint" in {row["status"] for row in backup("--list", "--from", f"file://{tmp_path}/nas", cwd=copy)}
