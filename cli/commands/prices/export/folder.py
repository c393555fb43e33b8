"""The folder of an export: under its name it is whole, or not there at all."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

import msgspec

from cli.app.errors import NotAnExportError
from cli.commands.prices.export.row import CLAIM_FORMAT, FORMATS, ExportClaim, Manifest
from cli.render import out_file
from ledger.errors import unwritable
from ledger.files.atomic_file import sweep
from ledger.files.durable import FOLDER, give_to_owner, make_folder
from ledger.files.regular import read_regular

MANIFEST = "manifest.json"
MANIFEST_BYTES = 256 * 1024 * 1024
SUFFIX = ".b3-ledger-export"  # ours alone, since folders of that name are removed


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder that takes the name `path` when the block ends well; else nothing of it stays.

    An export that is there already is replaced, whole. What a run that was killed left is removed.

    Raises: NotAnExportError for anything else that is there; DiskFullError, UnwritableError.
    """
    check_replaceable(path)
    make_folder(path.parent)
    _sweep(path, "new")
    with _locked_folder(path) as new:
        yield new
        with _changing(path):
            if path.exists():
                # A crash between these two renames leaves no export, and the one before it under a hidden name.
                path.rename(_hidden(path, "old"))
            new.rename(path)
    _sweep(path, "old")


def _hidden(path: Path, word: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{word}{SUFFIX}")


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Tell what fails in the block as of the export itself: nobody knows its hidden names."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def _locked_folder(export: Path) -> Iterator[Path]:
    """Give a new folder beside `export`, locked for as long as its maker lives.

    It is removed unless it was given another name.
    """
    path = _hidden(export, "new")
    while True:
        with _changing(export):
            path.mkdir(FOLDER)
        with suppress(FileNotFoundError):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            give_to_owner(fd, path.parent)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                break
            # Somebody's sweep came between and took it for one that a crash left.
            os.close(fd)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(fd)


def _sweep(path: Path, word: str) -> None:
    sweep(path.parent, f".{escape(path.name)}.*.{word}{SUFFIX}", shutil.rmtree)


def check_replaceable(path: Path) -> None:
    """Return quietly when an export may take the name `path`: nothing else is lost by it.

    Raises: NotAnExportError.
    """
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise NotAnExportError(path, "no folder")
    files = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_symlink() or not file.is_dir()}
    content = b""
    with suppress(FileNotFoundError):
        content = read_regular(path / MANIFEST, limit_bytes=MANIFEST_BYTES)
    if strangers := files - named_by(content):
        raise NotAnExportError(path, min(strangers))


def named_by(content: bytes) -> frozenset[str]:
    """Return the names of all that an export wrote by its manifest, or by its claim on a place; none for others."""
    with suppress(msgspec.DecodeError):
        manifest = msgspec.json.decode(content, type=Manifest)
        if manifest.format in FORMATS:
            return frozenset({MANIFEST, *(file.path for file in manifest.files)})
    with suppress(msgspec.DecodeError):
        claim = msgspec.json.decode(content, type=ExportClaim)
        if claim.format == CLAIM_FORMAT:
            return frozenset({MANIFEST, *claim.names})
    return frozenset()


def put_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of the export in `folder`."""
    out_file.write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
