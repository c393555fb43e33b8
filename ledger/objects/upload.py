"""Makes a backup at a place: the archive's bytes that are not there yet, as segments, each written once.

In this order: a checked archive among the temporary files, its new segments from the oldest on, the checksum of the
whole, the event. A kill at any instant leaves whole segments, from which the next upload goes on.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from ledger.backup.create import (
    CreatedBackup,
    Watch,
    record_created,
    scan_copy,
    told_of_failure,
    unwatched,
    write_archive,
)
from ledger.backup.frames import HEADER, LENGTH, opened, runs
from ledger.backup.scan import Scan
from ledger.errors import DamagedError
from ledger.files.atomic_file import part_file
from ledger.files.checksum import render_checksum
from ledger.objects.errors import ObjectDiffersError, SegmentsError
from ledger.objects.place import ObjectPlace
from ledger.objects.segments import chain, checksum_name, placed, segment_name
from ledger.store.event_log import EventLog

SEGMENT_BYTES = 8 * 1024 * 1024  # one request, which a store takes whole or not at all; a body of an event more at most


class Uploaded(msgspec.Struct, frozen=True):
    """A backup that is at a place now, and how many objects that took."""

    made: CreatedBackup
    written: int


class Cut(msgspec.Struct, frozen=True):
    """The bytes [begin, end) of an archive: its events [start, stop)."""

    start: int
    stop: int
    begin: int
    end: int


def cuts(path: Path, stops: Sequence[int], *, limit_bytes: int = SEGMENT_BYTES) -> Iterator[Cut]:
    """Yield the archive at `path` in pieces: those that end before the events `stops`, then as `limit_bytes` has it.

    Raises: as `ledger.backup.frames.runs` does.
    """
    start, begin, seq, at, left = 0, 0, 0, len(HEADER), list(reversed(stops))
    with opened(path) as file:
        for values in runs(file):
            for value in values:
                seq, at = seq + 1, at + LENGTH.size + len(value)
                if (seq == left[-1]) if left else (at - begin >= limit_bytes):
                    yield Cut(start, seq, begin, at)
                    start, begin = seq, at
                    del left[-1:]
    if seq > start:
        yield Cut(start, seq, begin, at)


def upload_backup(log: EventLog, place: ObjectPlace, *, job_id: bytes, watch: Watch = unwatched) -> Uploaded:
    """Return the backup of `log` that is now at `place`; `backup.created` records it under the place's name.

    Takes the archive's bytes among the temporary files, and memory for one segment. What is there stays as it is:
    its lengths are compared with the log, and the bytes of its last segment, which follow from all before.
    A failure is recorded by `backup.failed`.

    Raises: SegmentsError, ObjectDiffersError; StoreError; DamagedError; as `EventLog.append` does.
    """
    with told_of_failure(log, place.name, job_id=job_id) as stage:
        head = log.head()
        with (
            tempfile.TemporaryDirectory(prefix="b3-ledger-") as folder,
            part_file(path := Path(folder) / place.name) as part,
        ):
            with watch("copying", head.size) as advance:
                written = write_archive(log, head.size, part, advance)
            part.sync()
            stage.name = "check"
            found = scan_copy(part, path, sha256=written, head=head, watch=watch)
            stage.name = "upload"
            with watch("uploading", head.size) as advance:
                objects = extend(place, part.path, found, advance=advance or (lambda _: None))
        stage.name = "record"
        return Uploaded(record_created(log, found, job_id), objects)


def extend(place: ObjectPlace, archive: Path, found: Scan, *, advance: Callable[[int], object]) -> int:
    """Write to `place` what it lacks of the scanned archive, then its checksum; return how many objects that took.

    Raises: SegmentsError where there is another ledger, a gap, or more than the archive has; ObjectDiffersError;
    StoreError; UnreadableError.
    """
    if found.created is None:
        raise DamagedError(0, "missing event", expected="event 0", found="the end")
    ledger_id, size = found.created.ledger_id.hex(), found.head.size
    held = chain(place.url, placed(place.objects()))
    if held and held[0].ledger_id != ledger_id:
        raise SegmentsError(place.url, f"segments of the ledger {held[0].ledger_id}", wanted=f"those of {ledger_id}")
    if held and held[-1].stop > size:
        raise SegmentsError(place.url, f"{held[-1].stop} events", wanted=f"at most the {size} of the ledger in use")
    written = 0
    with opened(archive) as file:
        for number, cut in enumerate(cuts(archive, [one.stop for one in held])):
            if number < len(held) and held[number].size_bytes != cut.end - cut.begin:
                raise ObjectDiffersError(place.url, held[number].name)
            if number >= len(held) - 1:
                content = os.pread(file.fileno(), cut.end - cut.begin, cut.begin)
                if number < len(held):
                    place.check(held[number].name, content)
                else:
                    written += place.put(segment_name(ledger_id, cut.start, cut.stop), content)
            advance(cut.stop - cut.start)
    # Its name is that of the file that the segments make together.
    checksum = render_checksum(found.sha256, place.name)
    return written + place.put(checksum_name(ledger_id, size), checksum)
