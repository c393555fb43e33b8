"""Tells mutmut which functions ran in the child processes of a test: a plugin of pytest for scripts/mutation.py.

mutmut gives a mutant the tests that reached its function, and sees only what they reached in their own process.
Whatever reads an untrusted database here does so in a child.
"""

import os
import tempfile
from typing import Any

import pytest
from mutmut.mutation.trampoline import get_mutant_under_test
from mutmut.state import state


class Hits(set[str]):
    """The names of functions that were reached; children write theirs down at once, since some of them are killed."""

    def __init__(self) -> None:
        super().__init__()
        self._home = os.getpid()
        self._fd, self._path = tempfile.mkstemp()
        self._taken_bytes = 0

    def __hash__(self) -> int:
        """Return what pluggy tells a plugin by; a set has none."""
        return id(self)

    def add(self, name: str) -> None:
        """Know of `name`."""
        if name not in self:
            super().add(name)
            if os.getpid() != self._home:
                with open(self._path, "ab", buffering=0) as file:
                    file.write(f"{name}\n".encode())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Add what children reached to what the test itself did, before mutmut takes that down."""
        new = os.pread(self._fd, os.fstat(self._fd).st_size, self._taken_bytes)
        self._taken_bytes += len(new)
        self.update(new.decode().split())

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        os.close(self._fd)
        os.unlink(self._path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of the mutant's own module first: they find it soonest, and the first that fails is enough."""
    _, module, *_ = f"{get_mutant_under_test()}..".split(".")
    items.sort(key=lambda item: item.path.name != f"test_{module}.py")


def pytest_configure(config: Any) -> None:
    """Hear of every function that is reached from here on, in whichever process."""
    hits = Hits()
    state()._stats = hits  # noqa: SLF001 - the only door
    config.pluginmanager.register(hits)
