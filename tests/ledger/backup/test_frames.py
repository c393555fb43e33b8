"""An archive is the log byte for byte, and no change to it passes."""

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.rehash import count_good
from ledger.backup.frames import CUT_FRAME, FRAME, frame, frames, open_archive, records, runs
from ledger.chain import GENESIS, LINK_BYTES, Link, Record
from ledger.codec import BODY_LIMIT_BYTES
from ledger.errors import DamagedError, NewerFormatError, NoArchiveError, NotAnArchiveError, UnreadableError
from tests.support.archives import HEADER, archive, small_log
from tests.support.archives import frames as reference

EVENTS = 6
LOG = list(small_log(EVENTS).read())
WHOLE = archive(LOG)
VALUES = [record.link + record.body for record in LOG]
ENDS = [len(archive(LOG[:size])) for size in range(EVENTS + 1)]  # where each frame ends; ENDS[0] is the header's


def read(content: bytes) -> tuple[list[Record], DamagedError | None]:
    """Return the records that `content` gives out and how reading it ended."""
    found: list[Record] = []
    try:
        found.extend(records(io.BytesIO(content[len(HEADER) :])))
    except DamagedError as error:
        return found, error
    return found, None


def test_a_frame_is_length_link_body() -> None:
    """As docs/format.md has it, and in no other order."""
    assert reference(LOG) == [frame(record) for record in LOG]
    assert b"".join(reference(LOG)) == frames(VALUES)
    assert b"" == frames([])


def test_what_was_written_is_read() -> None:
    """Seq, link and body of every event."""
    assert (LOG, None) == read(WHOLE)


def test_any_changed_byte_is_named() -> None:
    """Two changes of every byte behind the header: the events before it come out, then the one it lies in is named.

    A length that was changed may make its own frame reach past the end: that is a cut frame.
    """
    for at in range(len(HEADER), len(WHOLE)):
        for flip in (0x01, 0xFF):
            seq = sum(end <= at for end in ENDS) - 1
            found, error = read(WHOLE[:at] + bytes([WHOLE[at] ^ flip]) + WHOLE[at + 1 :])
            assert (LOG[:seq], seq) == (found, error and error.seq), (at, flip)


def test_any_cut_is_named() -> None:
    """Every length: the whole frames come out; a cut inside one is named, a cut between two is a shorter archive."""
    for length in range(len(HEADER), len(WHOLE)):
        size = sum(end <= length for end in ENDS) - 1
        found, error = read(WHOLE[:length])
        cut = None if length in ENDS else (size, CUT_FRAME)
        assert (LOG[:size], cut) == (found, error and (error.seq, error.kind)), length


@pytest.mark.parametrize("buffer_bytes", [1, 35, 36, 37, 300, 1000])
def test_what_is_read_at_a_time_makes_no_difference(buffer_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, cut at every length, or with a byte changed: the same records, the same end."""
    changed = [WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :] for at in range(len(HEADER), len(WHOLE), 5)]
    contents = [WHOLE, *(WHOLE[:length] for length in range(len(HEADER), len(WHOLE))), *changed]
    want = [(found, error and (error.seq, str(error))) for found, error in map(read, contents)]
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", buffer_bytes)
    assert want == [(found, error and (error.seq, str(error))) for found, error in map(read, contents)]
    assert VALUES == [value for values in runs(io.BytesIO(WHOLE[len(HEADER) :])) for value in values]


def test_values_are_counted_up_to_the_first_that_does_not_hold() -> None:
    """From any seq on; a value too short for a link does not hold, and neither does one of another place."""
    for start in range(EVENTS):
        prev = LOG[start - 1].link if start else GENESIS
        assert EVENTS - start == count_good(VALUES[start:], start=start, prev=prev)
        assert 0 == count_good(VALUES[start:], start=start, prev=Link(bytes(32)))
        for bad in range(start, EVENTS):
            for value in (VALUES[bad][:-1], VALUES[bad][: LINK_BYTES - 1], b"", VALUES[bad - 1]):
                values = [*VALUES[start:bad], value, *VALUES[bad + 1 :]]
                assert bad - start == count_good(values, start=start, prev=prev)


@given(st.data())
def test_ranges_moved_about_are_named(data: st.DataObject) -> None:
    """Removed, doubled, or two swapped: nothing comes out that was not there, and the end is an error."""
    body = WHOLE[len(HEADER) :]
    cuts = st.integers(0, len(body)) | st.sampled_from([end - len(HEADER) for end in ENDS])
    a, b, c = sorted(data.draw(st.tuples(cuts, cuts, cuts), label="cuts"))
    changed = data.draw(
        st.sampled_from([body[:a] + body[b:], body[:b] + body[a:], body[:a] + body[b:c] + body[a:b] + body[c:]]),
        label="changed",
    )
    found, error = read(HEADER + changed)
    assert LOG[: len(found)] == found
    assert (error is None) == (changed == body[: len(changed)] and len(HEADER) + len(changed) in ENDS)


def test_an_event_of_another_place_is_named() -> None:
    """A body that says another seq than its place does not hold, even under a link that fits."""
    body = LOG[2].body
    link = blake3(LOG[0].link + body).digest()
    error = read(HEADER + reference(LOG[:1])[0] + struct.pack(">I", len(body)) + link + body)[1]
    assert (1, "seq", "9801", "9802") == (error and (error.seq, error.kind, error.expected, error.found))


@pytest.mark.parametrize(("cut_bytes", "expected"), [(1, 36), (35, 36), (36, 36 + 165), (37, 36 + 165)])
def test_how_long_a_cut_frame_should_be_is_told_as_soon_as_it_says(cut_bytes: int, expected: int) -> None:
    """Before its length and link are there, as much as they take."""
    body = bytes(165)
    frame_begun = (struct.pack(">I", len(body)) + bytes(32) + body)[:cut_bytes]
    error = read(WHOLE + frame_begun)[1]
    want = (EVENTS, CUT_FRAME, f"{expected} bytes", f"{cut_bytes} bytes, then the end")
    assert want == (error and (error.seq, error.kind, error.expected, error.found))


def test_an_event_of_no_bytes_is_no_event() -> None:
    """It is a whole frame, and its link may well follow."""
    link = blake3(LOG[0].link).digest()
    error = read(archive(LOG[:1]) + bytes(4) + link)[1]
    assert (1, "seq", "9801", "") == (error and (error.seq, error.kind, error.expected, error.found))


@pytest.mark.parametrize(
    ("body_bytes", "kind"),
    [(BODY_LIMIT_BYTES, CUT_FRAME), (BODY_LIMIT_BYTES + 1, "body length"), (2**32 - 1, "body length")],
)
def test_a_length_over_the_limit_is_refused_unread(body_bytes: int, kind: str) -> None:
    """Just inside the limit it is taken for a frame that was cut; over it, not a byte is read for it."""

    class Sparing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size <= BODY_LIMIT_BYTES
            return super().read(size)

    with pytest.raises(DamagedError) as damage:
        next(records(Sparing(struct.pack(">I", body_bytes) + bytes(32) + b"body")))
    assert (0, kind) == (damage.value.seq, damage.value.kind)


def test_reading_may_begin_at_any_frame() -> None:
    """Given the link before it: the rest of the chain comes out."""
    for seq in range(EVENTS):
        prev = LOG[seq - 1].link if seq else GENESIS
        assert LOG[seq:] == list(records(io.BytesIO(WHOLE[ENDS[seq] :]), start=seq, prev=prev))


@pytest.mark.parametrize("start", [0, 3])
def test_a_flaw_is_named_by_its_seq_wherever_reading_began(start: int) -> None:
    """A cut, and a length that cannot be."""
    prev = LOG[start - 1].link if start else GENESIS
    long = struct.pack(">I", BODY_LIMIT_BYTES + 1)
    for end, kind in ((WHOLE[ENDS[4] : ENDS[5] - 1], CUT_FRAME), (long + bytes(40), "body length")):
        with pytest.raises(DamagedError) as damage:
            list(records(io.BytesIO(WHOLE[ENDS[start] : ENDS[4]] + end), start=start, prev=prev))
        assert (4, kind) == (damage.value.seq, damage.value.kind)


def test_an_older_archive_is_a_prefix_of_a_newer_one() -> None:
    """Of the same log, at every size: `cmp` proves that a newer backup extends an older one."""
    for size in range(1, EVENTS + 1):
        assert WHOLE.startswith(b"".join([HEADER, *map(frame, small_log(size).read())]))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (HEADER[:-1], "a file that begins b'b3-ledger archive 1'"),
        (b"B" + HEADER[1:], "a file that begins b'B3-ledger archive 1\\n'"),
        (b"b3-ledger archive 0\n", "a file that begins b'b3-ledger archive 0\\n'"),
        (b"b3-ledger archive 01\n", "a file that begins b'b3-ledger archive 01'"),
        (b"b3-ledger archive 2", "a file that begins b'b3-ledger archive 2'"),
        (b"SQLite format 3\0" + bytes(84), f"a file that begins {b'SQLite format 3' + bytes(5)!r}"),
    ],
)
def test_what_does_not_begin_as_an_archive_is_refused(content: bytes, what: str, tmp_path: Path) -> None:
    """Empty, cut or foreign: what it begins with is told, as far as a header would go."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(NotAnArchiveError) as refusal:
        open_archive(path)
    assert f"got {what} at {path}, want an archive" == str(refusal.value)


@pytest.mark.parametrize("version", [2, 9, 10, 100, 1234567890])
def test_an_archive_of_a_later_version_is_told_as_such(version: int, tmp_path: Path) -> None:
    """Whoever reads it needs newer software, not another file."""
    path = tmp_path / "file"
    path.write_bytes(b"b3-ledger archive %d\n" % version + WHOLE[len(HEADER) :])
    with pytest.raises(NewerFormatError) as refusal:
        open_archive(path)
    found, known = f"b3-ledger archive {version}", "b3-ledger archive 1"
    assert f"got format {found!r} at {path}, want {known!r} or older" == str(refusal.value)


def test_an_archive_is_opened_past_its_header(tmp_path: Path) -> None:
    """At its first frame, and closed again when it is none."""
    (tmp_path / "a.db").write_bytes(WHOLE)
    (tmp_path / "b.db").write_bytes(b"foreign")
    fd = open_archive(tmp_path / "a.db")
    assert WHOLE[len(HEADER) :] == os.read(fd, len(WHOLE))
    os.close(fd)
    with pytest.raises(NotAnArchiveError):
        open_archive(tmp_path / "b.db")
    again = os.open(tmp_path / "a.db", os.O_RDONLY)
    os.close(again)
    assert fd == again


def _nothing(_: Path) -> None:
    pass


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (_nothing, NoArchiveError, "got no file at PATH, want an archive"),
        (Path.mkdir, NotAnArchiveError, "got something other than a regular file at PATH, want an archive"),
        (os.mkfifo, NotAnArchiveError, "got something other than a regular file at PATH, want an archive"),
        (
            _loop,
            UnreadableError,
            "got 'Too many levels of symbolic links' on reading PATH, want a readable file",
        ),
    ],
)
def test_what_is_no_file_is_refused(
    make: Callable[[Path], None], error: type[Exception], words: str, tmp_path: Path
) -> None:
    """Nothing there, a folder, a pipe that nobody writes to, a link to itself: an answer at once."""
    make(tmp_path / "file")
    with pytest.raises(error) as refusal:
        open_archive(tmp_path / "file")
    assert words.replace("PATH", str(tmp_path / "file")) == str(refusal.value)


def test_a_frame_costs_36_bytes() -> None:
    """The format has no padding."""
    assert 36 == FRAME.size
    assert len(HEADER) + sum(36 + len(record.body) for record in LOG) == len(WHOLE)
