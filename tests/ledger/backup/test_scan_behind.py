"""Children that follow a writer find what a scan of the file finds, whoever of them takes which piece."""

import errno
import os
import random
import signal
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.backup.frames import HEADER, frames
from ledger.backup.scan import Scan, Scanner, scan
from ledger.backup.scan_behind import CHILDREN, ScanBehind
from ledger.errors import ProcessShortageError, UnreadableError
from tests.support.archives import archive, put, small_log

EVENTS = 12
LOG = list(small_log(EVENTS).read())
WHOLE = archive(LOG)
VALUES = [record.link + record.body for record in LOG]


def written_behind(path: Path, sizes: Sequence[int], spoilt: bytes | None = None) -> Scan:
    """Return the scan by children that follow while frames are written, so many at a time.

    Where `spoilt` is given, the file holds that instead, whatever they are told of.
    """
    path.write_bytes(HEADER if spoilt is None else spoilt)
    with ScanBehind(path) as behind:
        for start, stop in pairwise(sum(sizes[:number]) for number in range(len(sizes) + 1)):
            if spoilt is None:
                with path.open("ab") as file:
                    file.write(frames(VALUES[start:stop]))
            behind.grown(VALUES[start:stop])
        return behind.result()


def cut(number: int) -> list[int]:
    """Return at random how many of the events are written at a time."""
    chance = random.Random(number)
    cuts = sorted(chance.sample(range(1, EVENTS), chance.randrange(EVENTS)))
    return [stop - start for start, stop in pairwise([0, *cuts, EVENTS])]


@pytest.mark.parametrize("number", range(12))
def test_children_find_what_a_scan_finds(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the pieces are cut, and the buffers in which they are read."""
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", 500)
    path = tmp_path / "a.db"
    found = written_behind(path, cut(number))
    want = scan(path, counted=True)
    assert (WHOLE, want) == (path.read_bytes(), replace(found, marks=want.marks))
    assert found.flaw is None
    assert [mark.seq for mark in found.marks] == sorted({mark.seq for mark in found.marks})
    assert all(LOG[mark.seq - 1].link == mark.prev for mark in found.marks if mark.seq)


def damaged() -> list[bytes]:
    """Return the archive with a bit of another place turned, cut, and longer than it was told to be."""
    flipped = [WHOLE[:at] + bytes([WHOLE[at] ^ 0x81]) + WHOLE[at + 1 :] for at in range(len(HEADER), len(WHOLE), 97)]
    return [
        *flipped,
        *(WHOLE[:length] for length in range(len(HEADER), len(WHOLE), 211)),
        WHOLE + WHOLE[20:],
        WHOLE + b"!",
    ]


def test_damage_is_found_as_a_scan_finds_it(tmp_path: Path) -> None:
    """Whichever piece it lies in, and where it is behind them all."""
    path = tmp_path / "a.db"
    for number, content in enumerate(damaged()):
        found = written_behind(path, cut(number), content)
        assert found.flaw is not None
        assert scan(path, counted=True) == found


def test_pieces_that_do_not_lead_to_each_other_are_read_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of which one was never told: what holds is what the file says."""
    told, grown = list[int](), ScanBehind.grown

    def forget_one(behind: ScanBehind, values: Sequence[bytes]) -> None:
        told.append(len(values))
        if len(told) == 2:
            behind._at = behind._at.after(values)
        else:
            grown(behind, values)

    monkeypatch.setattr(ScanBehind, "grown", forget_one)
    path = tmp_path / "a.db"
    assert written_behind(path, [3, 4, 5]) == scan(path, counted=True)


def test_a_writer_that_gives_up_leaves_no_child(tmp_path: Path) -> None:
    """They are ended, whatever they are at, and waited for."""
    path = put(tmp_path / "a.db", WHOLE)
    for told in ([], VALUES):
        with ScanBehind(path) as behind:
            if told:
                behind.grown(told)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_a_child_that_dies_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no verdict then, and no other child is left."""
    monkeypatch.setattr(Scanner, "pass_over", _die)
    with pytest.raises(UnreadableError, match="death by SIGSEGV"):
        written_behind(tmp_path / "a.db", [1] * EVENTS)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_where_one_child_cannot_be_started_none_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one was, and is ended; nothing stays open."""
    fork, before = os.fork, len(os.listdir("/proc/self/fd"))
    starts = iter(range(CHILDREN))

    def fork_all_but_one() -> int:
        if next(starts) == CHILDREN - 1:
            raise OSError(errno.EAGAIN, "no more")
        return fork()

    monkeypatch.setattr("ledger.files.isolated.os.fork", fork_all_but_one)
    with pytest.raises(ProcessShortageError), ScanBehind(tmp_path / "a.db"):
        pass
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert before == len(os.listdir("/proc/self/fd"))
