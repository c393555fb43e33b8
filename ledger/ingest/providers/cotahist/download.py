"""The exchange's file of a year, a month or a day, fetched by HTTP and kept; what was kept is never replaced.

It arrives in a part file beside its place, which an attempt that breaks off leaves behind: the next one asks for the
rest, if the server still vouches for the same file (RFC 9110, If-Range). Only a file that came whole, and begins as one
of the exchange's, gets its name. One process at a time: the part file is locked.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from ledger.errors import LedgerError, unwritable
from ledger.files.durable import make_private_folder, open_private, put_file, pwrite_whole, sync_folder
from ledger.files.regular import open_regular, read_regular
from ledger.ingest.providers.cotahist.file import BEGINNING, ZIP_MAGIC
from ledger.ingest.providers.port import DownloadError
from ledger.urls import masked
from ledger.values import ErrorKind

if TYPE_CHECKING:
    from email.message import Message

BASE_URL = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist"
FIRST_YEAR = 1986
CONNECT_S = 30
WHOLE_S = 3600  # what comes in an hour is kept, and the next attempt asks for the rest
DIGITS_MAX = 18
VALIDATOR_BYTES_MAX = 1024
REPLY_BYTES_MAX = 64 * 1024  # of an answer that is no file
SHOWN_DIGITS = 12  # of a SHA-256, in the name of a file that differs from the one kept
OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 200, 206, 416  # RFC 9110
KIND_BY_STATUS: dict[int, ErrorKind] = {404: "not-found", 410: "not-found", 429: "rate-limit"}

_PERIOD = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)

Came = Literal["fetched", "unchanged", "beside"]
Progress = Callable[[int, int | None], None]


class Period(msgspec.Struct, frozen=True):
    """A year, a month or a day as `written`, and the name of the exchange's file about it; `first` is its first day."""

    name: str
    first: date
    written: str

    @property
    def is_day(self) -> bool:
        """Whether it is one day."""
        return len(self.written) > len("2024-02")

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Return the period that `text` names: `2024`, `2024-02` or `2024-02-15`.

        Raises: ValueError for any other text, a day that does not exist, and a year without files.
        """
        found = _PERIOD.fullmatch(text)
        if found is None:
            raise ValueError(f"got {text!r}, want a year, a month or a day such as 2024, 2024-02 or 2024-02-15")
        year, month, day = found.groups()
        try:
            first = date(int(year), int(month or 1), int(day or 1))
        except ValueError as error:
            raise ValueError(f"got {text!r}, want a day that exists") from error
        if first.year < FIRST_YEAR:
            raise ValueError(f"got {text!r}, want {FIRST_YEAR} or later: the exchange's files begin there")
        written = f"D{first:%d%m%Y}" if day else f"M{first:%m%Y}" if month else f"A{first:%Y}"
        return cls(f"COTAHIST_{written}.ZIP", first, text)


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is kept: `unchanged` where these bytes were kept before, `beside` a file of other bytes."""

    path: Path
    sha256: bytes
    file_bytes: int
    resumed_bytes: int  # so many were there of an earlier attempt
    came: Came


class Download:
    """One file on its way."""

    def __init__(self, period: Period, folder: Path, *, base_url: str, limit_bytes: int, idle_s: float) -> None:
        """Prepare to keep the file of `period` in `folder`; nothing is asked yet.

        `idle_s` is how long nothing may come; a server that sends at all is bounded by `limit_bytes`.
        """
        self._name, self._folder = period.name, folder
        self._url = f"{base_url.rstrip('/')}/{period.name}"
        self._host = urlsplit(self._url).netloc.rpartition("@")[2]
        self._limit_bytes, self._idle_s = limit_bytes, idle_s
        self._part = folder / f"{period.name}.part"
        self._validator = folder / f"{period.name}.part.etag"

    def run(self, progress: Progress) -> KeptFile:
        """Fetch the file and keep it; `progress` is told how many bytes are there, and of how many, if that is known.

        Raises: DownloadError; DiskFullError, UnwritableError.
        """
        make_private_folder(self._folder)
        try:
            fd = open_private(self._part, os.O_RDWR)
            try:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise self._failed("locked", "another download at work", "one at a time") from error
                # Whoever had the lock until now may have given what is open here its final name.
                if not os.path.samestat(os.fstat(fd), os.lstat(self._part)):
                    raise self._failed("locked", "another download just done", "one at a time")
                return self._run(fd, progress)
            finally:
                os.close(fd)
        except OSError as error:
            raise unwritable(self._part, error) from error

    def _run(self, fd: int, progress: Progress) -> KeptFile:
        resumed = os.fstat(fd).st_size
        validator = self._known_validator() if resumed else None
        if validator is None:
            resumed = 0
        transfer = Transfer(fd, self._validator, resumed, self._limit_bytes, progress)
        error = transfer.perform(self._url, validator if resumed else None, idle_s=self._idle_s)
        if transfer.status == RANGE_NOT_SATISFIABLE and resumed:
            # The file became shorter, or was there whole already: what is here can be neither told nor trusted.
            self._drop(fd)
            return self._run(fd, progress)
        if transfer.failure is not None:
            raise transfer.failure
        self._check(fd, transfer, error)
        os.fsync(fd)
        return self._keep(fd, transfer.resumed)

    def _check(self, fd: int, transfer: "Transfer", error: str | None) -> None:
        """Refuse what is no whole file of the exchange's; what came of one waits, and of anything else is dropped.

        Raises: DownloadError.
        """
        status, size = transfer.status, os.fstat(fd).st_size
        if transfer.is_too_long:
            self._drop(fd)
            found = f"more than {self._limit_bytes} bytes"
            raise self._failed("bad-answer", found, "at most IMPORT_MAX_BYTES")
        if status is None or (error is not None and not transfer.takes):
            kind: ErrorKind = "timeout" if error == TIMED_OUT else "connection"
            raise self._failed(kind, error or "no answer", "the file")
        if not transfer.takes:
            location = transfer.headers.get("Location")
            where = f" to {urlsplit(location).netloc.rpartition('@')[2] or 'itself'}" if location else ""
            kind = KIND_BY_STATUS.get(status, "bad-answer")
            raise self._failed(kind, f"status {status}{where}", "the file itself, status 200")
        if error is not None or transfer.total_bytes not in {None, size}:
            if not self._validator.exists():
                self._drop(fd)  # nothing would say that the rest is of the same file
            found = f"{size} of {transfer.total_bytes or 'so many'} bytes" + (f" ({error})" if error else "")
            raise self._failed("timeout" if error == TIMED_OUT else "connection", found, "all of them")
        begins = os.pread(fd, len(BEGINNING), 0)
        if not begins.startswith(ZIP_MAGIC) and begins != BEGINNING:
            self._drop(fd)
            kind_of = transfer.headers.get_content_type()
            raise self._failed("bad-answer", f"{size} bytes of {kind_of}", "a ZIP, or text that begins 00COTAHIST")

    def _keep(self, fd: int, resumed: int) -> KeptFile:
        """Give the file its name; where that is a file of other bytes, one of its own beside it."""
        with open(fd, "rb", closefd=False) as file:
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256")
        path = self._folder / self._name
        beside = path.with_stem(f"{path.stem}-{digest.hexdigest()[:SHOWN_DIGITS]}")
        came: Came
        if not os.path.lexists(path):
            taken, came = path, "fetched"
        elif _sha256(path) == digest.digest():
            taken, came = path, "unchanged"
        elif os.path.lexists(beside) and _sha256(beside) == digest.digest():
            taken, came = beside, "unchanged"
        else:
            taken, came = beside, "beside"
        if came == "unchanged":
            self._part.unlink()
        else:
            # A link refuses where a rename would replace: whatever got the name meanwhile stays.
            os.link(self._part, taken)
            self._part.unlink()
        self._validator.unlink(missing_ok=True)
        sync_folder(self._folder)
        size = os.fstat(fd).st_size
        return KeptFile(path=taken, sha256=digest.digest(), file_bytes=size, resumed_bytes=resumed, came=came)

    def _known_validator(self) -> str | None:
        try:
            return read_regular(self._validator, limit_bytes=VALIDATOR_BYTES_MAX, follow=False).decode("ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def _drop(self, fd: int) -> None:
        os.ftruncate(fd, 0)
        self._validator.unlink(missing_ok=True)

    def _failed(self, kind: ErrorKind, found: str, wanted: str) -> DownloadError:
        return DownloadError(kind, self._name, self._host, found=found, wanted=wanted)


TIMED_OUT = "nothing more in time"


class Transfer:
    """One request: what the server says of the file, and its bytes on their way into the part file."""

    def __init__(self, fd: int, validator: Path, resumed: int, limit_bytes: int, progress: Progress) -> None:
        self._fd, self._validator = fd, validator
        self._limit_bytes, self._progress = limit_bytes, progress
        self._lines: list[bytes] = []
        self._other_bytes = 0
        self._asked_from, self._at, self._begun = resumed, resumed, False
        self.resumed = 0
        self.failure: LedgerError | None = None
        self.is_too_long = False

    @property
    def status(self) -> int | None:
        """The status of the answer, None before there is one."""
        words = self._lines[0].split() if self._lines else []
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else None

    @property
    def headers(self) -> "Message":
        """The headers of the answer."""
        # Imported here: an import of files that are there asks for none.
        from email.parser import BytesHeaderParser

        return BytesHeaderParser().parsebytes(b"".join(self._lines[1:]))

    @property
    def takes(self) -> bool:
        """Whether what comes is the file, or the rest of it that was asked for."""
        if self.status == PARTIAL_CONTENT:
            asked = self._asked_from
            return asked > 0 and str(self.headers.get("Content-Range", "")).startswith(f"bytes {asked}-")
        return self.status == OK

    @property
    def total_bytes(self) -> int | None:
        """How long the whole file is by the headers, None where they do not say."""
        if self.status == PARTIAL_CONTENT:
            said = str(self.headers.get("Content-Range", "")).rpartition("/")[2]
        else:
            said = str(self.headers.get("Content-Length", ""))
        return int(said) if said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX else None

    def perform(self, url: str, validator: str | None, *, idle_s: float) -> str | None:
        """Make the request, and return what went wrong with the connection, None where nothing did."""
        from curl_cffi import Curl, CurlError, CurlOpt
        from curl_cffi.const import CurlECode
        from curl_cffi.curl import CURL_WRITEFUNC_ERROR

        headers = [b"Accept-Encoding: identity"]
        if validator is not None:
            headers += [f"Range: bytes={self._asked_from}-".encode(), f"If-Range: {validator}".encode()]
        curl = Curl()
        try:
            curl.setopt(CurlOpt.URL, url.encode())
            curl.setopt(CurlOpt.HTTPHEADER, headers)
            curl.setopt(CurlOpt.CONNECTTIMEOUT, CONNECT_S if idle_s > CONNECT_S else max(1, round(idle_s)))
            curl.setopt(CurlOpt.TIMEOUT, WHOLE_S)
            curl.setopt(CurlOpt.LOW_SPEED_LIMIT, 1)
            curl.setopt(CurlOpt.LOW_SPEED_TIME, max(1, round(idle_s)))
            curl.setopt(CurlOpt.HEADERFUNCTION, self._head)
            curl.setopt(CurlOpt.WRITEFUNCTION, lambda chunk: len(chunk) if self._take(chunk) else CURL_WRITEFUNC_ERROR)
            curl.perform()
            if self.takes and not self._begun:
                self._begin()  # of no bytes
        except CurlError as error:
            if self._stopped:
                return None
            if error.code == CurlECode.OPERATION_TIMEDOUT:
                return TIMED_OUT
            return f"curl error {int(error.code)}: {masked(str(error).partition('. See https://curl')[0])}"
        finally:
            curl.close()
        return None

    @property
    def _stopped(self) -> bool:
        return self.is_too_long or self.failure is not None or self._other_bytes > REPLY_BYTES_MAX

    def _head(self, line: bytes) -> int:
        if line.startswith(b"HTTP/"):
            self._lines = []
        self._lines.append(line)
        return len(line)

    def _take(self, chunk: bytes) -> bool:
        """Write `chunk` where it belongs, and return whether more may come."""
        if not self.takes:
            self._other_bytes += len(chunk)
            return self._other_bytes <= REPLY_BYTES_MAX
        try:
            if not self._begun:
                self._begin()
            if self._at + len(chunk) > self._limit_bytes:
                self.is_too_long = True
                return False
            pwrite_whole(self._fd, chunk, self._at)
        except OSError as error:
            self.failure = unwritable(self._validator, error)
            return False
        self._at += len(chunk)
        self._progress(self._at, self.total_bytes)
        return True

    def _begin(self) -> None:
        """Make room for the file from where it comes, and remember what vouches for it being the same next time."""
        self._begun = True
        if self.status == PARTIAL_CONTENT:
            self.resumed = self._asked_from
            return
        self._at = 0
        os.ftruncate(self._fd, 0)
        self._validator.unlink(missing_ok=True)
        tag = str(self.headers.get("ETag", ""))
        # A weak one says that two files are alike, not that they are the same bytes.
        if tag.isascii() and tag.startswith('"') and len(tag) <= VALIDATOR_BYTES_MAX:
            put_file(self._validator, tag.encode())


def _sha256(path: Path) -> bytes:
    with open(open_regular(path, follow=False), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
