"""Which processes there are, as Linux lists them."""

import os
from pathlib import Path


def children(pid: int | None = None) -> set[int]:
    """Return the processes that `pid`, or else this one, started and did not wait for yet.

    Raises: OSError where it is gone.
    """
    parent = os.getpid() if pid is None else pid
    return set(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()))
