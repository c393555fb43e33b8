"""A home that is looked at while another process makes the ledger in it."""

from pathlib import Path

from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import StepClock, connection_tested


class Overtaken(LedgerHome):
    """A home where somebody makes a ledger and appends to it right after CURRENT was looked for."""

    def folders(self) -> list[Path]:
        """Return the folders as they are once that has happened."""
        home, clock = LedgerHome(self.root), StepClock()
        create_ledger(home, kind="real", software="test", now=clock, lock_timeout_s=5)
        with EventLog(home, now=clock) as log:
            log.append([connection_tested(1)], append_id=bytes(16))
        return super().folders()


def test_a_ledger_that_is_being_made_is_not_taken_for_one_that_lost_its_current(tmp_path: Path) -> None:
    """It was not there when it was looked for, and it is there the next time."""
    home = Overtaken(tmp_path)
    assert home.current() is None
    assert tmp_path / "ledger-1" == home.current()
