"""`main salvage` saves what is intact, says what is lost, and no damage ends it."""

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import command, environment
from tests.support.sample_ledger import NOW, kept, look


def test_a_sound_ledger_is_saved_whole(copy: Path, tmp_path: Path) -> None:
    """Exit 0; the archive restores into a ledger with the same head."""
    (row,) = (found := look("salvage", "--out", "saved.db", "--format", "json", cwd=copy)).lines()
    assert (0, "intact", 0) == (found.code, row["status"], row["lost_events"])
    (verified,) = look("verify", "--format", "json", cwd=copy).lines()
    assert (verified["events"], verified["head"]) == (row["events"], row["head"])
    assert 0 == look("backup", "--restore", "--from", str(copy / "saved.db"), cwd=tmp_path).code


@pytest.mark.damages("the database is cut")
def test_a_cut_database_gives_its_prefix(copy: Path) -> None:
    """One line and no traceback, whatever the engine made of it; exit 1, since something is lost."""
    data = copy / "dados" / "sample" / "ledger-1" / "data.mdb"
    whole = data.read_bytes()
    (before,) = look("verify", "--format", "json", cwd=copy).lines()
    data.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    (row,) = (found := look("salvage", "--out", "saved.db", "--format", "json", cwd=copy)).lines()
    assert (1, "salvaged", "unreadable", None) == (found.code, row["status"], row["verdict"], row["lost_events"])
    assert 1 <= row["events"] < before["events"]
    why = f"warning: {row['source']} is unreadable: saved up to event {row['head_seq']}\n"
    assert f"{why}hint: main backup --restore --from saved.db --dry-run\n" == found.err
    assert 0 == look("verify", "saved.db", cwd=copy).code


@pytest.mark.parametrize("cut", [1, 200])
def test_a_cut_archive_gives_its_whole_frames(cut: int, copy: Path) -> None:
    """From `--ledger`; what comes out is intact."""
    look("backup", "--create", "--out", "a.db", cwd=copy)
    path = copy / "a.db"
    path.write_bytes(path.read_bytes()[:-cut])
    (row,) = (found := look("salvage", "--ledger", "a.db", "--out", "s.db", "--format", "json", cwd=copy)).lines()
    assert (1, "truncated", None) == (found.code, row["verdict"], row["lost_events"])
    (verified,) = look("verify", "s.db", "--format", "json", cwd=copy).lines()
    assert ("intact", row["head"]) == (verified["verdict"], verified["head"])
    why = f"warning: a.db is truncated: saved up to event {row['head_seq']}\n"
    assert f"{why}hint: main backup --restore --from s.db --dry-run\n" == found.err


def test_a_name_that_is_taken_is_refused(copy: Path) -> None:
    """Exit 3."""
    (copy / "a.db").write_text("precious", "utf-8")
    assert (3, "precious") == (look("salvage", "--out", "a.db", cwd=copy).code, (copy / "a.db").read_text("utf-8"))


def test_an_archive_goes_where_stdout_goes(copy: Path) -> None:
    """The bytes of the file, and nothing beside them: what is said of it is on stderr."""
    look("salvage", "--out", "saved.db", cwd=copy)
    words = command("salvage", "--out", "-")
    done = subprocess.run(words, cwd=copy, env=environment(NOW), capture_output=True, check=False)
    assert (0, (copy / "saved.db").read_bytes()) == (done.returncode, done.stdout)
    assert b" (intact) in stdout; nothing is lost; head " in done.stderr
    assert 1 == done.stderr.count(b"\n")
    refused = look("salvage", "--out", "-", "--format", "json", cwd=copy)
    assert (3, "error: got --format json for an archive on stdout, want --out with a file") == (
        refused.code,
        refused.err.splitlines()[0],
    )


@pytest.mark.parametrize("room_kib", [0, 8])
def test_what_does_not_fit_is_not_taken_for_lost(room_kib: int, copy: Path) -> None:
    """An error that says so, and no file: whoever salvages may have nothing else left."""
    before = kept(copy)
    words = ["bash", "-c", f'ulimit -f {room_kib}; exec "$@"', "bash", *command("salvage", "--out", "saved.db")]
    done = subprocess.run(words, cwd=copy, env=environment(NOW), capture_output=True, text=True, check=False)
    said = "error: got 'File too large' on writing saved.db, want a writable folder\nhint: ls -ld .\n"
    assert (3, "", said) == (done.returncode, done.stdout, done.stderr)
    assert before == kept(copy)
