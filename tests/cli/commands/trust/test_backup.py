"""`main backup` as an operator types it: the story's commands, the refusals, and what each prints."""

import os
import pty
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.trust.test_verify import change
from tests.cli.context.test_reading import AS_ANYBODY
from tests.support.cli import Result, command, environment, run_main
from tests.support.sample_ledger import EVENTS, NOW, kept, look, make_more


def only(result: Result, code: int = 0) -> Any:
    """Return the one JSON object that was printed, once the command ended with `code`."""
    assert code == result.code, result.err
    (row,) = result.lines()
    return row


def created(folder: Path, *args: str) -> Any:
    """Make a backup and return its row."""
    return only(look("backup", "--create", *args, "--format", "json", cwd=folder))


def restored(folder: Path, *args: str, code: int = 0) -> Any:
    """Restore and return the row."""
    return only(look("backup", "--restore", *args, "--format", "json", cwd=folder), code)


def test_the_storys_commands_work_as_written(copy: Path) -> None:
    """Create with --out and --verify, sha256sum -c, restore; one object each, 0600 both files."""
    shell = "backups/backup-$(date -u +%Y%m%dT%H%M%SZ).db"
    path = subprocess.run(["sh", "-c", f"echo {shell}"], capture_output=True, text=True, check=True).stdout.strip()
    row = created(copy, "--out", path, "--verify")
    assert ("created", path, True, "sample") == (row["status"], row["backup"], row["verified"], row["kind"])
    modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in (copy / "backups").iterdir()}
    assert {Path(path).name: 0o600, f"{Path(path).name}.checksum": 0o600} == modes
    summed = subprocess.run(
        ["sha256sum", "-c", f"{Path(path).name}.checksum"], cwd=copy / "backups", capture_output=True, check=False
    )
    assert 0 == summed.returncode
    assert "already_contained" == restored(copy, "--from", path)["status"]


def test_a_backup_has_a_name_by_its_time_and_is_never_overwritten(copy: Path) -> None:
    """BACKUP_DIR/backup-YYYYMMDDTHHMMSSZ.db; the second of the same second is refused, exit 3, with its hint."""
    row = created(copy)
    name = Path(row["backup"])
    assert ("backups", "backup-", ".db") == (str(name.parent), name.name[:7], name.suffix)
    before = (copy / name).read_bytes()
    again = look("backup", "--create", cwd=copy)
    assert 3 == again.code
    assert f"error: got a file at {name} already, want a free name\n" in again.err
    assert before == (copy / name).read_bytes()


def test_an_older_backup_is_a_prefix_of_a_newer_one(copy: Path) -> None:
    """`cmp` says so in its own words."""
    created(copy, "--out", "a.db")
    created(copy, "--out", "b.db")
    done = subprocess.run(["cmp", "a.db", "b.db"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.stderr.startswith("cmp: EOF on a.db")


def test_a_backup_begins_with_a_copy_of_the_one_before_it(copy: Path) -> None:
    """The row says from which; with --full, and for the first one, all is read from the log. The bytes are the same."""
    rows = [created(copy, "--out", name, *more) for name, *more in (["a.db"], ["b.db"], ["c.db", "--full"])]
    assert [(False, None), (True, "a.db"), (False, None)] == [(row["incremental"], row["copied_from"]) for row in rows]
    assert [None, None, None] == [row["not_copied"] for row in rows]
    assert (copy / "c.db").read_bytes().startswith((copy / "b.db").read_bytes())
    refused = look("backup", "--list", "--full", cwd=copy)
    assert (3, True) == (refused.code, "got --full with --list, want it left out" in refused.err)


def test_an_earlier_backup_that_was_changed_is_not_copied_and_why_is_said(copy: Path) -> None:
    """On stderr and in the row; the new one is made all the same, from the log."""
    made = created(copy, "--out", "a.db")
    content = (copy / "a.db").read_bytes()
    (copy / "a.db").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = look("backup", "--create", "--out", "b.db", "--format", "json", cwd=copy)
    row = only(done)
    assert (False, None) == (row["incremental"], row["copied_from"])
    assert row["not_copied"].endswith(f", want {made['checksum']}")
    assert f"note: a.db was not copied, all was read from the log: {row['not_copied']}\n" == done.err
    assert "intact" == only(look("backup", "--verify", "--from", "b.db", "--format", "json", cwd=copy))["verdict"]


def test_two_machines_make_the_same_bytes_of_the_same_events(copy: Path, tmp_path: Path) -> None:
    """A backup of a restored ledger begins with the backup that it was restored from."""
    created(copy, "--out", "a.db")
    restored(tmp_path, "--from", str(copy / "a.db"))
    created(tmp_path, "--out", "b.db")
    assert (tmp_path / "b.db").read_bytes().startswith((copy / "a.db").read_bytes())


def test_counts_are_by_type_and_by_ticker(copy: Path) -> None:
    """Each type adds up to the events; the ledger's own events are of no ticker."""
    row = created(copy)
    assert row["events"] == sum(row["types"].values())
    assert {"PETR4.SA", "ITUB4.SA"} == set(row["tickers"])
    assert row["events"] - 1 == sum(row["tickers"].values())


def test_verify_restores_and_names_its_witnesses(copy: Path) -> None:
    """Exit 0 with a witness, 1 without, 2 for damage, 3 for no file; nothing is changed."""
    path = copy / "a.db"
    made = created(copy, "--out", "a.db")
    look_at = lambda: look("backup", "--verify", "--from", "a.db", "--format", "json", cwd=copy)  # noqa: E731 - a word
    row = only(look_at())
    assert ("intact", True, ["checksum", "backup.created"]) == (row["verdict"], row["restored"], row["witnesses"])
    assert (made["types"], made["tickers"], made["seq"]) == (row["types"], row["tickers"], row["recorded_seq"])
    renamed = path.rename(copy / "b.db")
    bare = only(look("backup", "--verify", "--from", "b.db", "--format", "json", cwd=copy), 1)
    assert ("intact", []) == (bare["verdict"], bare["witnesses"])
    path.write_bytes(renamed.read_bytes()[:-1])
    assert ("truncated", False) == ((row := only(look_at(), 2))["verdict"], row["restored"])
    path.unlink()
    gone = look("backup", "--verify", "--from", "a.db", cwd=copy)
    assert (3, "error: got no file at a.db, want an archive\nhint: main backup --list\n") == (gone.code, gone.err)


def test_a_cut_between_two_frames_is_truncated_by_what_is_remembered(copy: Path) -> None:
    """By the checksum alone, by the event alone; without either it is an intact, shorter log."""
    created(copy, "--out", "a.db")
    created(copy, "--out", "b.db")
    shorter = (copy / "a.db").read_bytes()
    (copy / "b.db").write_bytes(shorter)
    assert "truncated" == only(look("verify", "b.db", "--format", "json", cwd=copy), 2)["verdict"]
    (copy / "b.db.checksum").unlink()
    assert "truncated" == only(look("verify", "b.db", "--format", "json", cwd=copy), 2)["verdict"]
    (copy / "c.db").write_bytes(shorter)
    assert ("intact", []) == (
        (row := only(look("verify", "c.db", "--format", "json", cwd=copy), 1))["verdict"],
        row["witnesses"],
    )


def test_the_list_says_what_the_ledger_tells_of_each_file(copy: Path) -> None:
    """Oldest name first; a file of another length than recorded makes it 1."""
    assert [] == look("backup", "--list", "--format", "json", cwd=copy).lines()
    row = created(copy)
    (listed,) = look("backup", "--list", "--format", "json", cwd=copy).lines()
    assert (row["backup"], "recorded", row["events"], row["head"], row["seq"]) == tuple(
        listed[name] for name in ("backup", "status", "events", "head", "seq")
    )
    with (copy / row["backup"]).open("ab") as file:
        file.write(b"x")
    assert "differs" == only(look("backup", "--list", "--format", "json", cwd=copy), 1)["status"]


def test_an_empty_folder_becomes_the_ledger(copy: Path, tmp_path: Path) -> None:
    """Same head, same counts, same read models, same snapshot bytes; checks of both are green there."""
    row = created(copy)
    here = restored(tmp_path, "--from", str(copy / row["backup"]))
    assert ("restored", "absent", row["events"], row["head"], None) == tuple(
        here[name] for name in ("status", "relation", "events", "head", "replaced")
    )
    assert 0 == look("snapshot", "--check", cwd=tmp_path).code
    assert 0 == look("verify", cwd=tmp_path).code
    for command_line in (
        ["metrics"],
        ["replay", "--until", str(row["head_seq"])],
        ["events", "--limit", str(row["events"]), "--format", "json"],
    ):
        told = [line for line in look(*command_line, cwd=copy).out.splitlines() if "backup." not in line]
        retold = [line for line in look(*command_line, cwd=tmp_path).out.splitlines() if "backup." not in line]
        assert told == retold
    for ticker in row["tickers"]:
        printed = look("snapshot", "--ticker", ticker, cwd=tmp_path).out
        assert (copy / "snapshots" / f"{ticker.removesuffix('.SA')}-20260213.csv").read_text("ascii") == printed
    again = created(tmp_path, "--out", "again.db")
    assert row["types"] | {"backup.restored/1": 1} == again["types"]
    assert row["tickers"] == again["tickers"]


def test_a_ledger_behind_the_backup_goes_on_as_it(copy: Path, tmp_path: Path) -> None:
    """Nobody is asked, since nothing of it is lost; it stays in its folder."""
    behind = tmp_path / "behind"
    shutil.copytree(copy, behind)
    make_more(copy)
    made = created(copy, "--out", str(tmp_path / "a.db"))
    row = restored(behind, "--from", str(tmp_path / "a.db"))
    assert ("restored", "prefix", made["events"], 0, EVENTS) == (
        row["status"],
        row["relation"],
        row["events"],
        row["lacking_events"],
        row["replaced"]["events"],
    )
    assert (behind / row["replaced"]["ledger"] / "data.mdb").is_file()
    assert 0 == look("snapshot", "--check", cwd=behind).code


@pytest.mark.parametrize("relation", ["forked", "damaged"])
def test_what_the_backup_lacks_is_counted_before_it_is_replaced(relation: str, copy: Path, tmp_path: Path) -> None:
    """Three events since the backup and one that tells of it: exit 3 and nothing changed, then --yes."""
    backup = str(tmp_path / "a.db")
    made = created(copy, "--out", backup)
    make_more(copy)
    if relation == "forked":
        restored(tmp_path, "--from", backup)
        backup = created(tmp_path, "--out", str(tmp_path / "b.db"))["backup"]
    else:
        change(copy, 3)
    before = kept(copy)
    refused = look("backup", "--restore", "--from", backup, cwd=copy)
    found = {"forked": "a forked", "damaged": "a damaged (tampered)"}[relation]
    assert (3, "", f"error: got {found} ledger in ledger-1 with 4 readable events from seq {made['events']} on ") == (
        refused.code,
        refused.out,
        refused.err.partition("that the backup lacks")[0],
    )
    assert before == kept(copy)
    row = restored(copy, "--from", backup, "--yes")
    assert ("restored", relation, 4, made["events"]) == (
        row["status"],
        row["relation"],
        row["lacking_events"],
        row["lacking_from_seq"],
    )
    replaced = {name for name in before if "/ledger-1/" in name}
    assert replaced
    assert {name: before[name] for name in replaced} == {name: kept(copy)[name] for name in replaced}
    assert 0 == look("verify", cwd=copy).code


def test_going_back_is_refused_and_then_done(copy: Path) -> None:
    """Exit 3 with the numbers and a hint that can be pasted; the old ledger stays where the answer says."""
    path = created(copy)["backup"]
    refused = look("backup", "--restore", "--from", path, "--rollback", cwd=copy)
    assert (3, "") == (refused.code, refused.out)
    assert "1 readable event from seq" in refused.err
    hint = refused.err.splitlines()[1].removeprefix("hint: main ").split()
    assert ["backup", "--restore", "--from", path, "--rollback", "--yes"] == hint
    row = only(look(*hint, "--format", "json", cwd=copy))
    assert ("restored", "contains", 1) == (row["status"], row["relation"], row["lacking_events"])
    assert (copy / row["replaced"]["ledger"] / "data.mdb").is_file()
    (told,) = look("events", "--type", "backup.restored", "--format", "json", cwd=copy).lines()
    assert (row["head"], True, row["replaced"]["head"]) == (
        told["data"]["link"],
        told["data"]["rollback"],
        told["data"]["replaced_link"],
    )


def test_a_dry_run_changes_nothing(copy: Path, tmp_path: Path) -> None:
    """It says what would be done; not even a folder is made."""
    path = str(copy / created(copy)["backup"])
    before = {item: item.read_bytes() for item in copy.rglob("*") if item.is_file() and item.name != "lock.mdb"}
    row = restored(copy, "--from", path, "--rollback", "--dry-run")
    assert ("dry_run", "ask", "contains") == (row["status"], row["action"], row["relation"])
    after = {item: item.read_bytes() for item in copy.rglob("*") if item.is_file() and item.name != "lock.mdb"}
    assert before == after
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "restore" == restored(empty, "--from", path, "--dry-run")["action"]
    assert [] == list(empty.iterdir())


def test_a_damaged_backup_is_not_restored_and_that_is_told(copy: Path) -> None:
    """Exit 2, the ledger as it was but for the event; a dry run does not tell."""
    path = copy / created(copy)["backup"]
    path.write_bytes(path.read_bytes()[:-1])
    args = ["backup", "--restore", "--from", str(path), "--rollback", "--yes"]
    assert 2 == look(*args, "--dry-run", cwd=copy).code
    assert [] == look("events", "--type", "backup.failed", "--format", "json", cwd=copy).lines()
    refused = look(*args, cwd=copy)
    assert 2 == refused.code
    assert refused.err.startswith("error: got cut frame at seq ")
    (told,) = look("events", "--type", "backup.failed", "--format", "json", cwd=copy).lines()
    assert (path.name, "restore") == (told["data"]["name"], told["data"]["stage"])
    assert 0 == look("verify", cwd=copy).code


def test_a_person_is_asked_on_a_terminal(copy: Path) -> None:
    """`n` refuses and changes nothing, `y` restores."""
    path = created(copy)["backup"]
    args = command("backup", "--restore", "--from", path, "--rollback")

    def answer(word: bytes) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        os.write(ours, word + b"\n")
        done = subprocess.run(args, cwd=copy, env=environment(NOW), stdin=theirs, capture_output=True, check=False)
        os.close(ours)
        os.close(theirs)
        return done.returncode, done.stderr

    code, said = answer(b"n")
    assert 3 == code
    assert b"This would replace an intact ledger in ledger-1 with 1 readable event" in said
    assert 0 == answer(b"y")[0]


def test_the_sample_is_not_restored_beside_a_real_ledger(copy: Path, tmp_path: Path) -> None:
    """They never mix: exit 3."""
    from ledger.store.create import create_ledger
    from ledger.store.home import LedgerHome

    path = created(copy)["backup"]
    create_ledger(LedgerHome(tmp_path / "dados"), kind="real", software="x", now=lambda: 1, lock_timeout_s=5)
    refused = look("backup", "--restore", "--from", str(copy / path), cwd=tmp_path)
    assert 3 == refused.code
    assert "got a backup of the sample" in refused.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "got no single thing to do, want one of --create, --restore, --verify, --list"),
        (["--create", "--list"], "got no single thing to do"),
        (["--create", "--yes"], "got --yes with --create, want it left out"),
        (["--list", "--out", "x"], "got --out with --list, want it left out"),
        (["--restore"], "got --restore without a file, want --from FILE"),
        (["--verify"], "got --verify without a file, want --from FILE"),
        (["--restore", "--verify", "--from", "x"], "got --verify with --restore, want one of them"),
        (["--create", "--from", "x"], "got --from with --create, want it left out"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(args: list[str], said: str, tmp_path: Path) -> None:
    """A usage error is 3, with a line and a hint."""
    done = run_main("backup", *args, cwd=tmp_path)
    assert (3, f"error: {said}") == (done.code, done.err[: len(f"error: {said}")])
    assert [] == list(tmp_path.iterdir())


def test_a_path_that_cannot_be_the_file_is_refused(copy: Path) -> None:
    """A folder, or a file that this user may not read: one line, exit 3, nothing made."""
    (copy / "a.db").touch(mode=0o000)
    before = sorted(copy.rglob("*"))
    for args, said in (
        (["--create", "--out", "snapshots"], "got a folder at 'snapshots', want a file (--out)"),
        (["--restore", "--from", "dados"], "got a folder at 'dados', want a file (--from)"),
        (["--verify", "--from", "a.db"], "got no permission to read 'a.db', want a readable file (--from)"),
    ):
        words = [*(AS_ANYBODY if os.geteuid() == 0 else []), *command("backup", *args)]
        done = subprocess.run(words, cwd=copy, env=environment(NOW), capture_output=True, text=True, check=False)
        assert (3, "", f"error: {said}\nhint: main backup --help\n") == (done.returncode, done.stdout, done.stderr)
    assert before == sorted(copy.rglob("*"))


def test_without_a_ledger_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    """Exit 3, and nothing is made."""
    assert 3 == look("backup", "--create", cwd=tmp_path).code
    assert [] == list(tmp_path.iterdir())


def test_a_fixed_clock_never_enters_a_real_ledger(tmp_path: Path) -> None:
    """B3_LEDGER_NOW is refused before anything is written."""
    from ledger.store.create import create_ledger
    from ledger.store.home import LedgerHome

    create_ledger(LedgerHome(tmp_path / "dados"), kind="real", software="x", now=lambda: 1, lock_timeout_s=5)
    refused = look("backup", "--create", cwd=tmp_path)
    assert (3, False) == (refused.code, (tmp_path / "backups").exists())
    assert 0 == run_main("backup", "--create", "--clock-ok", cwd=tmp_path).code


def test_pruning_keeps_what_was_asked_for_and_says_what_goes(copy: Path) -> None:
    """A dry run first; then one event, and the files are gone with their checksums; a checkpoint beside one stays."""
    for name in ("a.db", "b.db", "c.db"):
        created(copy, "--out", f"backups/{name}")
    (copy / "backups" / "a.db.checkpoint").write_text("signed")
    args = ("backup", "--prune", "--keep-daily", "1", "--format", "json")
    before = kept(copy)
    would = look(*args, "--dry-run", cwd=copy).lines()
    keys = ("backup", "removed", "dry_run", "reason", "keeper", "seq")
    stays = [(f"backups/{name}", False, False, "newest", None, None) for name in ("b.db", "c.db")]
    assert ("backups/a.db", False, True, "held", "backups/c.db", None) == tuple(would[0][key] for key in keys)
    assert before == kept(copy)
    went = look(*args, cwd=copy)
    seq = EVENTS + 3
    assert [("backups/a.db", True, False, "held", "backups/c.db", seq), *stays] == [
        tuple(row[key] for key in keys) for row in went.lines()
    ]
    assert ["a.db.checkpoint", "b.db", "b.db.checksum", "c.db", "c.db.checksum"] == sorted(os.listdir(copy / "backups"))
    event = only(look("events", "show", str(seq), "--format", "json", cwd=copy))
    gone = would[0]
    assert {"keeper": "c.db", "files": [["a.db", gone["bytes"], gone["checksum"]]]} == event["data"]
    assert 0 == look("verify", cwd=copy).code


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "got --prune without how many to keep, want --keep-daily N, --keep-monthly N or both"),
        (("--keep-daily", "0"), "got 0, want one in the range 1<=x<=100000 (--keep-daily)"),
        (("--keep-daily", "1", "--out", "x"), "got --out with --prune, want it left out"),
        (("--keep-daily", "1", "--list"), "got no single thing to do"),
    ],
)
def test_pruning_is_asked_for_in_full(args: tuple[str, ...], words: str, copy: Path) -> None:
    """A usage error, exit 3; nothing is removed by default."""
    found = look("backup", "--prune", *args, cwd=copy)
    assert (3, True) == (found.code, words in found.err), found.err


def test_pruning_names_a_file_that_is_not_what_was_recorded(copy: Path) -> None:
    """Exit 1, and it stays; of no backup at all nothing is said but that."""
    assert (0, "nothing to show\n") == (
        (none := look("backup", "--prune", "--keep-daily", "1", cwd=copy)).code,
        none.err,
    )
    for name in ("a.db", "b.db"):
        created(copy, "--out", f"backups/{name}")
    with (copy / "backups" / "b.db").open("ab") as file:
        file.write(b"x")
    found = look("backup", "--prune", "--keep-monthly", "1", cwd=copy)
    assert (1, "warning: backups/b.db stays: it is not what was recorded of it\n") == (found.code, found.err)
