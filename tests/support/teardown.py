"""What the oracle does when a test is over: it looks at every ledger in use below a folder, whoever made it.

A test that damages a ledger on purpose says what it does to it, with the mark `damages` or, for a folder that is not
the test's own, with `damaged`; the oracle must then find that it does not hold.
"""

from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from cli.app import version
from ledger.audit.verify import verify_ledger
from ledger.errors import LedgerError
from ledger.log_source import created
from ledger.store.event_log import EventLog
from ledger.store.home import CURRENT, PROJECTIONS, LedgerHome
from projections.audit.audit import audit_log
from tests.support.oracle import check_log

BY_COMMANDS = f"{version.PACKAGE} {version.installed()}"  # what event 0 says of a ledger that commands made

_held: set[bytes] = set()  # what was looked at, byte for byte: copies of a ledger are looked at once
_damaged: dict[Path, tuple[str, bool]] = {}


class NotWholeError(AssertionError):
    """A ledger that a test left behind is not what its log and its answers say."""

    def __init__(self, home: LedgerHome, found: object) -> None:
        super().__init__(f"{home.root}: {found!r}; a test that damages a ledger says so: @pytest.mark.damages(what)")


def damaged(folder: Path, what: str, *, always: bool = True) -> Path:
    """Return `folder`, in whose ledgers a test damages `what`, always or in some cases."""
    _damaged[folder] = what, always
    return folder


def check_below(folder: Path) -> None:
    """Assert that every ledger in use below `folder` is whole, apart from those that are `damaged`.

    Raises: NotWholeError.
    """
    for home in _homes(folder):
        if _damaged.keys().isdisjoint([home.root, *home.root.parents]):
            check_whole(home)


def check_damaged(folder: Path, what: str) -> None:
    """Assert that a ledger below `folder` does not hold, as a test says that damages it."""
    for home in _homes(folder):
        try:
            check_whole(home)
        except NotWholeError:
            return
    raise AssertionError(f"got whole ledgers alone below {folder}, want one that is damaged: {what}")


def check_all_damaged() -> None:
    """Assert the same of every folder that is `damaged`."""
    for folder, (what, always) in _damaged.items():
        if always:
            check_damaged(folder, what)


def check_whole(home: LedgerHome) -> None:
    """Assert that the ledger in use verifies, its read models are folds of it, and its answers lead to what it says.

    One that a test wrote event by event has decisions that no answer leads to: its audit only has to come to an end.

    Raises: NotWholeError.
    """
    try:
        folder = home.current()
        if folder is None or (contents := _contents(folder)) in _held:
            return
        found = _found(home)
    except (AssertionError, LedgerError) as error:
        raise NotWholeError(home, error) from error
    if found is not None:
        raise NotWholeError(home, found)
    _held.add(contents)


def _found(home: LedgerHome) -> object:
    """Return what verification or the audit finds, None where all is whole.

    Raises: AssertionError where the log or its read models are not; LedgerError where nobody can read it.
    """
    report = verify_ledger(home, workers=1)
    if report.verdict != "intact":
        return report
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        check_log(log)
        difference = audit_log(log).first_difference
        return difference if difference is not None and created(log).software == BY_COMMANDS else None


def _homes(folder: Path) -> Iterator[LedgerHome]:
    for current in sorted(folder.rglob(CURRENT)):
        if PROJECTIONS not in current.relative_to(folder).parts:
            yield LedgerHome(current.parent)


def _contents(folder: Path) -> bytes:
    """Return a digest of every file of the ledger in `folder`, LMDB's own lock files apart."""
    digest = blake3()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "lock.mdb":
            digest.update(f"{path.relative_to(folder)}\n{path.stat().st_size}\n".encode())
            digest.update_mmap(path)
    return digest.digest()
