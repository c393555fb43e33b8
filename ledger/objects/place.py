"""A place in an object store, by its URL: what is there is listed and read, and what is not is written once.

Credentials are the provider's own, from the environment; a URL that has any is refused.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from ledger.errors import LedgerError, unreadable, unwritable
from ledger.files.atomic_file import MODE, SHARED_MODE, write_whole
from ledger.files.durable import make_folder, make_private_folder, sync_folder
from ledger.objects.errors import NoPlaceError, ObjectDiffersError, PlaceError, StoreError
from ledger.objects.segments import StoredObject
from ledger.urls import masked

SCHEMES = ("file", "s3", "gs", "az")
SHAPE = "file:///FOLDER, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH"
RETRIES, RETRYING = 3, timedelta(seconds=60)
DIGEST_HEX = 12
_READABLE = "a folder that this user can read"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
SMALL_OBJECT_BYTES = 256 * 1024  # more than any object that is read whole: a note, a tile


class FoundObject(msgspec.Struct, frozen=True):
    """What an object held when it was read, and the marks by which stores tell whether it still does.

    S3 and Azure go by `e_tag`, Google by `version`.
    """

    content: bytes
    e_tag: str | None
    version: str | None


class ObjectPlace:
    """Where copies of a log are kept. Importing this imports no store; opening one does."""

    def __init__(self, url: str, *, create: bool = False, shared: bool = False) -> None:
        """Open the place at `url`; a folder is made where `create` is given, for others to read where it is `shared`.

        Raises: PlaceError; NoPlaceError; StoreError; DiskFullError, UnwritableError; ImportError without obstore.
        """
        parts = _parts(url)
        local = parts.scheme == "file"
        self.url = masked(url.rstrip("/"))
        digest = sha256(self.url.encode()).hexdigest()[:DIGEST_HEX]
        # What the log calls it: a base name, with the bucket and a hash of the whole.
        self.name = "-".join([parts.scheme, *([parts.netloc] if parts.netloc else []), digest]) + ".db"
        self._folder = Path(unquote(parts.path)) if local else None
        self._mode = SHARED_MODE if shared else MODE
        if self._folder and create:
            (make_folder if shared else make_private_folder)(self._folder)
        if self._folder and not _is_folder(self._folder):
            raise NoPlaceError(url, self._folder)
        self._api: Any = import_module("obstore")
        import_module("obstore.store")
        # The last is what a store raises that has no such operation, as a folder has no e-tags.
        self._failures = (self._api.exceptions.BaseError, OSError, ValueError, NotImplementedError)
        self._named = set[Path]()  # folders whose own names are durable
        options: dict[str, Any] = {} if local else {"retry_config": {"max_retries": RETRIES, "retry_timeout": RETRYING}}
        if parts.scheme == "s3":
            # A bucket with Object Lock takes no object without its checksum.
            options["config"] = {"checksum_algorithm": "SHA256"}
        with self.asking():
            self._store: Any = self._api.store.from_url(url.rstrip("/"), **options)

    @contextmanager
    def asking(self, *, writing: bool = False) -> Iterator[None]:
        """Turn what the store raises in the block into a StoreError, or what the system said of a folder.

        Raises: StoreError; UnreadableError, where it is `writing` DiskFullError or UnwritableError; a shortage.
        """
        try:
            yield
        except self._failures as error:
            found = _OS_ERROR.search(str(error)) if self._folder else None
            if self._folder is None or found is None:
                raise StoreError(self.url, str(error)) from error
            number = int(found[1])
            raise _of_folder(self._folder, OSError(number, os.strerror(number)), writing=writing) from error

    def objects(self, folder: str | None = None) -> list[StoredObject]:
        """Return everything that is at the place, or below `folder` there.

        Raises: StoreError.
        """
        with self.asking():
            listed = self._api.list(self._store, prefix=folder)
            return [StoredObject(one["path"], one["size"]) for some in listed for one in some]

    def find(self, name: str, *, limit_bytes: int = SMALL_OBJECT_BYTES) -> FoundObject | None:
        """Return what a small object holds, None where there is none.

        Raises: StoreError, for one of more than `limit_bytes` too.
        """
        with self.asking():
            try:
                found = self._api.get(self._store, name)
            except (FileNotFoundError, self._api.exceptions.NotFoundError):
                return None
            if found.meta["size"] > limit_bytes:
                message = f"{name} has {found.meta['size']} bytes"
                raise ValueError(message)
            return FoundObject(bytes(found.bytes()), found.meta["e_tag"], found.meta["version"])

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of the object, a buffer at a time.

        Raises: StoreError.
        """
        with self.asking():
            yield from map(bytes, self._api.get(self._store, name))

    def check(self, name: str, content: bytes) -> None:
        """Return quietly when the object holds `content`; never more of it than that is in memory.

        Raises: ObjectDiffersError; StoreError.
        """
        at = 0
        for some in self.read(name):
            if content[at : at + len(some)] != some:
                raise ObjectDiffersError(self.url, name)
            at += len(some)
        if at != len(content):
            raise ObjectDiffersError(self.url, name)

    def put(self, name: str, content: bytes) -> bool:
        """Write the object, whole or not at all, and read it back; return False where it was there, with these bytes.

        An object is never replaced.

        Raises: ObjectDiffersError; StoreError, UnwritableError.
        """
        written = True
        with self.asking(writing=True):
            try:
                self._api.put(self._store, name, content, mode="create", use_multipart=False)
            except self._api.exceptions.AlreadyExistsError:
                written = False
        if self._folder and written:
            path = self._folder / name
            try:
                fd = os.open(path, os.O_RDONLY)
                try:
                    os.fchmod(fd, self._mode)
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                raise unwritable(path, error) from error
            folder = path.parent
            sync_folder(folder)
            while folder != self._folder and folder not in self._named:  # one that the store made
                sync_folder(folder.parent)
                self._named.add(folder)
                folder = folder.parent
        self.check(name, content)
        return written

    def replace(self, name: str, content: bytes, *, before: FoundObject | None) -> bool:
        """Make a small object hold `content` where it is still what `before` was found to be; return whether it does.

        A folder has no such condition: there it is compared just before the rename, so the last of two wins.

        Raises: StoreError; DiskFullError, UnwritableError.
        """
        if self._folder:
            limit_bytes = max(SMALL_OBJECT_BYTES, len(before.content) if before else 0)
            if self.find(name, limit_bytes=limit_bytes) != before:
                return False
            write_whole(self._folder / name, content, mode=self._mode)
            return True
        mode: Any = "create"
        if before is not None:
            marks = {"e_tag": before.e_tag, "version": before.version}
            mode = {name: mark for name, mark in marks.items() if mark is not None}
        exceptions = self._api.exceptions
        changed = (exceptions.AlreadyExistsError, exceptions.PreconditionError, exceptions.NotFoundError)
        with self.asking(writing=True):
            try:
                self._api.put(self._store, name, content, mode=mode, use_multipart=False)
            except (*changed, FileNotFoundError):
                return False
        return True


def _parts(url: str) -> SplitResult:
    """Return what a URL is made of: a scheme of ours, and a bucket, or a folder.

    Raises: PlaceError.
    """
    try:
        parts = urlsplit(url)
        hidden = "@" in parts.netloc or bool(parts.query or parts.fragment)
    except ValueError as error:
        raise PlaceError(url, "no form of a URL", wanted=SHAPE) from error
    if hidden:
        raise PlaceError(url, "a user, a query or a fragment", wanted="credentials in the store's own environment")
    local = parts.scheme == "file"
    if parts.scheme not in SCHEMES or local == bool(parts.netloc) or (local and not parts.path.strip("/")):
        raise PlaceError(url, "another scheme or no place", wanted=SHAPE)
    return parts


def _is_folder(path: Path) -> bool:
    """Return whether there is a folder at `path`.

    Raises: UnreadableError where this user may not look.
    """
    try:
        return path.is_dir()
    except OSError as error:
        raise _of_folder(path, error, writing=False) from error


def _of_folder(path: Path, error: OSError, *, writing: bool) -> LedgerError:
    return unwritable(path, error) if writing else unreadable(path, error, want=_READABLE)
