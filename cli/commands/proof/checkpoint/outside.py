"""What others are asked about a checkpoint that was just signed, and what came of it."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from cli.app.exit_codes import Exit
from ledger.checkpoint.errors import CosignatureError, NoAnswerError, TimestampError
from ledger.checkpoint.outside.stamping import Authority, Timestamped, stamp
from ledger.checkpoint.outside.witnessing import AskedWitness, Cosigned, cosign
from ledger.checkpoint.signing import Signed
from ledger.store.event_log import EventLog

T = TypeVar("T")


class OutsideQuestions(msgspec.Struct, frozen=True):
    """Who is to be asked."""

    authority: Authority | None
    witnesses: tuple[AskedWitness, ...]

    def __bool__(self) -> bool:
        """Whether anybody is."""
        return self.authority is not None or bool(self.witnesses)


class OutsideAnswers:
    """What they said, and why somebody said nothing; the exit code is that of the worst."""

    def __init__(self) -> None:
        self.timestamp: Timestamped | None = None
        self.not_stamped: str | None = None
        self.cosigned: list[Cosigned] = []
        self.not_cosigned: list[str] = []
        self.exit = Exit.OK

    def ask(
        self, questions: OutsideQuestions, log: EventLog, signed: Signed, *, job_id: bytes, timeout_s: float
    ) -> None:
        """Ask everybody about the checkpoint that was signed of `log`: it stands, whatever they say.

        Raises: TileError, NotProvenError; DiskFullError, UnwritableError; what `EventLog.append` raises.
        """
        for witness in questions.witnesses:
            said, why = self._said(partial(cosign, log, signed, witness, job_id=job_id, lock_timeout_s=timeout_s))
            self.cosigned += [] if said is None else [said]
            self.not_cosigned += [] if why is None else [why]
        if (authority := questions.authority) is not None:
            asking = partial(stamp, log, signed, authority, job_id=job_id, lock_timeout_s=timeout_s)
            self.timestamp, self.not_stamped = self._said(asking)

    def _said(self, ask: Callable[[], T]) -> tuple[T | None, str | None]:
        try:
            return ask(), None
        except NoAnswerError as error:  # the next call can ask again
            self.exit = max(self.exit, Exit.WARNING)
            return None, str(error)
        except (CosignatureError, TimestampError) as error:
            self.exit = max(self.exit, Exit.CRITICAL)
            return None, str(error)
