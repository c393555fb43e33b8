"""Write-behind: a thread writes what was made while more is made."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cli.render.parquet import ROW_GROUP_ROWS

WAITING_ROWS = ROW_GROUP_ROWS  # as many as a file holds back before it writes them: else nothing is made meanwhile

Made = TypeVar("Made")


def written_behind(
    made: Iterable[Made], write: Callable[[Made], None], *, rows_of: Callable[[Made], int]
) -> Generator[Made]:
    """Yield what is `made`, each while it and those before it wait for a thread to `write` them, in their order.

    No more than `WAITING_ROWS` wait beside the newest, as `rows_of` counts them. All is written once the last was
    taken. However this ends, its thread has ended too; what waits for it by then is left out.

    Raises: what `write` raises, some of the made later.
    """
    waiting: deque[tuple[int, Future[None]]] = deque()
    rows = 0
    with ThreadPoolExecutor(1) as thread:
        try:
            for one in made:
                while waiting and (rows > WAITING_ROWS or waiting[0][1].done()):
                    size, writing = waiting.popleft()
                    writing.result()
                    rows -= size
                waiting.append((rows_of(one), thread.submit(write, one)))
                rows += waiting[-1][0]
                yield one
            for _, writing in waiting:
                writing.result()
        finally:
            thread.shutdown(cancel_futures=True)
