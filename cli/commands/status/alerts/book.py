"""The book of a ledger's alerts: what is held open, and each transition kept on disk before it is appended."""

from collections.abc import Iterable
from contextlib import suppress

from cli.app import clock, output
from cli.app.settings import Settings
from cli.commands.status.alerts import spool
from cli.commands.status.alerts.looking import Seen
from cli.commands.status.alerts.spool import Kept
from cli.context import guards
from cli.context.ledgers import ActiveLedger
from ledger import ids
from ledger.codec import Draft
from ledger.errors import AppendIdError, LedgerError
from ledger.events import LEDGER_STREAM, AlertSent
from ledger.store.event_log import EventLog
from projections.models.alert_episodes import AlertEvent, Episode, Subject, after

WRITER_S = 5.0  # how long an append may wait for whoever writes: ingest is never in a hurry for an alert


class AlertBook:
    """What is held of each subject, from the log and from what is kept beside it; for one job."""

    def __init__(self, ledger: ActiveLedger, given: Settings, seen: Seen, *, job_id: bytes) -> None:
        """Read what is kept.

        Raises: as `spool.read` does.
        """
        self._ledger, self._given, self._job_id = ledger, given, job_id
        self._ledger_id = seen.ledger_id
        self._kept: list[Kept] = spool.read(ledger.home, seen.ledger_id)
        self.held: dict[Subject, Episode] = {one.subject: one for one in seen.episodes}
        self._hold(self._kept)

    @property
    def waiting(self) -> int:
        """How many events are kept that the log does not have."""
        return len(self._kept)

    def add(self, events: Iterable[AlertEvent]) -> None:
        """Record `events` after what was kept before; what cannot be appended now stays kept, and that is said."""
        some = [spool.kept(event, ledger_id=self._ledger_id, job_id=self._job_id) for event in events]
        self._hold(some)
        self._kept += some
        if not self._kept:
            return
        unkept = self._keep() if some else None
        if (why := self._appended()) is None:
            self._kept.clear()
            self._keep()
        else:
            place = self._ledger.home.root / spool.FOLDER if unkept is None else f"nowhere ({unkept})"
            output.say(f"note: alerts are kept in {place}, not recorded: {why}", explains=False)

    def _hold(self, some: Iterable[Kept]) -> None:
        for one in some:
            event = one.event()
            subject = event.metric, event.ticker
            now = after(self.held.get(subject), event, one.job_id)
            if now is not None:
                self.held[subject] = now
            else:
                self.held.pop(subject, None)

    def _keep(self) -> str | None:
        try:
            spool.write(self._ledger.home, self._kept)
        except LedgerError as error:
            return str(error)
        return None

    def _appended(self) -> str | None:
        """Append all that is kept, each under its own id, so that a repeat adds nothing; return why it could not be."""
        ledger, sample = self._ledger, self._ledger.kind == "sample"
        try:
            with EventLog(
                ledger.home,
                now=lambda: clock.now_us(self._given, sample=sample),
                lock_timeout_s=min(WRITER_S, self._given.ingest_lock_timeout_seconds),
                guards=guards.of(ledger.kind),
            ) as log:
                for one in self._kept:
                    draft = Draft(job_id=one.job_id, stream=LEDGER_STREAM, event=one.event())
                    with suppress(AppendIdError):  # recorded before, by a job whose book was lost
                        log.append([draft], append_id=ids.append_id(natural_key(one.event()), job_id=one.job_id))
        except (LedgerError, OSError) as error:
            return str(error)
        return None


def natural_key(event: AlertEvent) -> str:
    """Return what names the append of `event`.

    Source: docs/format.md, "Append".
    """
    end = f"/{event.transition}/{event.outcome}" if isinstance(event, AlertSent) else ""
    return f"{event.TAG.partition('/')[0]}/{event.episode_id.hex()}{end}"


def following(seen: Seen, book: AlertBook, now_us: int) -> int:
    """Return the position that an episode opened now is named by: the log's size and what waits for it, else a time."""
    return now_us if seen.size is None else seen.size + book.waiting
