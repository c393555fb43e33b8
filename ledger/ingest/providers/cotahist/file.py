"""A COTAHIST file, ZIP or TXT, known by its header and read to its end: only the trailer shows that none is missing."""

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Protocol, cast

import msgspec

from ledger.errors import CotahistError, unreadable
from ledger.files.regular import open_regular
from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.layout import LINE_BYTES, LayoutError
from ledger.values import Window

BATCH_LINES = 4096
BUFFER_BYTES = 1024 * 1024
LINE_ENDS = (b"\r\n", b"\n")
LONGEST_LINE_BYTES = LINE_BYTES + 2
READABLE = "a file that can be read to its end"
IMPORT_MAX_BYTES = 4 * 1024 * 1024 * 1024
KNOWN_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for memory without a bound
END_MAGIC = b"PK\x05\x06"
END_RECORD = struct.Struct("<4s4H2LH")  # magic, two disks, members here, members, directory bytes, its place, comment
COMMENT_BYTES_MAX = 65_535
MEMBERS_MAX = 1000
DIRECTORY_BYTES_MAX = 1024 * 1024
ZIP_MAGIC = b"PK\x03\x04"
BEGINNING = layout.HEADER + layout.FILE_NAME

# How zipfile reports that an archive is damaged, cut, locked by a password or packed in a way it does not know;
# where a changed byte sends it to a place that is none, it is the file's own seek or a decoder that complains.
READING_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError, struct.error)

NumberedLine = tuple[int, bytes]  # its line number, from 1, and its line with its end, as it is in the file


class Lines(Protocol):
    """Where lines come from: a file, or a member of a ZIP."""

    def readline(self, size: int, /) -> bytes:
        """Return the rest of the line, `size` bytes at most; nothing at the end."""
        ...

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, fewer than `size` at the end alone."""
        ...


class Bounds(msgspec.Struct, frozen=True):
    """What holds of a file as a whole: its SHA-256 as it is on disk, and how many bytes it may unpack to."""

    sha256: bytes
    limit_bytes: int


class Text:
    """The lines of one file, to be read once, from the first to the last. Constant memory."""

    def __init__(self, name: str, opened: Callable[[], Lines], bounds: Bounds, text_bytes: int) -> None:
        """Read the header of what `opened` gives; `text_bytes` is the length that its container gives for it, unpacked.

        Raises: CotahistError when the first line is none, or cannot be read.
        """
        self.name = name
        self.sha256 = bounds.sha256
        self.limit_bytes, self._left_bytes = bounds.limit_bytes, bounds.limit_bytes
        self.text_bytes = text_bytes
        self.quotes = 0
        self._opened, self._bounds = opened, bounds
        self.stream = opened()
        self._line = 0
        self._first = self._last = date.min
        try:
            line = self._next() or b""
            self.line_bytes = len(line)
            self.header = layout.header(line)
        except LayoutError as error:
            raise self.refused(error, 1) from error

    def again(self) -> "Text":
        """Return the same text from its first line on; this one gives nothing more.

        Raises: as making it does.
        """
        try:
            return Text(self.name, self._opened, self._bounds, self.text_bytes)
        except READING_ERRORS as error:
            raise CotahistError(self.name, line=1, found=_words(error), wanted=READABLE) from error

    def batches_expected(self, lines: int) -> int:
        """Return how many batches of up to so many lines it has, by the length that its container gives."""
        return self.text_bytes // LONGEST_LINE_BYTES // lines + 1

    @property
    def window(self) -> Window:
        """The first and the last session of the file, once it is read; its year's first day twice where it has none."""
        if not self.quotes:
            empty = date(int(self.header.year), 1, 1)
            return Window(empty, empty)
        return Window(self._first, self._last)

    def batches(self) -> Iterator[list[NumberedLine]]:
        """Yield every quote, up to 4,096 at a time.

        Raises: CotahistError, naming the line, for one that is cut, of another year or of no kind known, and at
        the end when the trailer is missing, is another file's, counts otherwise, or is not the last line.
        """
        batch: list[NumberedLine] = []
        while (line := self._next()) is not None:
            if layout.kind(line) != layout.QUOTE:
                break
            try:
                day = layout.session(line, self.header)
            except LayoutError as error:
                raise self.refused(error) from error
            self._first = min(self._first, day) if self.quotes else day
            self._last = max(self._last, day)
            self.quotes += 1
            batch.append((self._line, line))
            if len(batch) == BATCH_LINES:
                yield batch
                batch = []
        try:
            self._check_trailer(line)
        except LayoutError as error:
            raise self.refused(error) from error
        if self._next() is not None:
            raise self.refused(LayoutError("a line after the trailer", "the end"))
        yield batch

    def read_elsewhere(self, quotes: int, days: Collection[date], *, trailer: bytes) -> None:
        """Take over that `quotes` of these days were read from `stream` before the line `trailer`.

        Raises: LayoutError when that is no trailer of theirs.
        """
        if quotes:
            self.quotes, self._first, self._last = quotes, min(days), max(days)
        self._check_trailer(trailer)

    def refused(self, error: LayoutError, line: int | None = None) -> CotahistError:
        """Return `error` as the refusal of this file at `line`; the last line read when None."""
        return CotahistError(self.name, line=line or self._line, found=error.found, wanted=error.wanted)

    def _check_trailer(self, line: bytes | None) -> None:
        if line is None:
            self._line += 1
            raise LayoutError("the end", "the trailer 99COTAHIST.AAAA: the file is cut")
        if layout.kind(line) != layout.TRAILER:
            raise LayoutError(f"a record of type {layout.kind(line).decode('latin-1')!r}", "01, or the trailer 99")
        count = layout.counted(line, self.header)
        # The layout does not say whether header and trailer are counted, and files of both kinds exist.
        if count not in (self.quotes, self.quotes + 2):
            raise LayoutError(f"{self.quotes} records before a trailer that counts {count}", "as many as it counts")

    def _next(self) -> bytes | None:
        """Return the next line with its end; None when there is none."""
        try:
            # One byte more than a line has reveals a longer one, and bounds what a file without lines can take.
            line = self.stream.readline(LONGEST_LINE_BYTES + 1)
        except READING_ERRORS as error:
            raise CotahistError(self.name, line=self._line + 1, found=_words(error), wanted=READABLE) from error
        if not line:
            return None
        self._line += 1
        self._left_bytes -= len(line)
        if self._left_bytes < 0:
            raise self.refused(LayoutError(f"more than {self.limit_bytes} bytes", "at most IMPORT_MAX_BYTES"))
        ends = (*LINE_ENDS, b"") if layout.kind(line) == layout.TRAILER else LINE_ENDS
        if len(line) >= LINE_BYTES and line[LINE_BYTES:] in ends:
            return line
        columns = len(line.rstrip(b"\r\n"))
        length = f"more than {LINE_BYTES} columns"
        if columns <= LINE_BYTES:
            length = f"{columns} columns" if line.endswith(b"\n") else f"{columns} columns and no line end"
        raise self.refused(LayoutError(length, f"{LINE_BYTES} and a line end"))


@contextmanager
def opened(path: Path, *, limit_bytes: int = IMPORT_MAX_BYTES) -> Iterator[Text]:
    """Give the text of the file at `path`: the file itself, or the one member of a ZIP that begins as one.

    The file is opened once, and hashed before it is read: a name that leads elsewhere meanwhile changes neither.

    Raises: UnreadableError, for anything but a regular file too; CotahistError when there is no header, for a ZIP with
    none or two such members, and, at the end of the block, for a file that was written to meanwhile.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(open_regular(path), "rb"))
            before = _version(file)
            if before[0] > limit_bytes:
                raise CotahistError(path.name, line=None, found=f"{before[0]} bytes", wanted=f"at most {limit_bytes}")
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            packed = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
            file.seek(0)
        except OSError as error:
            raise unreadable(path, error) from error
        bounds = Bounds(digest, limit_bytes)

        def plain() -> Lines:
            file.seek(0)
            return file

        yield _unpacked(stack, path.name, file, bounds) if packed else Text(path.name, plain, bounds, before[0])
        if _version(file) != before:
            raise CotahistError(path.name, line=None, found="a file that changes", wanted="one that stays as it is")


def _version(file: io.BufferedReader) -> tuple[int, int]:
    """Return how many bytes the open file has, and when it was last written to."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _unpacked(stack: ExitStack, name: str, file: io.BufferedReader, bounds: Bounds) -> Text:
    """Return the text inside a ZIP; member names vary by year, so it is known by how it begins."""
    try:
        _check_directory(name, file)
        archive = stack.enter_context(zipfile.ZipFile(file))
        found = []
        for member in archive.infolist():
            if member.compress_type not in KNOWN_PACKINGS:
                raise CotahistError(name, line=None, found=f"packing {member.compress_type}", wanted="deflate or none")
            with archive.open(member) as stream:
                if stream.read(len(BEGINNING)) == BEGINNING:
                    found.append(member)
        if len(found) != 1:
            raise CotahistError(name, line=None, found=f"{len(found)} members with a header", wanted="a ZIP of one")

        def unpacked() -> Lines:
            text = stack.enter_context(archive.open(found[0]))
            # A ZIP's own readline takes a hundred times as long as the buffer's.
            return stack.enter_context(io.BufferedReader(cast("io.RawIOBase", text), BUFFER_BYTES))

        return Text(name, unpacked, bounds, found[0].file_size)
    except READING_ERRORS as error:
        raise CotahistError(name, line=None, found=_words(error), wanted="a sound ZIP") from error


def _check_directory(name: str, file: io.BufferedReader) -> None:
    """Refuse a ZIP of many members by the record at its end: listing them takes memory that nothing else bounds.

    Source: PKWARE APPNOTE.TXT, section 4.3.16.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END_RECORD.size - COMMENT_BYTES_MAX))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(END_MAGIC)
    if at < 0 or len(tail) - at < END_RECORD.size:
        raise CotahistError(name, line=None, found="no directory at the end", wanted="a sound ZIP")
    members, directory_bytes = END_RECORD.unpack_from(tail, at)[4:6]
    if members > MEMBERS_MAX or directory_bytes > DIRECTORY_BYTES_MAX:
        raise CotahistError(name, line=None, found=f"{members} members", wanted=f"at most {MEMBERS_MAX}")


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
