"""Heads remembered outside the log and its anchor."""

from pathlib import Path

from ledger.chain import Head
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.log_source import Witness
from projections.store import runner


def projections(folder: Path) -> list[Witness]:
    """Return the head that the stored projections of the ledger in `folder` remember, an empty list for none.

    Their database is read in a child process: a damaged one must not keep the log from being verified.
    """
    try:
        (head,) = IsolatedProcess(lambda: [runner.remembered(folder)], list[Head | None]).result()
    except IsolatedProcessError:
        return []
    return [Witness(runner.WITNESS, head)] if head is not None and head.size else []
