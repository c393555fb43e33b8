"""`--ledger F`: every reading command shows of a backup what it shows of the ledger that the backup was made of."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from cli.root import COMMANDS, root
from ledger.backup.archive_log import archive_log
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.cli.context.test_reading import AS_ANYBODY, OF_NO_LEDGER, READING, WRITING, everything, to
from tests.support.archives import archive, put
from tests.support.cli import Result, command, environment
from tests.support.sample_ledger import NOW, look

# They look at what is on this machine, or at no ledger at all.
NOT_OF_AN_ARCHIVE = {"health", "rebuild", "rules", "validate", "backup", "config"}
# How long it took, and what it was held against, differ.
SAID_ELSEWHERE = {"verify", "salvage"}
SHOWING = [args for args, _ in READING if args[0] not in NOT_OF_AN_ARCHIVE | SAID_ELSEWHERE]


def still(out: str) -> str:
    """Return `out` without the figures of this machine, which a backup has none of."""
    return re.sub(r"^b3ledger_(free_bytes|bad_verdict) \S+\n", "", out, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def auditor(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup of the sample's ledger, its snapshots, and no ledger."""
    folder = tmp_path_factory.mktemp("auditor")
    with EventLog(LedgerHome(sample / "dados" / "sample"), now=lambda: 0, readonly=True) as log:
        path = put(folder / "a.db", archive(log.read()), checksum=True)
        assert log.head() == archive_log(path).head()
    shutil.copytree(sample / "snapshots", folder / "snapshots")
    return folder


def test_every_command_that_shows_a_ledger_shows_a_backup() -> None:
    """Those without the option have their reason; `checkpoint` writes, and takes it for --compare alone."""
    with click.Context(root) as context:
        without = {entry.name for entry in COMMANDS if not _takes_an_archive(root.get_command(context, entry.name))}
    assert without == NOT_OF_AN_ARCHIVE | OF_NO_LEDGER | WRITING - {"checkpoint"}


def _takes_an_archive(command: click.Command | None) -> bool:
    assert command is not None
    return any("--ledger" in option.opts for option in [*command.params, *_below(command)])


def _below(command: click.Command) -> list[click.Parameter]:
    below = command.commands.values() if isinstance(command, click.Group) else []
    return [option for one in below for option in one.params]


@pytest.mark.parametrize("args", SHOWING, ids=" ".join)
def test_the_backup_shows_what_the_ledger_shows(args: list[str], sample: Path, auditor: Path, tmp_path: Path) -> None:
    """The same words on stdout, the same files, the same exit code; nothing is made where it is read."""
    before, out = sorted(auditor.rglob("*")), to(tmp_path / "out", args)
    want, written = look(*out, cwd=sample), everything(tmp_path)
    found = look(*out, "--ledger", "a.db", cwd=auditor)
    assert (want.code, still(want.out), want.err) == (found.code, still(found.out), found.err)
    assert (written, before) == (everything(tmp_path), sorted(auditor.rglob("*")))


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root cannot be kept from writing")
@pytest.mark.parametrize("args", [["snapshot", "--check"], ["metrics"], ["verify"]], ids=" ".join)
def test_a_folder_that_takes_no_writing_is_enough(args: list[str], auditor: Path) -> None:
    """Everything is folded in memory."""
    words = [*(AS_ANYBODY if os.geteuid() == 0 else []), *command(*args, "--ledger", "a.db")]
    auditor.chmod(0o500)
    try:
        done = subprocess.run(words, cwd=auditor, env=environment(NOW), capture_output=True, check=False)
    finally:
        auditor.chmod(0o700)
    assert look(*args, "--ledger", "a.db", cwd=auditor).code == done.returncode != 3, done.stderr


# In a mount namespace of its own, so that nothing stays mounted.
READ_ONLY = r"""
mount --bind . . && cd "$PWD" && mount -o remount,bind,ro . || exit 77
touch new 2>/dev/null && exit 78
while read -r words; do eval "\"\$@\" $words --ledger a.db"; echo "exit $?"; done
"""
UNMOUNTABLE = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(UNMOUNTABLE, reason="no mount namespaces here: no file system can be made read-only")
def test_a_file_system_that_takes_no_writing_is_enough(auditor: Path) -> None:
    """Every reading command says there what it says elsewhere."""
    asked = [*(args for args in SHOWING if args == to(Path("out"), args)), ["verify", "--format", "json"]]
    words = ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", *command()]
    done = subprocess.run(
        words,
        cwd=auditor,
        env=environment(NOW),
        input="".join(f"{shlex.join(args)}\n" for args in asked),
        capture_output=True,
        text=True,
        check=False,
    )
    elsewhere = [look(*args, "--ledger", "a.db", cwd=auditor) for args in asked]
    expected = "".join(f"{found.out}exit {found.code}\n" for found in elsewhere)
    assert (0, _untimed(expected)) == (done.returncode, _untimed(done.stdout)), done.stderr
    assert "".join(found.err for found in elsewhere) == done.stderr


def _untimed(told: str) -> str:
    return re.sub(r'"seconds":[0-9.e-]+', '"seconds":0', told)


def test_verify_takes_the_file_either_way(auditor: Path) -> None:
    """As an argument and as the option; --structure is for databases."""
    said = [look("verify", *args, "--format", "json", cwd=auditor) for args in (["a.db"], ["--ledger", "a.db"])]
    rows = [row | {"seconds": 0} for result in said for row in result.lines()]
    assert [0, 0] == [result.code for result in said]
    assert rows[0] == rows[1]
    assert ("intact", ["checksum"]) == (rows[0]["verdict"], rows[0]["witnesses"])
    assert 3 == look("verify", "a.db", "--structure", cwd=auditor).code


def test_a_head_saved_of_a_backup_is_held_against_a_ledger(auditor: Path, copy: Path) -> None:
    """And the other way round."""
    assert 0 == look("verify", "a.db", "--save-head", "head.json", cwd=auditor).code
    assert 0 == look("verify", "--from-head", str(auditor / "head.json"), cwd=copy).code
    assert 0 == look("verify", "a.db", "--from-head", "head.json", cwd=auditor).code


@pytest.mark.parametrize("args", [["events"], ["logs"], ["snapshot", "--check"], ["replay"]], ids=" ".join)
def test_nothing_of_a_damaged_backup_is_shown(args: list[str], auditor: Path, tmp_path: Path) -> None:
    """One changed byte anywhere: exit 2, one line that names file and seq, a hint."""
    content = bytearray((auditor / "a.db").read_bytes())
    content[-1] ^= 1
    (tmp_path / "bad.db").write_bytes(content)
    found = look(*args, "--ledger", "bad.db", cwd=tmp_path)
    assert (2, "") == (found.code, found.out)
    first, second = found.err.splitlines()
    assert first.startswith("error: got link at seq ")
    assert "(in bad.db)" in first
    assert second.startswith("hint: main backup --verify --from bad.db")


def test_a_head_that_a_restore_replaced_is_explained(copy: Path) -> None:
    """Which restore, and where the ledger that holds it lies; through two restores as well."""
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=copy).code
    assert 0 == look("verify", "--save-head", "head.json", cwd=copy).code
    held = "dados/sample/ledger-1"
    for _ in range(2):
        assert 0 == look("backup", "--restore", "--from", "a.db", "--rollback", "--yes", cwd=copy).code
        found: Result = look("verify", "--from-head", "head.json", "--format", "json", cwd=copy)
        (row,) = found.lines()
        assert (2, "forked", "a.db", held) == (
            found.code,
            row["verdict"],
            row["replaced_by"]["backup"],
            row["replaced_by"]["ledger"],
        )
        assert "that was a restore on the record" in found.err
    assert f"whose ledger lies in {held}" in look("verify", "--from-head", "head.json", cwd=copy).out
