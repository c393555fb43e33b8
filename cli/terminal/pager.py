"""A pager for what is longer than the screen, as git has it: on a terminal only, by PAGER or else `less`."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain

DEFAULT = "less"
# Ends by itself where all fits, passes colours on, and leaves the text on the screen; a user's own LESS wins.
LESS = "FRX"
NO_PAGER = frozenset({"", "cat"})


def pages(pieces: Iterable[bytes]) -> bool:
    """Return whether a pager has taken `pieces`: stdout is a terminal, and they are longer than it is high.

    Pieces taken in vain are not lost: where they all fit on the screen they are printed here.
    """
    command = os.environ.get("PAGER", DEFAULT)
    if not sys.stdout.isatty() or not os.isatty(0) or os.environ.get("TERM") == "dumb" or command in NO_PAGER:
        return False
    height = 24
    with suppress(OSError):
        height = os.get_terminal_size(sys.stdout.fileno()).lines or height
    rest = iter(pieces)
    first, lines = [], 0
    try:
        for piece in rest:
            first.append(piece)
            lines += piece.count(b"\n")
            if lines >= height:
                break
    except BaseException:
        # What came before the trouble is shown before its message.
        _printed(first)
        raise
    if lines < height or not _through(command, chain(first, rest)):
        _printed(chain(first, rest))
    return True


def _through(command: str, pieces: Iterable[bytes]) -> bool:
    # Imported here: most of what is printed needs no pager.
    import shlex
    import subprocess

    try:
        pager = subprocess.Popen(  # noqa: S603 - the user's own pager
            shlex.split(command), stdin=subprocess.PIPE, env={"LESS": LESS, **os.environ}
        )
    except (OSError, ValueError):
        return False
    assert pager.stdin is not None  # noqa: S101 - a pipe was asked for
    # Whoever leaves the pager has seen enough.
    with suppress(BrokenPipeError), pager.stdin as page:
        for piece in pieces:
            page.write(piece)
    while True:
        # Ctrl-C is the pager's to handle.
        with suppress(KeyboardInterrupt):
            pager.wait()
            return True


def _printed(pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
