"""`main checkpoint --out s3://…` and `main verify s3://…` over a server of S3 that is not ours, Object Lock among them.

`scripts/objects.sh` installs moto and runs these; over a folder the same is in `test_checkpoint_urls.py`.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Result, run_main
from tests.support.object_server import ObjectServer
from tests.support.sample_ledger import EVENTS, NOW, make_more

pytest.importorskip("obstore")
JSON = ("--format", "json")


def run(server: ObjectServer, folder: Path, *args: str, keyed: bool = False) -> Result:
    """Run `main` there with the server's environment."""
    env = {**NOW, **server.env, **({"CHECKPOINT_KEY": "k.key"} if keyed else {})}
    return run_main(*args, cwd=folder, env=env)


def row(done: Result, code: int = 0) -> Any:
    """Return the one object that was printed."""
    assert code == done.code, done.err
    (found,) = done.lines()
    return found


def versions(server: ObjectServer, bucket: str, prefix: str) -> dict[str, int]:
    """Return how many versions each object has."""
    _, listed = server.ask("GET", f"/{bucket}?versions&prefix={prefix}/&max-keys=1000")
    names = [part.partition("</Key>")[0].removeprefix(f"{prefix}/") for part in listed.decode().split("<Key>")[1:]]
    return {name: names.count(name) for name in names}


@pytest.mark.parametrize("bucket", ["prices", "locked"])
def test_checkpoints_are_written_once_and_named(signed: Path, server: ObjectServer, bucket: str) -> None:
    """Two, and the first again; in a locked bucket each object but `checkpoint` has one version, retained."""
    url = f"s3://{bucket}/b3"
    args = ("checkpoint", "--key", "k.key", "--out", url, *JSON)
    first = row(run(server, signed, *args))
    assert ("unchanged", f"{url}/checkpoints/{EVENTS}", 2) == (first["status"], first["checkpoint"], first["new_files"])
    assert 0 == row(run(server, signed, *args))["new_files"]
    make_more(signed)
    second = row(run(server, signed, *args))
    assert ("signed", 2) == (second["status"], second["new_files"])
    assert second["note"].encode() == server.ask("GET", f"/{bucket}/b3/checkpoint")[1]
    assert first["note"].encode() == server.ask("GET", f"/{bucket}/b3/checkpoints/{EVENTS}")[1]
    held = ("--key", "vkey.txt", *JSON)
    for checkpoint in (f"{url}/checkpoint", f"{url}/checkpoints/{EVENTS}"):
        assert "intact" == row(run(server, signed, "verify", "--checkpoint", checkpoint, *held))["verdict"]
        assert "intact" == row(run(server, signed, "verify", "--checkpoint", checkpoint, *held, url))["verdict"]
    compared = run(server, signed, "checkpoint", "--compare", f"{url}/checkpoints/{EVENTS}", f"{url}/checkpoint", *held)
    assert "extends" == row(compared)["verdict"]
    if bucket == "locked":
        counts = versions(server, bucket, "b3")
        assert 2 == counts.pop("checkpoint")
        assert {1} == set(counts.values())
        for name in counts:
            assert "COMPLIANCE" == server.ask("HEAD", f"/locked/b3/{name}")[0]["x-amz-object-lock-mode"]


def test_what_is_changed_there_is_refused_and_stays(signed: Path, server: ObjectServer) -> None:
    """A planted tile, again and again, and a log that was put back: exit 2, nothing replaced, nothing signed."""
    url, older = "s3://prices/changed", shutil.copytree(signed, signed.parent / "older")
    sign, planted = ("checkpoint", "--key", "k.key", "--out", url), f"tile/entries/000.p/{EVENTS + 4}"
    make_more(signed)
    server.ask("PUT", f"/prices/changed/{planted}", b"x" * 74 * (EVENTS + 4))
    for _ in range(2):
        done = run(server, signed, *sign)
        assert 2 == done.code
        assert f"got other bytes in {url}/{planted}" in done.err
    there = set(versions(server, "prices", "changed"))
    assert {planted, f"tile/0/000.p/{EVENTS + 4}", "checkpoints/0.next"} >= there
    done = run(server, older, *sign)
    assert 2 == done.code
    assert f"got the end at seq {EVENTS + 1}, want the log of {EVENTS + 4} events" in done.err


def test_a_backup_there_is_verified_and_read_as_a_file_is(signed: Path, server: ObjectServer, tmp_path: Path) -> None:
    """Streamed: intact with its own checkpoint and another's, tampered with one byte, truncated without its end."""
    url = "s3://prices/backup"
    made = row(run(server, signed, "backup", "--create", "--to", url, *JSON, keyed=True))
    assert f"{url}/checkpoints/{made['events']}" == made["checkpoint"]
    for checkpoint in (f"{url}/checkpoint", "out/checkpoint"):
        args = ("verify", url, "--checkpoint", checkpoint, "--key", "vkey.txt", *JSON)
        found = row(run(server, signed, *args))
        assert ("intact", ["checksum", "backup.created", "checkpoint"]) == (found["verdict"], found["witnesses"])
    (there := tmp_path / "there").mkdir()
    assert str(EVENTS) in run(server, there, "events", "--ledger", url).out
    run(server, signed, "backup", "--create", "--to", url)
    (last,) = [name for name in versions(server, "prices", "backup") if f"-{made['events']:015d}-" in name]
    content = server.ask("GET", f"/prices/backup/{last}")[1]
    server.ask("PUT", f"/prices/backup/{last}", content[:-1] + bytes([content[-1] ^ 1]))
    assert "tampered" == row(run(server, there, "verify", url, *JSON), 2)["verdict"]
    server.ask("PUT", f"/prices/backup/{last}", content)
    assert "intact" == row(run(server, there, "verify", url, *JSON))["verdict"]


def test_two_that_replace_the_name_at_once(server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store takes one: the other is told that it is not what it read."""
    from ledger.objects.place import ObjectPlace

    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    place = ObjectPlace("s3://prices/race")
    assert place.find("checkpoint") is None
    assert place.replace("checkpoint", b"one", before=None)
    assert not place.replace("checkpoint", b"other", before=None)
    read = place.find("checkpoint")
    assert place.replace("checkpoint", b"two", before=read)
    assert not place.replace("checkpoint", b"three", before=read)
    found = place.find("checkpoint")
    assert found is not None
    assert b"two" == found.content
