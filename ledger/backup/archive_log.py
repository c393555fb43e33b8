"""An archive read as a log: checked whole before anything in it is shown."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from ledger.audit.flaw import Flaw
from ledger.backup.frames import opened, records, runs
from ledger.backup.scan import Scan, scan
from ledger.chain import LINK_BYTES, Head, Link, Record
from ledger.errors import ArchiveDamagedError, DamagedError, unreadable
from ledger.events import LedgerCreated
from ledger.files.checksum import read_checksum


class ArchiveLog:
    """A log source over the archive at `path`. Holds no file open between reads."""

    def __init__(self, scanned: Scan) -> None:
        """Read by the marks of a scan that found no flaw; see `archive_log`."""
        self.scan = scanned
        self.path = scanned.path

    @property
    def created(self) -> LedgerCreated:
        """Event 0: which ledger this is, and whether its data are real."""
        assert self.scan.created is not None  # noqa: S101 - a scan without a flaw has it
        return self.scan.created

    def head(self) -> Head:
        """Return the size and the last link; O(1)."""
        return self.scan.head

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop), stop clipped to the archive's size.

        Begins at the mark before `start`: at most 256 KiB of records are passed over. Each record is checked again.

        Raises: ArchiveDamagedError when the file is no longer what was scanned; UnreadableError.
        """
        size = self.scan.head.size
        stop = size if stop is None else min(stop, size)
        if start >= stop:
            return
        marks = self.scan.marks
        mark = marks[bisect_right(marks, start, key=lambda mark: mark.seq) - 1]
        with self._archive_errors(), opened(self.path, mark) as file:
            found = records(file, start=mark.seq, prev=mark.prev)
            for record in islice(found, start - mark.seq, stop - mark.seq):
                # Before it is yielded: a file that was replaced since by a sound one shows at its end at the latest.
                if record.seq + 1 == size and record.link != self.scan.head.link:
                    raise _other_end(self.scan.head, record.link)
                yield record
                start = record.seq + 1
            if start < stop:
                raise _ended(start)

    def values(self) -> Iterator[list[bytes]]:
        """Yield all events as a ledger stores them, link ‖ body, one list per buffer read; nothing is re-hashed.

        Raises: as `read` does, where the file no longer has as many frames as were scanned.
        """
        seq, stop = 0, self.scan.head.size
        with self._archive_errors(), opened(self.path) as file:
            for buffer in runs(file):
                values = buffer[: stop - seq]
                seq += len(values)
                if seq == stop and (found := Link(values[-1][:LINK_BYTES])) != self.scan.head.link:
                    raise _other_end(self.scan.head, found)
                yield values
                if seq == stop:
                    return
            raise _ended(seq)

    def link_at(self, seq: int) -> Link | None:
        """Return the link of the event at `seq`, None when there is no such event."""
        return next((record.link for record in self.read(seq)), None)

    @contextmanager
    def _archive_errors(self) -> Iterator[None]:
        """Raise errors that name this archive for what goes wrong in the block."""
        try:
            yield
        except DamagedError as error:
            raise ArchiveDamagedError(
                self.path, error.seq, error.kind, expected=error.expected, found=error.found
            ) from error
        except OSError as error:
            raise unreadable(self.path, error) from error


def archive_log(path: Path) -> ArchiveLog:
    """Return the archive at `path` as a log, once all of it holds, and its `.checksum` too, if any.

    Raises: ArchiveDamagedError; NoArchiveError, NotAnArchiveError, NewerFormatError; ChecksumDamagedError;
    UnreadableError.
    """
    return ArchiveLog(proven(scan(path)))


def proven(found: Scan) -> Scan:
    """Return the scan of a whole archive, once it found no flaw and the `.checksum` beside the file, if any, agrees.

    Raises: ArchiveDamagedError; ChecksumDamagedError; UnreadableError.
    """
    if found.flaw:
        raise archive_damaged(found.path, found.flaw)
    remembered = read_checksum(found.path)
    if remembered is not None and remembered != found.sha256:
        raise ArchiveDamagedError(
            found.path,
            found.head.size,
            "checksum",
            expected=f"sha256 {remembered.hex()}",
            found=f"sha256 {found.sha256.hex()}",
        )
    return found


def archive_damaged(path: Path, flaw: Flaw) -> ArchiveDamagedError:
    """Return what to raise for `flaw` in the archive at `path`; at seq 0 where it is not one of the events."""
    return ArchiveDamagedError(path, flaw.seq or 0, flaw.kind, expected=flaw.expected, found=flaw.found)


def _other_end(head: Head, found: Link) -> DamagedError:
    return DamagedError(head.size - 1, "link", expected=head.link.hex(), found=found.hex())


def _ended(seq: int) -> DamagedError:
    return DamagedError(seq, "missing event", expected=f"seq {seq}", found="the end")
