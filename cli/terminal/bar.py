"""The one line at the foot of a terminal that shows how far a run is; whatever else is printed goes above it.

On stderr, and only where that is a terminal that may be drawn on. The cursor is never hidden, so nothing has to be
restored; a bar that is drawn is erased before every other line, and when its block ends, however it ends.
"""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TypeVar

T = TypeVar("T")

CELLS = 24
COLUMNS = 80  # of a terminal that does not say
_ERASE = "\r\x1b[K"
_LOCK = threading.RLock()
_drawn: list["ProgressBar"] = []


class ProgressBar:
    """How many of `length` things are done."""

    def __init__(self, label: str, length: int) -> None:
        self._label = label
        self._length = length
        self._done = 0
        self._shown = ""

    def advance(self, count: int = 1) -> None:
        """Count `count` things more as done."""
        self._done = min(self._done + count, self._length)
        if self._text() != self._shown:
            with _LOCK:
                self.draw()

    def draw(self) -> None:
        """Show the bar on the line that the cursor is in."""
        self._shown = self._text()
        _write(f"{_ERASE}{self._shown[: columns_of(sys.stderr) - 1]}")

    def _text(self) -> str:
        full = CELLS * self._done // self._length if self._length else CELLS
        share = f"{self._done}/{self._length}" if self._length < 10_000 else f"{100 * self._done // self._length}%"  # noqa: PLR2004 - a size in bytes is no count that a person reads
        return f"{self._label}  [{'#' * full}{'-' * (CELLS - full)}]  {share}"


def columns_of(stream: IO[str]) -> int:
    """Return how wide the terminal behind `stream` is; 80 where it does not say."""
    with suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    return COLUMNS


def may_draw() -> bool:
    """Return whether stderr is a terminal that takes escape sequences, and whose user wants them."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


@contextmanager
def drawn(label: str, length: int) -> Iterator[ProgressBar]:
    """Show a bar while the block runs."""
    bar = ProgressBar(label, length)
    with _LOCK:
        _drawn.append(bar)
        bar.draw()
    try:
        yield bar
    finally:
        with _LOCK:
            _drawn.remove(bar)
            _write(_ERASE)


@contextmanager
def above() -> Iterator[None]:
    """Give the block a line of its own; a bar that is shown is drawn again below it."""
    with _LOCK:
        if not _drawn:
            yield
            return
        _write(_ERASE)
        try:
            yield
        finally:
            _drawn[-1].draw()


def begin_line() -> None:
    """Begin a line of its own on stderr where that is a terminal: it has shown `^C` where the cursor was."""
    if sys.stderr.isatty():
        with _LOCK:
            _write(_ERASE if may_draw() else "\n")


def counted(items: Iterable[T], bar: ProgressBar) -> Iterator[T]:
    """Yield `items`; each counts when the next is asked for."""
    for item in items:
        yield item
        bar.advance()


def _write(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
