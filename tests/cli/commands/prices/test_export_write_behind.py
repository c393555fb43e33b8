"""What is written behind is written whole and in order, and never much later than it was made."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.prices.export import write_behind
from cli.commands.prices.export.write_behind import WAITING_ROWS, written_behind


def size(rows: int) -> int:
    """Return how many rows one made is of: itself."""
    return rows


@given(st.lists(st.integers(0, 2 * WAITING_ROWS), max_size=12))
def test_all_is_written_in_its_order(made: list[int]) -> None:
    """By the time at which the last was taken, whatever its size."""
    written: list[int] = []
    assert (made, made) == (list(written_behind(made, written.append, rows_of=size)), written)


def test_so_much_waits_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the thread is held up, as many rows are made as may wait, and the newest beside them."""
    monkeypatch.setattr(write_behind, "WAITING_ROWS", 25)
    go, made, written = threading.Event(), list[int](), list[int]()

    def write(rows: int) -> None:
        go.wait(5)
        written.append(rows)

    def source() -> Iterator[int]:
        for rows in (10, 10, 10, 11, 12):
            made.append(rows)
            if len(made) == 4:  # the first three wait: this one is made, and no other before one of them is written
                go.set()
            yield rows

    taken = written_behind(source(), write, rows_of=size)
    assert ([10, 10, 10], []) == ([next(taken) for _ in range(3)], written)
    assert ([11, 12], [10, 10, 10, 11, 12]) == (list(taken), written)


def test_an_error_of_the_thread_is_raised_where_more_is_taken() -> None:
    """At the end, where it was the last."""

    def write(rows: int) -> None:
        raise ValueError(rows)

    for made in ([1], [1, 2, 3]):
        with pytest.raises(ValueError, match="1"):
            list(written_behind(made, write, rows_of=size))


@pytest.mark.parametrize("early", ["error", "closed"])
def test_no_thread_outlives_it(early: str) -> None:
    """Neither by an error of what makes more, nor where nobody takes any more; what is being written is finished."""
    begun, written = threading.Event(), list[int]()

    def write(rows: int) -> None:
        begun.set()
        written.append(rows)

    def source() -> Iterator[int]:
        yield 1
        begun.wait(5)
        raise LookupError

    before = threading.active_count()
    taken = written_behind(source(), write, rows_of=size)
    assert 1 == next(taken)
    if early == "error":
        with pytest.raises(LookupError):
            next(taken)
    else:
        begun.wait(5)
        taken.close()
    assert ([1], before) == (written, threading.active_count())
