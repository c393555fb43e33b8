"""What whoever watches a long task gets to see."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from ledger.backup.scan import Advance


class Watched:
    """Writes down what was done, how many events that was to take, and how many were said to be done."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, int | None, int]] = []

    def __call__(self, doing: str, events: int | None) -> AbstractContextManager[Advance | None]:
        """Watch one task."""
        return self._watching(doing, events)

    @contextmanager
    def _watching(self, doing: str, events: int | None) -> Iterator[Advance]:
        done: list[int] = []
        yield done.append
        self.tasks.append((doing, events, sum(done)))
