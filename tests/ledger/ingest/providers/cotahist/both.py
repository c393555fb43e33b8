"""One file read twice, by columns and line by line: what each makes of it, byte for byte, or its refusal."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import msgspec

from ledger.chain import Seq
from ledger.codec import encode_data
from ledger.errors import CotahistError
from ledger.ingest.import_log import ImportedEvents
from ledger.ingest.providers.cotahist import file, reading
from ledger.ingest.providers.cotahist.column_intake import ColumnIntake
from ledger.ingest.providers.cotahist.importing import Imported, Importer
from ledger.ingest.providers.cotahist.intake import Contents, Selection
from ledger.ingest.rules.held import Held
from ledger.market.series import Series
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.audit.audit import audit_log
from projections.store.runner import open_view
from tests.support.oracle import check_log

NOW_US = 1_770_000_000_000_000
JOB = bytes(16)


class Outcome(msgspec.Struct, frozen=True):
    """What a reading came to: a refusal with its line, or what was found and every event in its bytes."""

    refused: tuple[str, int | None] | None = None
    contents: Contents | None = None
    present: frozenset[str] = frozenset()
    counted: tuple[tuple[object, ...], ...] = ()
    events: tuple[tuple[bytes, tuple[bytes, ...]], ...] = ()
    by_columns: bool = False


def shown(some: Iterator[Any], _length: int) -> AbstractContextManager[Iterable[Any]]:
    """Show nothing."""
    return nullcontext(some)


class _Kept:
    """Takes the place of a log: keeps what would be appended."""

    def __init__(self) -> None:
        self.events: list[tuple[bytes, tuple[bytes, ...]]] = []

    def append(self, imported: Sequence[ImportedEvents]) -> list[Seq | None]:
        """Keep the events in their bytes."""
        self.events += [(one.append_id, tuple(map(encode_data, one.events))) for one in imported]
        return [None] * len(imported)


def outcome(path: Path, wanted: Selection, *, by_lines: bool) -> Outcome:
    """Return what reading the file at `path` comes to."""
    read = reading.by_lines if by_lines else reading.read
    kept = _Kept()
    try:
        with ExitStack() as held:
            with file.opened(path) as text:
                found = read(text, wanted, held, shown)
                contents = found.intake.contents(found.text, started_at=NOW_US, finished_at=NOW_US)
            importer = Importer(
                contents, job_id=JOB, log=None, held=lambda *_: Held({}), threshold_percent=10, lock_timeout_s=5
            )
            importer._appends = kept  # type: ignore[assignment]
            counted = tuple(_counts(one) for one in found.run(importer))
    except CotahistError as error:
        return Outcome(refused=(str(error), error.line))
    return Outcome(
        contents=contents,
        present=frozenset(found.intake.present),
        counted=counted,
        events=tuple(kept.events),
        by_columns=isinstance(found.intake, ColumnIntake),
    )


def _counts(one: Imported) -> tuple[object, ...]:
    decision = one.decision
    said = None if decision is None else (decision.verdict, decision.received, decision.added, decision.flagged)
    return one.ticker, one.records, said, str(one.error)


def agreed(path: Path, wanted: Selection) -> Outcome:
    """Return what the file at `path` comes to by columns, once it comes to the same line by line."""
    found = outcome(path, wanted, by_lines=False)
    reference = outcome(path, wanted, by_lines=True)
    assert reference == msgspec.structs.replace(found, by_columns=False)
    return found


def ledger(folder: Path, paths: Sequence[Path], *, by_lines: bool) -> list[bytes]:
    """Return every body of a ledger into which the files were imported in that order, each over what was held by then.

    The oracle has looked at it.
    """
    home = LedgerHome(folder)
    create_ledger(home, kind="real", software="t", now=lambda: NOW_US, lock_timeout_s=5)
    read = reading.by_lines if by_lines else reading.read
    with EventLog(home, now=lambda: NOW_US) as log:
        for path in paths:
            with ExitStack() as held:
                with file.opened(path) as text:
                    found = read(text, Selection(market="all"), held, shown)
                    contents = found.intake.contents(found.text, started_at=NOW_US, finished_at=NOW_US)
                view = held.enter_context(open_view(log, log.folder))
                importer = Importer(
                    contents,
                    job_id=JOB,
                    log=log,
                    held=lambda ticker, reach, view=view: view.held(Series(ticker, "cotahist"), reach),
                    threshold_percent=10,
                    lock_timeout_s=5,
                )
                assert len(list(found.run(importer))) == contents.tickers
        check_log(log)
        assert audit_log(log).first_difference is None
        return [record.body for record in log.read(1)]
