"""The audit of a log, in this process or shared among several, each with the streams that fall to it.

Every process reads the whole log, since the links before an event are what makes it one of the log; deriving is what
costs, and is shared.
"""

import gc
import mmap
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from zlib import crc32

from ledger.errors import SURROUNDINGS, LedgerError, UnknownEventError
from ledger.files.isolated import IsolatedProcess
from ledger.files.scratch import ScratchMap
from ledger.log_source import LogSource
from projections.audit.rederivation import Rederivation
from projections.audit.report import AuditReport, joined

WORKERS = 2
WORTH_A_SECOND_PROCESS = 500  # events
LOOK_S = 0.1  # how often the progress of the processes is looked at
COUNTER_BYTES = 8
GARBAGE_WORTH_A_LOOK = 50_000  # objects that may refer to each other, made and not gone
STREAMS_COUNTED = 16_384  # that are dealt in turn

OpenLog = Callable[[], AbstractContextManager[LogSource]]
Advance = Callable[[int], object]


def audit_log(log: LogSource, *, since: int = 0) -> AuditReport:
    """Return what deriving the events of `log` from `since` on finds, in this process.

    Raises: UnknownEventError for an event of a newer version; ShortageError, DiskFullError and their like.
    """
    with ScratchMap() as scratch:
        return _known(Rederivation(log, scratch, since=since).run(log.head().size))


def audit_shared(
    open_log: OpenLog, size: int, *, since: int = 0, workers: int = WORKERS, advance: Advance | None = None
) -> AuditReport:
    """Return what `audit_log` does of the first `size` events, each of `workers` processes opening the log for itself.

    The caller must not have it open: a child cannot open again what it inherited. `advance` is called with how many
    more events are done.

    Raises: as `audit_log` does; UnreadableError and its like where a process cannot read the log;
    IsolatedProcessError where reading it ends one.
    """
    workers = workers if size >= WORTH_A_SECOND_PROCESS else 1
    done = mmap.mmap(-1, COUNTER_BYTES * workers)
    shares = [partial(_share, open_log, size, since, worker, workers, done) for worker in range(workers)]
    children = [IsolatedProcess(share, AuditReport) for share in shares]
    shown = 0
    while any([child.is_at_work(LOOK_S / workers) for child in children]):  # noqa: C419 - each is looked at
        counters = (done[at : at + COUNTER_BYTES] for at in range(0, COUNTER_BYTES * workers, COUNTER_BYTES))
        counted = sum(int.from_bytes(counter, "big") for counter in counters) // workers
        if advance is not None:
            advance(counted - shown)
        shown = counted
    reports: list[AuditReport] = []
    errors: list[LedgerError] = []
    for child in children:
        try:
            reports.append(child.result())
        except LedgerError as error:
            errors.append(error)
    if errors:
        # What was lacking says more than what came of it.
        raise next((error for error in errors if isinstance(error, SURROUNDINGS)), errors[0])
    return _known(joined(reports))


def _share(open_log: OpenLog, size: int, since: int, worker: int, workers: int, done: mmap.mmap) -> AuditReport:
    at = worker * COUNTER_BYTES
    count = 0

    def advance(more: int) -> None:
        nonlocal count
        count += more
        done[at : at + COUNTER_BYTES] = count.to_bytes(COUNTER_BYTES, "big")

    # A process of its own, so that nobody else's garbage waits: there is next to none here, and looking for it costs.
    gc.freeze()
    gc.set_threshold(GARBAGE_WORTH_A_LOOK)
    with open_log() as log, ScratchMap() as scratch:
        return Rederivation(log, scratch, since=since, mine=None if workers == 1 else dealt(worker, workers)).run(
            size, advance
        )


def dealt(worker: int, workers: int) -> Callable[[str], bool]:
    """Return what tells whether a stream falls to `worker`, for who asks of every event from seq 0 on, as all do.

    Streams are dealt in the order in which they come, so that each process has as many; of more than are counted the
    name decides, since memory does not grow with them.
    """
    places: dict[str, int] = {}

    def is_mine(stream: str) -> bool:
        place = places.get(stream)
        if place is None:
            if len(places) >= STREAMS_COUNTED:
                return crc32(stream.encode("utf-8", "surrogatepass")) % workers == worker
            place = places[stream] = len(places)
        return place % workers == worker

    return is_mine


def _known(report: AuditReport) -> AuditReport:
    """Return `report`, unless it ended at an event that no version before the one that wrote it can judge."""
    first = report.first_difference
    if report.unknown is not None and (first is None or report.unknown[0] < first.seq):
        raise UnknownEventError(*report.unknown)
    return report
