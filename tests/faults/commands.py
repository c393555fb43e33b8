"""The jobs as an operator gives them: the command line itself, inside the process whose calls fail."""

import contextlib
import io
import os
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cli import entry
from ledger.audit.verify import verify_ledger
from ledger.errors import LedgerError, NotALedgerError
from ledger.files.checksum import read_checksum
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.faults.jobs import BACKUPS, JOBS, SOURCE, Job, home_of, prepare_ledger
from tests.faults.place import LOCK_TIMEOUT_S
from tests.support.cli import environment
from tests.support.drafts import connection_tested

TICKER = "PETR4.SA"
REFUSED = 2  # this exit code and those past it


class CommandRefusedError(LedgerError):
    """The command ended with an error of its own, and said so in its own way."""

    def __init__(self, code: int, line: str) -> None:
        super().__init__(f"exit {code}: {line}")


def command(args: Callable[[Path], list[str]]) -> Callable[[Path], None]:
    """Return work that runs `main` on what `args` gives for the folder, in this process.

    Raises: CommandRefusedError for exit codes from 2 up; AssertionError for a traceback or an internal error.
    """

    def work(root: Path) -> None:
        os.chdir(root)
        os.environ.clear()
        os.environ.update(environment())
        sys.argv = ["main"]
        with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.redirect_stdout(_thrown_away()):
            code = entry.run(args(root))
        said = err.getvalue()
        assert code in {0, 1, 2, 3}, (code, said)
        assert "Traceback" not in said, said
        assert "internal error" not in said, said
        if code >= REFUSED:
            raise CommandRefusedError(code, said)

    return work


def _thrown_away() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO())


def _prepare_in_use(root: Path, seed: int) -> None:
    """Make a ledger whose last event is of now: behind one long past, a command that goes by the clock records none."""
    prepare_ledger(root, seed)
    with EventLog(home_of(root), now=lambda: time.time_ns() // 1000, lock_timeout_s=LOCK_TIMEOUT_S) as log:
        log.append([connection_tested(0)], append_id=append_id("faults/now"))


def _back_up(root: Path) -> list[str]:
    number = len(list((root / BACKUPS).glob("*.db")))
    return ["backup", "--create", "--out", f"{BACKUPS}/{number}.db"]


def _check_sample_run(root: Path, done: bool) -> None:
    """Assert that the sample's ledger holds if it is there, and that what has a snapshot's name is whole."""
    for file in (root / "snapshots").glob("*.csv"):
        assert read_checksum(file) in {None, sha256(file.read_bytes()).digest()}
    home = LedgerHome(root / "dados").sample
    try:
        folder = home.current()
    except NotALedgerError:
        assert not done  # built, and not switched to: the next run takes it up
        return
    assert folder is not None or not done
    if folder is not None:
        report = verify_ledger(home, structure=True)
        assert ("intact", ("anchor",)) == (report.verdict, report.witnesses), report
    assert list((root / "snapshots").glob("*.csv")) or not done


def _as_command(
    name: str, args: Callable[[Path], list[str]], prepare: Callable[[Path, int], object] | None = None
) -> Job:
    """Return the job `name`, done by the command line."""
    job = next(job for job in JOBS if job.name == name)
    called = f"main {' '.join(args(Path())[:2])}"
    return Job(name=called, prepare=prepare or job.prepare, work=command(args), check=job.check)


COMMANDS = (
    Job(
        name="main --no-network",
        prepare=lambda _root, _seed: None,
        work=command(lambda _root: ["--no-network", "--ticker", TICKER]),
        check=_check_sample_run,
    ),
    _as_command("backup", _back_up, _prepare_in_use),
    _as_command("restore", lambda _root: ["backup", "--restore", "--from", SOURCE, "--yes", "--rollback"]),
    _as_command("rebuild", lambda _root: ["rebuild"]),
)
