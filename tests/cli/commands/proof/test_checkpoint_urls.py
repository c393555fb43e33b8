"""`main checkpoint --out URL`, and a ledger, a backup and tiles at URLs verified, as an operator and a stranger do."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.docs.test_schemas import faults
from tests.support.cli import Result, run_main
from tests.support.sample_ledger import EVENTS, NOW, look, make_more

pytest.importorskip("obstore")
KEYED = NOW | {"CHECKPOINT_KEY": "k.key"}
JSON = ("--format", "json")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A place that is not there yet."""
    return f"file://{tmp_path}/nas"


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    """The folder of that place."""
    return tmp_path / "nas"


def sign(folder: Path, url: str, *args: str) -> Result:
    """Sign and publish at `url`."""
    return look("checkpoint", "--key", "k.key", "--out", url, *args, cwd=folder)


def verdict(folder: Path, *args: str, code: int = 0) -> str:
    """Return the verdict of `main verify`, whose exit code is `code`."""
    done = look("verify", *args, *JSON, cwd=folder)
    assert code == done.code, (done.out, done.err)
    (row,) = done.lines()
    return str(row["verdict"])


def test_it_is_published_by_size_and_by_name(signed: Path, url: str, nas: Path) -> None:
    """As many words and the same row as for a folder; again it is unchanged."""
    make_more(signed)
    done = sign(signed, url)
    assert 0 == done.code, done.err
    (size,) = (name.name for name in nas.glob("checkpoints/*[0-9]"))
    assert f"published as {url}/checkpoints/{size} with 2 new tiles" in done.err
    assert done.out == (nas / "checkpoint").read_text() == (nas / "checkpoints" / size).read_text()
    (row,) = sign(signed, url, *JSON).lines()
    assert ("unchanged", f"{url}/checkpoints/{size}", 0) == (row["status"], row["checkpoint"], row["new_files"])
    assert [] == faults("checkpoint", [row])


@pytest.mark.parametrize("name", ["checkpoint", f"checkpoints/{EVENTS}"])
def test_what_is_held_against_it(signed: Path, url: str, name: str) -> None:
    """The ledger in use, a backup file, and its own tiles; a checkpoint that is not there is no verdict."""
    assert 0 == sign(signed, url).code
    held = ("--checkpoint", f"{url}/{name}", "--key", "vkey.txt")
    assert "intact" == verdict(signed, *held)
    assert "intact" == verdict(signed, *held, url)
    look("backup", "--create", "--out", "a.db", cwd=signed)
    assert "intact" == verdict(signed, *held, "a.db")
    done = look("verify", "--checkpoint", f"{url}/checkpoints/999", "--key", "vkey.txt", cwd=signed)
    assert (3, f"error: got no object at {url}/checkpoints/999, want one") == (done.code, done.err.splitlines()[0])


def test_tiles_alone_at_a_url(signed: Path, url: str, nas: Path) -> None:
    """A changed byte is tampered, a missing tile truncated; without a checkpoint there is nothing to hold."""
    sign(signed, url)
    held = ("--checkpoint", "out/checkpoint", "--key", "vkey.txt", url)
    assert "intact" == verdict(signed, *held)
    (bundle,) = (nas / "tile/entries").rglob(f"{EVENTS}")
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "tampered" == verdict(signed, *held, code=2)
    bundle.unlink()
    assert "truncated" == verdict(signed, *held, code=2)
    assert 3 == look("verify", url, cwd=signed).code


def test_the_first_event_that_differs_is_named_by_its_tiles(signed: Path, url: str, tmp_path: Path) -> None:
    """Of two histories, one published at the URL: forked, at the seq; what was published refuses the other."""
    other = shutil.copytree(signed, tmp_path / "other")
    make_more(signed)
    assert 0 == sign(signed, url).code
    for _ in range(4):
        look("test-conn", "--provider", "sample", cwd=other)
        look("backup", "--create", "--out", "b.db", cwd=other)
        (other / "b.db").unlink(missing_ok=True)
        (other / "b.db.checksum").unlink(missing_ok=True)
    refused = sign(other, url)
    assert 2 == refused.code
    assert f"got another event at seq {EVENTS + 1}, want the log of" in refused.err
    done = look("verify", "--checkpoint", f"{url}/checkpoint", "--key", "vkey.txt", *JSON, cwd=other)
    (row,) = done.lines()
    assert (2, "forked", EVENTS + 1) == (done.code, row["verdict"], row["first_bad"]["seq"])


def test_another_origin_is_refused_with_a_hint(signed: Path, url: str) -> None:
    """As after a restore: exit 2, and another place serves."""
    assert 0 == sign(signed, url).code
    look("backup", "--create", "--out", "a.db", cwd=signed)
    look("backup", "--restore", "--from", "a.db", "--rollback", "--yes", cwd=signed)
    refused = sign(signed, url)
    assert 2 == refused.code
    assert "got checkpoints of b3-ledger/" in refused.err
    assert "hint: main checkpoint --key FILE --out ANOTHER-FOLDER" in refused.err
    assert 0 == sign(signed, f"{url}2").code


def test_compare_and_prove_at_urls(signed: Path, url: str) -> None:
    """Yesterday's from a file, today's from the URL with its tiles; a proof under it, held against a backup there."""
    make_more(signed)
    sign(signed, url)
    args = ("checkpoint", "--compare", "out/checkpoint", f"{url}/checkpoint", "--key", "vkey.txt", *JSON)
    assert "extends" == look(*args, cwd=signed).lines()[0]["verdict"]
    done = look("prove", "2", "--checkpoint", f"{url}/checkpoint", "--out", "2.tlog-proof", cwd=signed)
    assert 0 == done.code, done.err
    look("backup", "--create", "--to", f"{url}/backup", cwd=signed)
    done = look("prove", "--check", "2.tlog-proof", "--key", "vkey.txt", "--ledger", f"{url}/backup", cwd=signed)
    assert (0, "held against the log as well") == (done.code, done.out.strip().splitlines()[-1].strip())


def test_a_backup_at_a_url_is_verified_as_a_file_is(signed: Path, url: str, nas: Path, tmp_path: Path) -> None:
    """The same verdicts and codes: intact, tampered, truncated, forked from the ledger in use, another checkpoint."""
    for _ in range(2):
        assert 0 == look("backup", "--create", "--to", url, cwd=signed).code
    done = look("verify", url, *JSON, cwd=signed)
    (row,) = done.lines()
    assert (0, "intact", ["checksum", "backup.created"]) == (done.code, row["verdict"], row["witnesses"])
    assert [] == faults("verify", [row])
    assert "intact" == verdict(signed, url, "--checkpoint", "out/checkpoint", "--key", "vkey.txt")
    look("verify", "--save-head", "head.json", cwd=signed)
    assert "truncated" == verdict(signed, url, "--from-head", "head.json", code=2)
    first, last = sorted(nas.glob("*.segment"))
    content = last.read_bytes()
    last.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "tampered" == verdict(signed, url, code=2)
    last.unlink()
    assert "truncated" == verdict(signed, url, code=2)
    (there := tmp_path / "there").mkdir()
    assert "truncated" == verdict(there, url, code=2)
    last.write_bytes(content)
    for checksum in nas.glob("*.checksum"):
        checksum.unlink()
    assert "intact" == verdict(there, url, code=1)
    first.unlink()
    gone = look("verify", url, cwd=there)
    assert (2, f"error: got no segment of the events 0 to {EVENTS} at {url}") == (
        gone.code,
        gone.err.partition(",")[0],
    )
    assert 3 == look("verify", url, "--record", cwd=signed).code


def test_a_backup_of_another_history_is_forked_from_the_ledger_in_use(signed: Path, url: str, tmp_path: Path) -> None:
    """A finding about the pair, exit 2, as of a file."""
    other = shutil.copytree(signed, tmp_path / "other")
    make_more(signed)
    look("backup", "--create", "--to", url, cwd=signed)
    for number in range(4):
        look("backup", "--create", "--out", f"{number}.db", cwd=other)
    assert "forked" == verdict(other, url, code=2)


def test_every_reading_command_takes_a_url(signed: Path, url: str, tmp_path: Path) -> None:
    """With the ledger gone; and an error names the URL, not the file that was fetched."""
    look("backup", "--create", "--to", url, cwd=signed)
    (there := tmp_path / "there").mkdir()
    for args in (
        ("events",),
        ("prices", "PETR4"),
        ("metrics",),
        ("audit",),
        ("replay",),
        ("verify",),
        ("snapshot", "--ticker", "PETR4", "--out", "a.csv"),
        ("salvage", "--out", "saved.db"),
        ("report", "--out", "r.html"),
    ):
        done = look(*args, "--ledger", url, cwd=there)
        assert done.code in {0, 1}, (args, done.err)
    (segment,) = (Path(url.removeprefix("file://"))).glob("*.segment")
    segment.write_bytes(segment.read_bytes()[:-1])
    done = look("events", "--ledger", url, *JSON, cwd=there)
    assert 2 == done.code
    assert url in done.err
    fetched_to = f"{tempfile.gettempdir()}/b3-ledger"
    assert fetched_to not in done.out + done.err


def test_a_backup_with_a_key_publishes_at_its_url_across_restores(signed: Path, url: str, nas: Path) -> None:
    """Its checkpoint and tiles beside it; after a restore the archive goes on, and so do its checkpoints."""
    (row,) = run_main("backup", "--create", "--to", url, *JSON, cwd=signed, env=KEYED).lines()
    size = row["events"]
    assert f"{url}/checkpoints/{size}" == row["checkpoint"]
    assert "intact" == verdict(signed, url, "--checkpoint", row["checkpoint"], "--key", "vkey.txt")
    shutil.rmtree(signed / "dados")
    assert 0 == look("backup", "--restore", "--from", url, cwd=signed).code
    done = run_main("backup", "--create", "--to", url, *JSON, cwd=signed, env=KEYED)
    assert 0 == done.code, done.err
    (row,) = done.lines()
    assert "/" in (nas / "checkpoint").read_text().splitlines()[0].removeprefix("b3-ledger/")
    assert "intact" == verdict(signed, url, "--checkpoint", f"{url}/checkpoint", "--key", "vkey.txt")
    listed = look("backup", "--list", "--from", url, *JSON, cwd=signed)
    assert (0, {"segment", "checksum", "checkpoint"}) == (listed.code, {one["status"] for one in listed.lines()})


def test_urls_that_are_none(signed: Path) -> None:
    """Usage errors and refusals: exit 3, and nothing secret is shown."""
    for args in (
        ("checkpoint", "--key", "k.key", "--out", "s3://user:pass@bucket/x"),
        ("verify", "ftp://bucket/pass"),
        ("events", "--ledger", "s3://bucket/x?token=pass"),
        ("verify", "--checkpoint", "s3://user:pass@bucket/checkpoint", "--key", "vkey.txt"),
    ):
        done = look(*args, cwd=signed)
        assert 3 == done.code, (args, done.err)
        assert "pass" not in done.err.splitlines()[0] or args[1].startswith("ftp"), done.err
