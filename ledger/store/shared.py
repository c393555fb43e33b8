"""What one process has open once, however many readers ask for it: LMDB refuses to be opened twice by one process."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A thing that is open."""

    def close(self) -> None:
        """Let go of what it holds."""


Place = TypeVar("Place", bound=Hashable)
T = TypeVar("T", bound=Closable)


class Shared(Generic[Place, T]):
    """The things of one kind that are open in this process, by where each lies."""

    def __init__(self) -> None:
        self._users: dict[Place, tuple[T, int]] = {}
        self._sharing = threading.Lock()

    @contextmanager
    def opened(self, where: Callable[[], Place], open_at: Callable[[Place], T]) -> Iterator[T]:
        """Give the thing at `where()`, by `open_at` unless it is open; closed when the last who share it are done.

        Both are called while nobody else opens or closes one.

        Raises: what they raise.
        """
        with self._sharing:
            place = where()
            thing, users = self._users[place] if place in self._users else (open_at(place), 0)
            self._users[place] = thing, users + 1
        try:
            yield thing
        finally:
            with self._sharing:
                thing, users = self._users.pop(place)
                if users > 1:
                    self._users[place] = thing, users - 1
                else:
                    thing.close()
