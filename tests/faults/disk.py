"""A disk as a power cut may leave it: what was synced is there, of the rest any part may be.

A file is sectors of 512 bytes: one that was written since the last sync holds what it held then, or what any write
since left in it; its length is any that it had since. A folder holds the names that it had when it was synced, and
any of the changes since; the two halves of a rename come together. That is more than a journalling file system
would lose, and no more than POSIX lets it lose.
"""

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.faults.recording import MARKS, Call, Kind

SECTOR_BYTES = 512

Tree = dict[str, bytes | None]  # path -> content; None: a folder


class Change(msgspec.Struct, frozen=True, eq=False):
    """One thing that is not durable yet: a sector's content, a length, or the names that changed together."""

    inode: int
    sector: int | None = None
    content: bytes = b""
    size: int | None = None
    names: tuple[tuple[str, int | None], ...] = ()


class File:
    """A file's content as programs see it, and what of it is durable."""

    def __init__(self, content: bytes = b"") -> None:
        self.now = bytearray(content)
        self.durable = bytearray(content)  # whole sectors, once something was settled
        self.size = len(content)  # how much of that is the file's


class Disk:
    """The tree below one folder, with every change that no sync has made durable."""

    def __init__(self, root: Path) -> None:
        """Begin with what is there now, all of it durable."""
        self._root = root
        self.files: dict[int, File] = {}
        self.folders: dict[int, dict[str, int]] = {}  # durable names
        self.now: dict[int, dict[str, int]] = {}
        self.pending: list[Change] = []  # in the order in which they were made
        self.top = self._scan(root)

    def apply(self, call: Call) -> None:
        """Let one call happen; what it writes is pending until `sync`."""
        match call.kind:
            case Kind.WRITE:
                self._write(call.inode, call.offset, call.data)
            case Kind.TRUNCATE:
                self._truncate(call.inode, call.offset)
            case Kind.CREATE | Kind.MKDIR:
                self._make(call)
            case Kind.RENAME:
                self._rename(call)
            case Kind.UNLINK:
                folder, name = self._entry(call.path)
                self._name(folder, ((name, None),))

    def sync(self, inode: int, sectors: range | None = None) -> None:
        """Make durable what is pending of one file or folder; of a file, only `sectors` and its length if given."""
        kept = []
        for change in self.pending:
            ours = change.inode == inode and (sectors is None or change.sector is None or change.sector in sectors)
            if ours:
                self._settle(change)
            else:
                kept.append(change)
        self.pending = kept

    def image(self, changes: Sequence[Change]) -> Tree:
        """Return the tree when, of all that is pending, just `changes` reached the disk."""
        files = {change.inode: bytearray(self.files[change.inode].durable) for change in changes if not change.names}
        folders = {change.inode: dict(self.folders[change.inode]) for change in changes if change.names}
        sizes = {inode: self.files[inode].size for inode in files}
        for change in changes:
            if change.names:
                _rename(folders[change.inode], change.names)
            elif change.size is not None:
                sizes[change.inode] = change.size
            else:
                _put(files[change.inode], change)
        for inode, size in sizes.items():
            files[inode] = files[inode][:size].ljust(size, b"\0")
        tree: Tree = {}
        self._walk(self.top, "", tree, files, folders)
        return tree

    def images(self, rng: random.Random, *, at_random: int, prefixes: int | None = None) -> "list[Sequence[Change]]":
        """Return what may have reached the disk by now: prefixes of what is pending, and some random parts.

        All prefixes, or `prefixes` of them where there are more; none and all of what is pending always.
        """
        pending = self.pending
        counts: Sequence[int] = range(len(pending) + 1)
        if prefixes is not None and len(counts) > prefixes:
            counts = [0, *sorted(rng.sample(counts[1:-1], prefixes - 2)), len(pending)]
        parts: list[Sequence[Change]] = [pending[:count] for count in counts]
        for _ in range(at_random if pending else 0):
            share = rng.random()
            parts.append([change for change in pending if rng.random() < share])
        return parts

    # --- inside ------------------------------------------------------------------------------

    def _scan(self, path: Path) -> int:
        inode = path.stat().st_ino
        if path.is_dir():
            names = {entry: self._scan(path / entry) for entry in os.listdir(path) if entry not in UNRECORDED}
            self.folders[inode], self.now[inode] = dict(names), dict(names)
        else:
            self.files[inode] = File(path.read_bytes())
        return inode

    def _write(self, inode: int, offset: int, data: bytes) -> None:
        now = self.files[inode].now
        end = offset + len(data)
        if end > len(now):
            now.extend(bytes(end - len(now)))
            self.pending.append(Change(inode, size=end))
        now[offset:end] = data
        for sector in sectors_of(offset, len(data)):
            at = sector * SECTOR_BYTES
            self.pending.append(Change(inode, sector, bytes(now[at : at + SECTOR_BYTES]).ljust(SECTOR_BYTES, b"\0")))

    def _truncate(self, inode: int, size: int) -> None:
        now = self.files[inode].now
        if size != len(now):
            now[:] = now[:size].ljust(size, b"\0")
            self.pending.append(Change(inode, size=size))

    def _make(self, call: Call) -> None:
        # A file that is gone may have left its number to this one: nothing of it is pending for the new one.
        self.pending = [change for change in self.pending if change.inode != call.inode]
        if call.kind == Kind.MKDIR:
            self.folders[call.inode], self.now[call.inode] = {}, {}
        else:
            self.files[call.inode] = File()
        folder, name = self._entry(call.path)
        self._name(folder, ((name, call.inode),))

    def _rename(self, call: Call) -> None:
        (source, old), (target, new) = self._entry(call.path), self._entry(call.path2)
        assert source == target, "renames between folders are not modelled: nothing here does that"
        self._name(source, ((old, None), (new, self.now[source][old])))

    def _name(self, folder: int, names: tuple[tuple[str, int | None], ...]) -> None:
        _rename(self.now[folder], names)
        self.pending.append(Change(folder, names=names))

    def _entry(self, path: str) -> tuple[int, str]:
        """Return the folder in which `path` lies by the names of now, and its name there."""
        *above, name = Path(path).relative_to(self._root).parts
        folder = self.top
        for part in above:
            folder = self.now[folder][part]
        return folder, name

    def _settle(self, change: Change) -> None:
        if change.names:
            _rename(self.folders[change.inode], change.names)
        elif change.size is not None:
            file = self.files[change.inode]
            file.size = change.size
            del file.durable[change.size :]
        else:
            _put(self.files[change.inode].durable, change)

    def _walk(
        self, folder: int, path: str, tree: Tree, files: dict[int, bytearray], folders: dict[int, dict[str, int]]
    ) -> None:
        for name, inode in folders.get(folder, self.folders[folder]).items():
            if name == MARKS:
                continue
            below = f"{path}{name}"
            if inode in self.files:
                file = self.files[inode]
                tree[below] = bytes(files.get(inode, file.durable[: file.size].ljust(file.size, b"\0")))
            else:
                tree[below] = None
                self._walk(inode, f"{below}/", tree, files, folders)


UNRECORDED = frozenset({"lock.mdb", "writer.lock", MARKS})


def sectors_of(offset: int, length: int) -> range:
    """Return the sectors that [offset, offset + length) touches."""
    return range(offset // SECTOR_BYTES, (offset + length - 1) // SECTOR_BYTES + 1)


def _put(content: bytearray, change: Change) -> None:
    assert change.sector is not None
    at = change.sector * SECTOR_BYTES
    if len(content) < at + SECTOR_BYTES:
        content.extend(bytes(at + SECTOR_BYTES - len(content)))
    content[at : at + SECTOR_BYTES] = change.content


def _rename(names: dict[str, int], changes: tuple[tuple[str, int | None], ...]) -> None:
    for name, inode in changes:
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def replay(disk: Disk, calls: Sequence[Call], at: Callable[[bytes], object]) -> None:
    """Let `calls` happen one after the other; call `at`, with all marks so far, wherever the most is pending.

    That is before each sync and each mark, after each mark, and at the end: what may be on the disk at any other
    instant may be there at one of those.
    """
    marks = b""
    for call in calls:
        if call.path.endswith(f"/{MARKS}"):
            if call.kind == Kind.WRITE:
                at(marks)
                marks += call.data
                at(marks)
            continue
        if call.kind == Kind.SYNC:
            at(marks)
            disk.sync(call.inode)
            continue
        disk.apply(call)
        if call.synced:
            at(marks)
            disk.sync(call.inode, sectors_of(call.offset, len(call.data)))
    at(marks)
