"""The one place where an error that nobody foresaw becomes one of ours: it ends one piece of work, not its neighbours.

Defects of our own that come up in such work are caught too: each is named by its class, and the exit code shows it.
"""

from contextlib import AbstractContextManager

from ledger.errors import LedgerError, shortage
from ledger.urls import masked_line

WORDS_MAX = 200  # of an exception's text, which may quote a whole answer


class UnforeseenError(LedgerError):
    """Something broke in a way that nobody foresaw, at the step `stage`; `kind` is the class of the exception."""

    def __init__(self, stage: str, error: Exception) -> None:
        words = masked_line(str(error), WORDS_MAX)
        self.stage, self.kind = stage, type(error).__name__
        super().__init__(f"got {self.kind}{f': {words}' if words else ''}, want none")


class _Foreseen:
    """The block that `foreseen` guards; a class, since an audit enters one for every event."""

    __slots__ = ("_stage",)

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, LedgerError):
            # What an answer may break cannot be listed, and it must cost one job only.
            raise shortage(error) or UnforeseenError(self._stage, error) from error


def foreseen(stage: str) -> AbstractContextManager[None]:
    """Turn whatever the block raises into a LedgerError; `stage` is what the block does.

    For work on what others made: a provider's answer, a library's reading of it, a line of a file.

    Raises: LedgerError as it came; ShortageError; UnforeseenError. An order to end the process is none of these.
    """
    return _Foreseen(stage)
