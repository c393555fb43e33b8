"""Checks snapshots against the log: those that it records, and the files that are there."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import msgspec

from ledger.errors import UnreadableError
from ledger.files.checksum import CHECKSUM_SUFFIX, parse_checksum
from ledger.market.series import Series
from projections.fold.tables import State
from projections.models import prices, snapshots
from projections.models.snapshots import Written
from projections.queries.snapshot_csv import render

CheckStatus = Literal["ok", "mismatch", "absent", "unrecorded"]


class SnapshotCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found.

    Of an event (`path` None): whether its prices, as of its position, still give its SHA-256.
    Of a file: whether it holds what the newest event of its name says; `absent` when it is not there,
    `unrecorded` when no event has its name. `line` counts from 1 and is the first that differs, 0 the `.checksum`.
    """

    name: str
    status: CheckStatus
    seq: int | None = None
    path: str | None = None
    expected_sha256: str | None = None
    found_sha256: str | None = None
    line: int | None = None
    expected_line: str | None = None
    found_line: str | None = None


def check_snapshots(state: State, folder: Path, files: Sequence[Path] | None = None) -> list[SnapshotCheck]:
    """Return a check of every recorded snapshot, then of each file: `files`, or all that are recorded or in `folder`.

    With `files`, those and no others, and of the events only the ones of their names.

    Raises: UnreadableError for a file that is there and cannot be read.
    """
    names = None if files is None else {path.name for path in files}
    recorded = [one for one in snapshots.written(state["snapshots"]) if names is None or one.name in names]
    if files is None:
        found = {one.name for one in recorded} | {path.name for path in folder.glob("*-????????.csv")}
        files = [folder / name for name in sorted(found)]
    return [*(_check_event(state, one) for one in recorded), *(_check_file(state, path) for path in files)]


def regenerated(state: State, one: Written) -> bytes:
    """Return the CSV that recorded events give at the snapshot's position; empty when they give none."""
    bars = prices.bars(state["prices"], Series(one.ticker, one.provider), one.position)
    return render(one.ticker, bars).content if bars else b""


def first_apart(expected: bytes, found: bytes) -> tuple[int, str, str] | None:
    """Return the number (from 1) of the first line that differs and both lines; None when none does."""
    pairs = zip_longest(expected.splitlines(keepends=True), found.splitlines(keepends=True), fillvalue=b"")
    for number, (ours, theirs) in enumerate(pairs, 1):
        if ours != theirs:
            return number, _shown(ours), _shown(theirs)
    return None


def _check_event(state: State, one: Written) -> SnapshotCheck:
    found = sha256(regenerated(state, one)).digest()
    return SnapshotCheck(
        name=one.name,
        seq=one.seq,
        status="ok" if found == one.sha256 else "mismatch",
        expected_sha256=one.sha256.hex(),
        found_sha256=found.hex(),
    )


def _check_file(state: State, path: Path) -> SnapshotCheck:
    one = snapshots.newest(state["snapshots"], path.name)
    seq = None if one is None else one.seq
    content = _content(path)
    if content is None:
        return SnapshotCheck(name=path.name, path=str(path), seq=seq, status="absent")
    found = sha256(content).hexdigest()
    if one is None:
        return SnapshotCheck(name=path.name, path=str(path), status="unrecorded", found_sha256=found)
    line, expected_line, found_line = next(_faults(state, one, path, content), (None, None, None))
    return SnapshotCheck(
        name=path.name,
        path=str(path),
        seq=seq,
        status="ok" if line is None else "mismatch",
        expected_sha256=one.sha256.hex(),
        found_sha256=found,
        line=line,
        expected_line=expected_line,
        found_line=found_line,
    )


def _faults(state: State, one: Written, path: Path, content: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield what is wrong with a file: its first line apart, then its `.checksum`."""
    if sha256(content).digest() != one.sha256:
        # Where the regenerated CSV does not match either, the event's own check reports it.
        yield first_apart(regenerated(state, one), content) or (1, one.sha256.hex(), sha256(content).hexdigest())
    beside = _content(path.with_name(f"{path.name}{CHECKSUM_SUFFIX}"))
    if beside is None:
        return
    try:
        recorded = parse_checksum(beside)
    except ValueError:
        recorded = None
    if recorded != one.sha256:
        yield 0, one.sha256.hex(), _shown(beside)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error


def _shown(line: bytes) -> str:
    """Return `line` for people: its end is shown only where it is not LF alone."""
    text = line.decode("utf-8", "backslashreplace")
    return text[:-1] if text.endswith("\n") and not text.endswith("\r\n") else text
