"""stdin, stdout and stderr as every command may count on them: there, and a stderr that never fails.

A descriptor that was closed before the start would be given to the next file that is opened: to the ledger itself.
"""

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDIN, STDOUT, STDERR = range(3)


class Lossy(io.FileIO):
    """A descriptor that loses what it cannot take: a word that nobody hears costs nothing."""

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write what can be written; say that all was."""
        with suppress(OSError):
            super().write(content)
        return memoryview(content).nbytes


def settle() -> None:
    """Open what is closed of the three on nothing, and make stderr lose what it cannot take."""
    for fd in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free descriptor is this one: those below it are open by now.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(STDIN, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        sys.stdout = open(STDOUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    lossy = io.BufferedWriter(Lossy(STDERR, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(lossy, encoding="utf-8", errors="backslashreplace", line_buffering=True)
