"""The one place where an error that nobody foresaw becomes one of ours: it ends one piece of work, not its neighbours.

Defects of our own that come up in such work are caught too: each is named by its class, and the exit code shows it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger.errors import LedgerError, shortage
from ledger.urls import masked_line

WORDS_MAX = 200  # of an exception's text, which may quote a whole answer


class UnforeseenError(LedgerError):
    """Something broke in a way that nobody foresaw, at the step `stage`; `kind` is the class of the exception."""

    def __init__(self, stage: str, error: Exception) -> None:
        words = masked_line(str(error), WORDS_MAX)
        self.stage, self.kind = stage, type(error).__name__
        super().__init__(f"got {self.kind}{f': {words}' if words else ''}, want none")


@contextmanager
def foreseen(stage: str) -> Iterator[None]:
    """Turn whatever the block raises into a LedgerError; `stage` is what the block does.

    For work on what others made: a provider's answer, a library's reading of it, a line of a file.

    Raises: LedgerError as it came; ShortageError; UnforeseenError. An order to end the process is none of these.
    """
    try:
        yield
    except LedgerError:
        raise
    except Exception as error:
        # What an answer may break cannot be listed, and it must cost one job only.
        raise shortage(error) or UnforeseenError(stage, error) from error
