"""Tells mutmut which functions ran in the child processes of a test: a plugin of pytest for scripts/mutation.py.

mutmut gives a mutant the tests that reached its function, and sees only what they reached in their own process.
Whatever reads an untrusted database here does so in a child.
"""

import os
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from mutmut.state import state


class ChildHits:
    """The names that children leave in one file as they end; the test's own process takes them from there."""

    def __init__(self, leave: Callable[[int], NoReturn]) -> None:
        self._leave = leave
        self._fd, self._path = tempfile.mkstemp()
        self._taken_bytes = 0

    def leave(self, status: int) -> NoReturn:
        """End this process as `os._exit` does, its hits written down."""
        with open(self._path, "ab") as file:
            file.write("".join(f"{name}\n" for name in state()._stats).encode())  # noqa: SLF001 - the only door
        self._leave(status)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Add what children reached to what the test itself did, before mutmut takes that down."""
        new = os.pread(self._fd, os.fstat(self._fd).st_size, self._taken_bytes)
        self._taken_bytes += len(new)
        state()._stats.update(new.decode().split())  # noqa: SLF001 - the only door

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        os.close(self._fd)
        os.unlink(self._path)


def pytest_configure(config: Any) -> None:
    """Hear of every child that ends by `os._exit`, as all that fork here do."""
    hits = ChildHits(os._exit)
    os._exit = hits.leave  # type: ignore[assignment]  # the same, and a line in a file
    config.pluginmanager.register(hits)
