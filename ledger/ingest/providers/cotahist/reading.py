"""A file read to its end: by columns where it is as files are; line by line where it is not, or is short."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

from ledger.ingest.providers.cotahist import file
from ledger.ingest.providers.cotahist.file import Text
from ledger.ingest.providers.cotahist.importing import Imported, Importer
from ledger.ingest.providers.cotahist.intake import Intake, Selection
from ledger.ingest.providers.cotahist.spool import Spool

FEW_LINES = 1_000  # read a line at a time in less than it takes to import numpy

Shown = Callable[[Iterator[Any], int], AbstractContextManager[Iterable[Any]]]


class ReadFile(NamedTuple):
    """A file that was read to its end, what was found in it, and how an importer takes its quotes up."""

    text: Text
    intake: Intake
    run: Callable[[Importer], Iterator[Imported]]


def quickest(text: Text, wanted: Selection, held: ExitStack, shown: Shown) -> ReadFile:
    """Do what `read` and `by_lines` do alike, as takes less time.

    Raises: as they do.
    """
    few = text.batches_expected(FEW_LINES) == 1
    return (by_lines if few else read)(text, wanted, held, shown)


def read(text: Text, wanted: Selection, held: ExitStack, shown: Shown) -> ReadFile:
    """Read all of `text`; the quotes wait for as long as `held` does.

    `shown` gives what it is handed, some lines at a time, and is told how many such steps there are about.

    Raises: CotahistError, naming the line; DiskFullError, UnwritableError, StorageError of where the quotes wait.
    """
    # Imported here: numpy is worth its start where many lines are read.
    from ledger.ingest.providers.cotahist import columns
    from ledger.ingest.providers.cotahist.column_intake import ColumnIntake
    from ledger.ingest.providers.cotahist.columns import UnusualFileError
    from ledger.ingest.providers.cotahist.line_runs import LineRuns

    together, runs = ColumnIntake(wanted), held.enter_context(LineRuns())
    try:
        with shown(columns.blocks(text), text.batches_expected(columns.BLOCK_LINES)) as blocks:
            together.fill_runs(runs, blocks)
    except UnusualFileError:
        return by_lines(text.again(), wanted, held, shown)
    return ReadFile(text, together, lambda importer: importer.run_columns(runs.batches(together.tickers)))


def by_lines(text: Text, wanted: Selection, held: ExitStack, shown: Shown) -> ReadFile:
    """Do what `read` does, a line at a time: the reference, and what names a line."""
    intake, spool = Intake(wanted), held.enter_context(Spool())
    with shown(text.batches(), text.batches_expected(file.BATCH_LINES)) as batches:
        intake.fill(spool, text, batches)
    return ReadFile(text, intake, lambda importer: importer.run(spool))
