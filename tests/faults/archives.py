"""Archives damaged: every byte changed twice, every cut length, and ranges removed, doubled and swapped.

A round is one frame of an archive of 1,000 events of every type; 1,000 rounds are the whole archive.
Every change goes to the reader of frames, begun at the frame that was changed, since what lies before it is read
as it was; one in eight, every cut and every range goes through the whole verification as well.
"""

import io
import os
import random
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from ledger.audit.verify import VerifyReport
from ledger.backup.frames import HEADER, check_header, records
from ledger.backup.verify import verify_archive
from ledger.chain import GENESIS, Link
from ledger.errors import DamagedError, NewerFormatError, NotAnArchiveError
from tests.faults.some_event import log_of_every_type
from tests.faults.tally import Tally
from tests.support.archives import archive, frames, put

EVENTS = 1_000
SEED = 4  # of the archive itself; a round's seed says what is done to it
STEP = 97  # so that a few rounds see frames from all over
RANGES_A_ROUND = 3
ONE_IN = 8
LONG_ROUNDS = EVENTS


class Subject:
    """The archive that is damaged, on disk and in memory, and where its frames lie."""

    def __init__(self, folder: Path) -> None:
        self.records = list(log_of_every_type(EVENTS, SEED).read())
        self.content = archive(self.records)
        self.path = put(folder / "archive.db", self.content)
        self.with_checksum = put(folder / "witnessed.db", self.content, checksum=True)

    @cached_property
    def starts(self) -> list[int]:
        """Where each frame begins, and the end."""
        at, starts = len(HEADER), []
        for one in frames(self.records):
            starts.append(at)
            at += len(one)
        return [*starts, at]

    def prev(self, seq: int) -> Link:
        """Return the link before the event at `seq`."""
        return self.records[seq - 1].link if seq else GENESIS

    def verify(self, content: bytes, path: Path | None = None) -> VerifyReport | None:
        """Return what the whole verification says of `content`; None when it is refused as of a later format."""
        path = path or self.path
        path.write_bytes(content)
        try:
            return verify_archive(path)
        except NewerFormatError:
            return None


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Damage the archive, a frame a round; anything called intact is a violation."""
    subject = Subject(folder)
    for number in range(seed, seed + rounds):
        rng, seq = random.Random(number), number * STEP % EVENTS
        with tally.holding(number, f"frame {seq}"):
            _change_bytes(subject, seq, rng, tally)
            _cut(subject, seq, tally)
            for _ in range(RANGES_A_ROUND):
                _change_range(subject, rng, tally)


def _change_bytes(subject: Subject, seq: int, rng: random.Random, tally: Tally) -> None:
    start, stop = (0 if seq == 0 else subject.starts[seq]), subject.starts[seq + 1]
    for at in range(start, stop):
        for flip in rng.sample(range(1, 256), 2):
            changed = bytearray(subject.content)
            changed[at] ^= flip
            tally.count("bytes changed")
            assert _refused_by_reader(subject, bytes(changed), seq), f"byte {at} xor {flip} was read as whole"
            if rng.randrange(ONE_IN) == 0:
                tally.count("bytes changed, whole verification")
                report = subject.verify(bytes(changed))
                assert report is None or report.verdict in {"tampered", "truncated", "unreadable"}, (at, flip, report)


def _refused_by_reader(subject: Subject, content: bytes, seq: int) -> bool:
    try:
        check_header(content[: 2 * len(HEADER)], subject.path)
        for _ in records(io.BytesIO(content[subject.starts[seq] :]), start=seq, prev=subject.prev(seq)):
            pass
    except (DamagedError, NotAnArchiveError, NewerFormatError):
        return True
    return False


def _cut(subject: Subject, seq: int, tally: Tally) -> None:
    """Every length from where the frame begins to just before where it ends, longest first: a cut a length."""
    first = 0 if seq == 0 else subject.starts[seq]
    subject.path.write_bytes(subject.content)
    for length in range(subject.starts[seq + 1] - 1, first - 1, -1):
        os.truncate(subject.path, length)
        tally.count("cut lengths")
        report = verify_archive(subject.path)
        if length in subject.starts[1:]:
            # Whole frames and nothing outside to tell: an intact, shorter log, exit 1.
            tally.count("cuts between frames")
            assert ("intact", seq, ()) == (report.verdict, report.events, report.witnesses)
            _cut_with_checksum(subject, length, seq)
        else:
            want = "unreadable" if length < len(HEADER) else "truncated"
            assert (want, seq) == (report.verdict, report.events), (length, report)


def _cut_with_checksum(subject: Subject, length: int, seq: int) -> None:
    subject.with_checksum.write_bytes(subject.content[:length])
    report = verify_archive(subject.with_checksum)
    assert ("truncated", seq, ()) == (report.verdict, report.events, report.witnesses)


def _change_range(subject: Subject, rng: random.Random, tally: Tally) -> None:
    for what, content in _damaged(subject, rng):
        if content != subject.content and content not in _prefixes(subject, content):
            tally.count(f"ranges {what}")
            report = subject.verify(content)
            assert report is None or report.verdict != "intact", (what, report)


def _prefixes(subject: Subject, content: bytes) -> tuple[bytes, ...]:
    """Return the archive cut between frames to the length of `content`, if that is one: it is counted as a cut."""
    return (subject.content[: len(content)],) if len(content) in subject.starts else ()


def _damaged(subject: Subject, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield the archive with a range removed, doubled, and two ranges swapped; ends on frames, or anywhere."""
    content = subject.content
    for marks in (subject.starts, range(len(content) + 1)):
        a, b, c, d = sorted(rng.sample(marks, 4))
        yield "removed", content[:a] + content[b:]
        yield "doubled", content[:b] + content[a:b] + content[b:]
        yield "swapped", content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]
