"""`main checkpoint` signs what extends, refuses what does not, and says which of two checkpoints extends the other."""

import shutil
from pathlib import Path

import pytest

from ledger.checkpoint.note import parse_signing
from ledger.checkpoint.statement import Statement, parse_statement
from tests.support.cli import run_main
from tests.support.sample_ledger import EVENTS, FOLDER, NOW, kept, look, make_more


def test_it_prints_the_checkpoint_alone(signed: Path) -> None:
    """Words go to stderr, so that a redirection keeps it elsewhere; again it is the same one."""
    done = look("checkpoint", "--key", "k.key", "--out", "out", cwd=signed)
    assert (0, (signed / "out" / "checkpoint").read_text()) == (done.code, done.out)
    assert f"unchanged: {EVENTS} events" in done.err
    assert EVENTS + 1 == len(look("events", cwd=signed).out.splitlines())


def test_the_row(signed: Path) -> None:
    """Everything that a script wants of it."""
    make_more(signed)
    (row,) = look("checkpoint", "--key", "k.key", "--out", "out", "--format", "json", cwd=signed).lines()
    stated = parse_statement(row["note"].split("\n\n")[0] + "\n")
    assert ("signed", EVENTS + 4, EVENTS + 4) == (row["status"], row["size"], row["seq"])
    assert (row["origin"], row["size"], row["root"]) == (stated.origin, stated.size, stated.root.hex())
    assert ((signed / "vkey.txt").read_text().strip(), "out/checkpoint") == (row["key"], row["checkpoint"])


def test_the_key_may_be_a_setting(signed: Path) -> None:
    """CHECKPOINT_KEY; without either it is a usage error."""
    done = run_main("checkpoint", cwd=signed, env=NOW | {"CHECKPOINT_KEY": "k.key"})
    assert 0 == done.code
    assert (signed / "dados" / "sample" / "checkpoints").is_dir()
    done = look("checkpoint", cwd=signed)
    assert (3, "error: got no key, want --key FILE or CHECKPOINT_KEY: main key new --out FILE makes one\n") == (
        done.code,
        done.err.splitlines(keepends=True)[0],
    )


def test_a_log_put_back_to_an_older_state(signed: Path, tmp_path: Path) -> None:
    """With all that lies in its folder: what was published elsewhere refuses it, and nothing is signed."""
    older = shutil.copytree(signed / FOLDER, tmp_path / "older")
    make_more(signed)
    assert 0 == look("checkpoint", "--key", "k.key", "--out", "out", cwd=signed).code
    shutil.rmtree(signed / FOLDER)
    shutil.copytree(older, signed / FOLDER)
    before = {name: digest for name, digest in kept(signed).items() if "locks" not in name}
    done = look("checkpoint", "--key", "k.key", "--out", "out", cwd=signed)
    assert 2 == done.code
    assert f"got the end at seq {EVENTS + 1}, want the log of {EVENTS + 4} events that the published" in done.err
    assert before.items() <= kept(signed).items()


def test_a_restore_begins_an_epoch(signed: Path) -> None:
    """The old folder is refused with a hint, and the default one is another; the old checkpoint still verifies."""
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=signed).code
    done = look("backup", "--restore", "--from", "a.db", "--rollback", "--yes", cwd=signed)
    assert 0 == done.code, done.err
    refused = look("checkpoint", "--key", "k.key", "--out", "out", cwd=signed)
    assert 2 == refused.code
    assert "got checkpoints of b3-ledger/" in refused.err
    assert "hint: main checkpoint --key FILE --out ANOTHER-FOLDER" in refused.err
    (row,) = look("checkpoint", "--key", "k.key", "--format", "json", cwd=signed).lines()
    assert 2 == row["origin"].count("/")
    args = ("verify", "--checkpoint", "out/checkpoint", "--key", "vkey.txt")
    assert 0 == look(*args, cwd=signed).code
    assert 0 == look(*args[:1], "--checkpoint", row["checkpoint"], "--key", "vkey.txt", cwd=signed).code


def test_two_machines_restored_from_one_backup(signed: Path, tmp_path: Path) -> None:
    """Never sign under one origin."""
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=signed).code
    origins = set()
    for name in ("one", "other"):
        there = tmp_path / name
        there.mkdir()
        for file in ("a.db", "a.db.checksum", "k.key"):
            shutil.copy(signed / file, there / file)
        assert 0 == look("backup", "--restore", "--from", "a.db", cwd=there).code
        (row,) = look("checkpoint", "--key", "k.key", "--format", "json", cwd=there).lines()
        origins.add(row["origin"])
    assert 2 == len(origins)


def test_every_backup_writes_its_own(signed: Path) -> None:
    """With CHECKPOINT_KEY: over its events, neither fewer nor more, and recorded."""
    env = NOW | {"CHECKPOINT_KEY": "k.key"}
    done = run_main("backup", "--create", "--out", "a.db", "--format", "json", cwd=signed, env=env)
    (row,) = done.lines()
    assert (0, "a.db.checkpoint") == (done.code, row["checkpoint"])
    assert row["events"] == parse_statement((signed / "a.db.checkpoint").read_text().split("\n\n")[0] + "\n").size
    held = look(
        "verify", "a.db", "--checkpoint", "a.db.checkpoint", "--key", "vkey.txt", "--format", "json", cwd=signed
    )
    assert (0, ["checksum", "backup.created", "checkpoint"]) == (held.code, held.lines()[0]["witnesses"])


def test_a_key_that_is_not_there_stops_a_backup_before_it_begins(signed: Path) -> None:
    """Nothing is written."""
    before = kept(signed)
    done = run_main("backup", "--create", "--out", "a.db", cwd=signed, env=NOW | {"CHECKPOINT_KEY": "none"})
    assert (3, before) == (done.code, kept(signed))


@pytest.fixture
def grown(signed: Path) -> Path:
    """The same, with a later checkpoint in `later`, and the first one's alone in `old`."""
    make_more(signed)
    assert 0 == look("checkpoint", "--key", "k.key", "--out", "later", cwd=signed).code
    (signed / "old").write_bytes((signed / "out" / "checkpoint").read_bytes())
    return signed


def compare(folder: Path, old: str, new: str, *args: str) -> tuple[int, str]:
    """Return exit code and verdict, or the error."""
    done = look("checkpoint", "--compare", old, new, "--key", "vkey.txt", "--format", "json", *args, cwd=folder)
    (row,) = done.lines()
    return done.code, row.get("verdict") or row["error_message"]


def test_compare(grown: Path) -> None:
    """From the tiles beside the newer one, from the ledger, and from a backup."""
    assert (0, "extends") == compare(grown, "old", "later/checkpoint")
    shutil.copy(grown / "later" / "checkpoint", grown / "new")
    assert (0, "extends") == compare(grown, "old", "new")
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=grown).code
    assert (0, "extends") == compare(grown, "old", "new", "--ledger", "a.db")
    assert (0, "extends") == compare(grown, "old", "old")
    assert (2, "rolled_back") == compare(grown, "new", "old")


def test_compare_what_does_not_extend(grown: Path) -> None:
    """A key in wrong hands signed another history, another log, or what no tiles show."""
    key = parse_signing((grown / "k.key").read_text())
    stated = parse_statement((grown / "old").read_text().split("\n\n")[0] + "\n")
    (grown / "forged").write_bytes(key.sign(Statement(stated.origin, 3, bytes(32)).text()))
    assert (2, "forked") == compare(grown, "forged", "later/checkpoint")
    assert 2 == compare(grown, "old", "forged")[0]
    (grown / "larger").write_bytes(key.sign(Statement(stated.origin, 9, bytes(32)).text()))
    code, said = compare(grown, "old", "larger")
    assert (2, "the newer one's") == (code, said[-15:])
    (grown / "other").write_bytes(key.sign(Statement(f"b3-ledger/{'ab' * 16}", 9, bytes(32)).text()))
    code, said = compare(grown, "old", "other")
    assert (2, "which the older one is of") == (code, said[-25:])


@pytest.mark.parametrize(
    "args",
    [
        ("checkpoint", "--compare", "old", "old"),
        ("checkpoint", "--compare", "old", "old", "--key", "nonsense"),
        ("checkpoint", "--compare", "old", "none", "--key", "vkey.txt"),
        ("checkpoint", "--compare", "old", "old", "--key", "vkey.txt", "--out", "x"),
        ("checkpoint", "--key", "none"),
        ("checkpoint", "--key", "k.key", "--ledger", "a.db"),
    ],
)
def test_usage(grown: Path, args: tuple[str, ...]) -> None:
    """Exit 3, and nothing written."""
    before = kept(grown)
    done = look(*args, cwd=grown)
    assert (3, before) == (done.code, kept(grown)), done.err
