"""Pieces that a process hands out are taken by its children, each by one of them, whole and in order."""

import os
from itertools import chain

import pytest

from ledger.errors import KilledError
from ledger.files.isolated import IsolatedProcess
from ledger.files.piece_queue import PieceQueue

PIECE_BYTES = 56


def handed(pieces: list[bytes], children: int) -> list[list[bytes]]:
    """Return what each of so many children took of `pieces`."""
    queue = PieceQueue(PIECE_BYTES)
    taking = [IsolatedProcess(lambda: list(queue.taken()), list[bytes]) for _ in range(children)]
    queue.started()
    for piece in pieces:
        queue.hand(piece)
    queue.end()
    return [child.result() for child in taking]


@pytest.mark.parametrize("children", [1, 2, 3])
@pytest.mark.parametrize("pieces", [0, 1, 2, 10_000])
def test_each_piece_is_taken_once_and_whole(pieces: int, children: int) -> None:
    """More than a pipe holds too; each child takes its own in the order in which they were handed out."""
    given = [number.to_bytes(PIECE_BYTES, "big") for number in range(pieces)]
    taken = handed(given, children)
    assert given == sorted(chain.from_iterable(taken))
    assert all(some == sorted(some) for some in taken)


def test_children_that_are_gone_are_not_waited_for() -> None:
    """However much is handed to nobody; the end may be told twice."""
    queue = PieceQueue(PIECE_BYTES)
    child = IsolatedProcess(lambda: os._exit(0), bytes)
    queue.started()
    for _ in range(10_000):
        queue.hand(bytes(PIECE_BYTES))
    queue.end()
    queue.end()
    with pytest.raises(KilledError, match="no word"):
        child.result()


def test_a_queue_that_is_over_holds_nothing_open() -> None:
    """Whether its children were started or not."""
    before = len(os.listdir("/proc/self/fd"))
    handed([], 0)
    PieceQueue(PIECE_BYTES).end()
    assert before == len(os.listdir("/proc/self/fd"))
