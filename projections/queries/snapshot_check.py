"""Holds snapshots against the log: those that it records as written, and the files that are there.

Stored read models are not consulted: they are what a snapshot would have been made from. The log is folded instead,
once for all positions. A name inside an event is data: it names a file of the snapshot folder, or none at all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import msgspec

from ledger.chain import EMPTY_HEAD
from ledger.codec import Envelope
from ledger.errors import unreadable
from ledger.events import ValidationCompleted
from ledger.files.checksum import CHECKSUM_SUFFIX, parse_checksum
from ledger.files.regular import read_regular
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Bar
from projections.fold.event_readers import Fact
from projections.fold.folding import fold, replayed
from projections.fold.tables import State, Tables
from projections.models import snapshots
from projections.models.snapshots import Snapshots, Written
from projections.queries.snapshot_csv import render

SNAPSHOT_MAX_BYTES = 64 * 1024 * 1024  # a line of every session for three thousand years

CheckStatus = Literal["ok", "mismatch", "absent", "unrecorded", "refused"]


class SnapshotCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found.

    Of an event (`path` None): whether its prices, as of its position, still give its SHA-256.
    Of a file: whether it holds what the newest event of its name says; `absent` when it is not there,
    `unrecorded` when no event has its name, `refused` when an event has a name that is no base name: such a file is
    never looked for. `line` counts from 1 and is the first that differs, 0 the `.checksum`.
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


def check_snapshots(log: LogSource, folder: Path, files: Sequence[Path] | None = None) -> list[SnapshotCheck]:
    """Return a check of every recorded snapshot, then of each file: `files`, or all that are recorded or in `folder`.

    With `files`, those and no others, and of the events only the ones of their names. Reads the log twice; memory
    is that of the bars held, and of the contents of files that differ.

    Raises: UnreadableError for a file that is there and cannot be read; what `fold` raises.
    """
    _, state = replayed(log.read(), [Snapshots()])
    names = None if files is None else {path.name for path in files}
    recorded = [one for one in snapshots.written(state["snapshots"]) if names is None or one.name in names]
    if files is None:
        found = {one.name for one in recorded if _is_base_name(one.name)}
        found |= {path.name for path in folder.glob("*-????????.csv")}
        files = [folder / name for name in sorted(found)]
    contents = {path: _content(path) for path in files}
    apart = {
        one.seq
        for path, content in contents.items()
        if content is not None
        and (one := snapshots.newest(state["snapshots"], path.name)) is not None
        and sha256(content).digest() != one.sha256
    }
    made = _Regeneration(recorded, apart)
    fold(log.read(), EMPTY_HEAD, [made], {made.name: {}})
    made.finish()
    return [
        *(_check_event(one, made.digests[one.seq]) for one in recorded),
        *(_check_file(state, path, content, made.contents) for path, content in contents.items()),
        *(
            SnapshotCheck(name=name, status="refused")
            for name in sorted({one.name for one in recorded})
            if not _is_base_name(name)
        ),
    ]


class _Regeneration:
    """A walk over all decisions that renders each recorded snapshot as it passes the snapshot's position."""

    name = "regeneration"
    version = 1
    tables: tuple[str, ...] = ()
    rewritten: frozenset[str] = frozenset()
    reads = frozenset({ValidationCompleted.TAG})

    def __init__(self, recorded: Sequence[Written], apart: Collection[int]) -> None:
        """Render `recorded`, and keep the whole content of those whose seq is in `apart`."""
        self.digests: dict[int, bytes] = {}
        self.contents: dict[int, bytes] = {}
        self._apart = apart
        self._held: dict[Series, dict[date, Bar]] = defaultdict(dict)
        self._waiting: dict[Series, list[Written]] = defaultdict(list)
        for one in sorted(recorded, key=lambda one: one.position, reverse=True):
            self._waiting[Series(one.ticker, one.provider)].append(one)

    def apply(self, _tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Render what does not include the decision, then hold its bars; a bar that was withdrawn stays held."""
        assert isinstance(fact, ValidationCompleted)  # noqa: S101 - the only tag in `reads`
        series = Series(fact.ticker, fact.provider)
        waiting = self._waiting.get(series)
        if waiting:
            self._render(series, waiting, envelope.seq)
        self._held[series].update((bar.date, bar) for bar in fact.bars)

    def finish(self) -> None:
        """Render what includes every decision."""
        for series, waiting in self._waiting.items():
            self._render(series, waiting, None)

    def _render(self, series: Series, waiting: list[Written], seq: int | None) -> None:
        """Render the snapshots of positions up to `seq` (None: all): those that the event at `seq` is not part of."""
        while waiting and (seq is None or waiting[-1].position <= seq):
            one = waiting.pop()
            bars = self._held[series]
            content = render(series.ticker, bars).content if bars else b""
            self.digests[one.seq] = sha256(content).digest()
            if one.seq in self._apart:
                self.contents[one.seq] = content


def first_apart(expected: bytes, found: bytes) -> tuple[int, str, str] | None:
    """Return the number (from 1) of the first line that differs and both lines; None when none does."""
    pairs = zip_longest(expected.splitlines(keepends=True), found.splitlines(keepends=True), fillvalue=b"")
    for number, (ours, theirs) in enumerate(pairs, 1):
        if ours != theirs:
            return number, _shown(ours), _shown(theirs)
    return None


def _is_base_name(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name


def _check_event(one: Written, found: bytes) -> SnapshotCheck:
    return SnapshotCheck(
        name=one.name,
        seq=one.seq,
        status="ok" if found == one.sha256 else "mismatch",
        expected_sha256=one.sha256.hex(),
        found_sha256=found.hex(),
    )


def _check_file(state: State, path: Path, content: bytes | None, regenerated: Mapping[int, bytes]) -> SnapshotCheck:
    one = snapshots.newest(state["snapshots"], path.name)
    seq = None if one is None else one.seq
    if content is None:
        return SnapshotCheck(name=path.name, path=str(path), seq=seq, status="absent")
    found = sha256(content).hexdigest()
    if one is None:
        return SnapshotCheck(name=path.name, path=str(path), status="unrecorded", found_sha256=found)
    line, expected_line, found_line = next(
        _faults(one, path, content, regenerated.get(one.seq, b"")), (None, None, None)
    )
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


def _faults(one: Written, path: Path, content: bytes, regenerated: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield what is wrong with a file: its first line apart, then its `.checksum`."""
    if sha256(content).digest() != one.sha256:
        # Where what is regenerated does not hold either, the event's own check says so.
        yield first_apart(regenerated, content) or (1, one.sha256.hex(), sha256(content).hexdigest())
    beside = _content(path.with_name(f"{path.name}{CHECKSUM_SUFFIX}"))
    if beside is None:
        return
    said = None
    with suppress(ValueError):
        said = parse_checksum(beside)
    if said != one.sha256:
        yield 0, one.sha256.hex(), _shown(beside)


def _content(path: Path) -> bytes | None:
    """Return the bytes of the regular file at `path`, None where there is none; anything else would not end."""
    try:
        return read_regular(path, limit_bytes=SNAPSHOT_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def _shown(line: bytes) -> str:
    """Return `line` for people: its end shows only where it is not LF alone."""
    text = line.decode("utf-8", "backslashreplace")
    return text[:-1] if text.endswith("\n") and not text.endswith("\r\n") else text
