"""One scan of an archive: what holds in it, where its frames begin, and the hash of the file.

The link before any frame is stored, so any part of a large file can be checked by itself and two cores share the work.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.audit.counts import Counts, Tally, merged
from ledger.audit.flaw import Flaw
from ledger.audit.meaning import Claim, EventsRead, Meaning
from ledger.audit.rehash import Followed, count_good, first_of
from ledger.audit.succession import Succession
from ledger.backup.frames import FRAME, HEADER, START, Mark, Stretch, opened, runs, why_bad
from ledger.chain import LINK_BYTES, Head, Link
from ledger.codec import decode_created
from ledger.errors import DamagedError, UnreadableError, unreadable
from ledger.events import LedgerCreated
from ledger.files.checksum import CHANGES, FileHash, hash_file
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError

WORTH_MORE_PROCESSES_BYTES = 8 * 1024 * 1024

Advance = Callable[[int], object]  # called with how many more events are done


class Counted(msgspec.Struct, frozen=True):
    """The part of an archive up to `mark`, checked before, and what it holds."""

    mark: Mark
    counts: Counts


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: `head` and `good_bytes` are of the longest prefix that holds, the hash is of the whole file.

    One mark per buffer that was read, about 256 KiB. `created` None when not even event 0 holds;
    `counts` are of what holds, None unless asked for. `found` and `claims` are what was read, where that was asked for.
    """

    path: Path
    head: Head
    created: LedgerCreated | None
    marks: tuple[Mark, ...]
    counts: Counts | None
    body_bytes: int
    good_bytes: int
    archive_bytes: int
    sha256: bytes
    flaw: Flaw | None
    found: EventsRead = EventsRead()
    claims: tuple[Claim, ...] = ()

    @property
    def counted(self) -> Counts:
        """What holds, of a scan that was asked to count it."""
        if self.counts is None:
            raise ValueError(f"{self.path}: scanned without counts")
        return self.counts


def scan(
    path: Path,
    *,
    counted: bool = False,
    meaning: bool = False,
    known: Head | Counted | None = None,
    hashed: FileHash | None = None,
    advance: Advance | None = None,
) -> Scan:
    """Return what the archive at `path` holds; damage is a flaw, not an error.

    `counted` also counts its events: then a body that is no envelope is a flaw.
    `meaning` also reads them: then an event that is not what its type says is one.
    `known` is a head whose events' bytes were checked before, as by the SHA-256 of a checked archive: they are not
    re-hashed, and that they end with its link is; where they are counted too, nothing of them is read.
    Reads the file twice, once for the chain and once for the SHA-256 unless that is `hashed`, a large one in three
    processes at once.
    Memory grows with the file by one mark of about 100 bytes per 256 KiB.

    Raises: NoArchiveError, NotAnArchiveError, NewerFormatError; UnreadableError, also when it changes meanwhile.
    """
    try:
        with opened(path) as file:
            large = os.fstat(file.fileno()).st_size >= WORTH_MORE_PROCESSES_BYTES
        processes = 2 if large and known is None and hashed is None else 1
        scanner = Scanner(path, counted=counted, meaning=meaning, known=known, advance=advance, processes=processes)
        if hashed is not None:
            part = scanner.run_in_order()
        else:
            part, hashed = _shared(scanner) if large else (scanner.run_in_order(), hash_file(path))
    except OSError as error:
        raise unreadable(path, error) from error
    except IsolatedProcessError as error:
        raise UnreadableError(path, error.how) from error
    return scan_of(path, part, hashed, counted=counted)


def scan_of(path: Path, part: "ScannedPart", hashed: FileHash, *, counted: bool) -> Scan:
    """Return what was found in the archive at `path`, whose hash is `hashed`."""
    return Scan(
        path=path,
        head=Head(part.end.seq, part.end.prev),
        created=part.created,
        marks=part.marks,
        counts=part.counts if counted else None,
        body_bytes=part.end.offset_bytes - len(HEADER) - FRAME.size * part.end.seq,
        good_bytes=part.end.offset_bytes,
        archive_bytes=hashed.file_bytes,
        sha256=hashed.sha256,
        flaw=part.flaw,
        found=part.found,
        claims=part.claims,
    )


class ScannedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What holds from a mark on, and up to where."""

    end: Mark
    created: LedgerCreated | None
    marks: tuple[Mark, ...]
    counts: Counts
    flaw: Flaw | None
    found: EventsRead
    claims: tuple[Claim, ...]

    def and_then(self, rest: "ScannedPart") -> "ScannedPart":
        """Return this part and `rest`, which begins where this one ends, as one."""
        last, then = self.found.recorded_at, rest.found.first_recorded_at
        if then is not None and then < last:
            return replace(self, flaw=Flaw(self.end.seq, "recorded_at", f"at least {last}", f"{then}"))
        return replace(
            rest,
            created=self.created,
            marks=self.marks + rest.marks,
            counts=merged(self.counts, rest.counts),
            found=self.found.and_then(rest.found),
            claims=self.claims + rest.claims,
        )


def _shared(scanner: "Scanner") -> tuple[ScannedPart, FileHash]:
    """Return the scan and the hash of a file: this process scans the first half, one child the second, one hashes.

    Where events are read, one more holds them against each other.
    """
    hashing = IsolatedProcess(partial(hash_file, scanner.path), FileHash)
    half = _halfway(scanner.path) if scanner.from_the_start else None
    if half is None:
        return scanner.run_in_order(), hashing.result()
    scanning = IsolatedProcess(partial(scanner.run, half), ScannedPart)
    following = IsolatedProcess(partial(_follow, scanner.path), Followed) if scanner.meaning else None
    first = scanner.run(START, stop=half.seq)
    # All are waited for, whatever they find: a child that is not reaped stays as a zombie.
    try:
        rest, hashed = scanning.result(), hashing.result()
    finally:
        followed = following.result().flaw if following else None
    if first.flaw is None and first.end != half:
        raise UnreadableError(scanner.path, CHANGES)
    part = first if first.flaw is not None else first.and_then(rest)
    if followed is not None and first_of(part.flaw, followed) == followed:
        # Found in passing: read in order, it is the end of what holds.
        return scanner.anew().run_in_order(), hashed
    return part, hashed


def _follow(path: Path) -> Followed:
    """Hold the events of the archive at `path` against each other, up to the first that is damaged."""
    with Succession() as succession, opened(path) as file, suppress(DamagedError):
        seq = 0
        for values in runs(file):
            if flaw := succession.read([value[LINK_BYTES:] for value in values], seq):
                return Followed(flaw)
            if succession.ended:
                break
            seq += len(values)
    return Followed(None)


def _halfway(path: Path) -> Mark | None:
    """Return where the second half of the frames begins if all lengths before it are true, None when they cannot be."""
    at = START
    with opened(path) as file, suppress(DamagedError):
        half_bytes = os.fstat(file.fileno()).st_size // 2
        for values in runs(file):
            at = at.after(values)
            if at.offset_bytes >= half_bytes:
                return at
    return None


class Scanner:
    """A pass over an archive's frames, and what it has found so far."""

    def __init__(
        self,
        path: Path,
        *,
        counted: bool,
        meaning: bool,
        known: Head | Counted | None = None,
        advance: Advance | None,
        processes: int,
    ) -> None:
        self.path = path
        self.meaning = meaning
        self._counted = counted
        self.known = known if isinstance(known, Head) else None
        self._before = known if isinstance(known, Counted) else None
        self._meaning = Meaning() if meaning else None
        self._succession: Succession | None = None
        self._claims: list[Claim] = []
        self._tally = Tally()
        self._advance = advance
        self._processes = processes
        self.at = START
        self._created: LedgerCreated | None = None
        self._marks: list[Mark] = []

    @property
    def from_the_start(self) -> bool:
        """Whether no part of the archive is known."""
        return self.known is None and self._before is None

    def anew(self) -> "Scanner":
        """Return a scanner of the same file that has read nothing, and reports no progress a second time."""
        return Scanner(self.path, counted=self._counted, meaning=self.meaning, advance=None, processes=1)

    def run_in_order(self) -> ScannedPart:
        """Return what holds from the first event on, each held against those before it where they are read."""
        if self._before is not None:
            return self._counted_on(self._before)
        if not self.meaning:
            return self.run(START)
        with Succession() as self._succession:
            return self.run(START)

    def _counted_on(self, before: Counted) -> ScannedPart:
        """Return what holds, of which what comes after `before` is read, and event 0."""
        rest = self.run(before.mark)
        if self._advance is not None:
            self._advance(before.mark.seq)
        with opened(self.path) as file, suppress(DamagedError):
            created = decode_created(next(runs(file))[0][LINK_BYTES:])
            return replace(rest, created=created, marks=(START, *rest.marks), counts=merged(before.counts, rest.counts))
        return rest

    def run(self, begin: Mark, *, stop: int | None = None) -> ScannedPart:
        """Return what holds from `begin` on, up to the seq `stop`, where a buffer ends, or to the end of the file."""
        flaw = self.pass_over(begin, stop=stop)
        if flaw is None and self.at.seq == 0:
            flaw = Flaw(0, "missing event", LedgerCreated.TAG, "the end")
        if flaw is None and self.known is not None and self.at.seq < self.known.size:
            flaw = Flaw(self.at.seq, "missing event", f"seq {self.known.size - 1}", "the end")
        return self.part(flaw)

    def pass_over(self, begin: Mark, *, stop: int | None = None, end_bytes: int | None = None) -> Flaw | None:
        """Add what holds from `begin` on to what was found, up to `stop`, as `run` does, or to `end_bytes` in the file.

        Returns what is wrong where not all of it holds.
        """
        self.at = begin
        try:
            with opened(self.path, begin) as file:
                stretch = file if end_bytes is None else Stretch(file, end_bytes - begin.offset_bytes)
                for values in runs(stretch, start=begin.seq):
                    self._take(values)
                    if self.at.seq == stop:
                        break
        except DamagedError as error:
            return Flaw(error.seq, error.kind, error.expected, error.found)
        return None

    def part(self, flaw: Flaw | None) -> ScannedPart:
        """Return what was found so far, up to `flaw`."""
        return ScannedPart(
            end=self.at,
            created=self._created,
            marks=tuple(self._marks),
            counts=self._tally.counts(),
            flaw=flaw,
            found=self._meaning.found() if self._meaning else EventsRead(),
            claims=tuple(self._claims),
        )

    def known_among(self, values: Sequence[bytes]) -> tuple[int, Link]:
        """Return how many of `values`, which come next, are known, and the link that what follows them is to follow.

        Raises: DamagedError where the known ones end with another link.
        """
        start = self.at.seq
        if self.known is None or start >= self.known.size:
            return 0, self.at.prev
        known = min(self.known.size - start, len(values))
        prev = Link(values[known - 1][:LINK_BYTES])
        if start + known == self.known.size and prev != self.known.link:
            raise DamagedError(start + known - 1, "link", expected=self.known.link.hex(), found=prev.hex())
        return known, prev

    def _take(self, values: Sequence[bytes]) -> None:
        """Add those of `values` that hold, and raise what is wrong with the first that does not."""
        start = self.at.seq
        known, prev = self.known_among(values)
        hashed = known + count_good(values[known:], start=start + known, prev=prev)
        good, flaw = hashed, None
        if self._meaning is not None:
            bodies = [value[LINK_BYTES:] for value in values[:hashed]]
            follow = None if self._succession is None else self._succession.take
            flaw = self._meaning.read(bodies, self.at.seq, follow)
            self._claims += self._meaning.claims()
            # What comes before the flaw means something.
            good = hashed if flaw is None or flaw.seq is None else flaw.seq - self.at.seq
        if good:
            if self.at.seq == 0:
                self._created = decode_created(values[0][LINK_BYTES:])
            if self._counted:
                self._tally.add_checked(values[:good], start)
            self._marks.append(self.at)
            self.at = self.at.after(values[:good])
            if self._advance is not None:
                # The other process has checked about as many meanwhile and cannot report it.
                self._advance(good * self._processes)
        if flaw is not None:
            raise DamagedError(self.at.seq, flaw.kind, expected=flaw.expected, found=flaw.found)
        if good < len(values):
            raise why_bad(values[good], seq=self.at.seq, prev=self.at.prev)
