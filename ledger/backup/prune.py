"""Removes backups that a newer one holds from their first byte to their last; how many stay is for the caller to say.

In this order: both files read again, the event that records what is given up, every `.checksum` of it, the files.
What dies in between leaves whole files, some without their `.checksum`: the next call goes on with them.
"""

import errno
import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from ledger import ids
from ledger.backup.listing import Listed, list_backups
from ledger.backup.recorded import recorded_in
from ledger.chain import Seq
from ledger.codec import Draft
from ledger.errors import unwritable
from ledger.events import LEDGER_STREAM, BackupPruned
from ledger.files.checksum import checksum_path
from ledger.files.durable import sync_folder
from ledger.files.regular import open_regular
from ledger.store.event_log import EventLog
from ledger.values import PrunedFile

FEWEST = 2  # sound backups that always stay, however little was asked for
BUFFER_BYTES = 1024 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Why a file stays: one of the newest two that are sound, the newest of its day or month, not in the ledger's records,
# other than recorded, no file of a ledger or a link to one, or not held by the newest sound one.
Kept = Literal["newest", "daily", "monthly", "unrecorded", "differs", "unreadable", "not held"]


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """Of how many days (UTC) and months, the newest that have a backup, the newest backup stays."""

    daily: int = 0
    monthly: int = 0

    def wanted(self, newest_first: Sequence[Listed]) -> dict[Path, Kept]:
        """Return which of the backups that a ledger recorded are to stay, and why."""
        days, months, found = set[date](), set[date](), dict[Path, Kept]()
        for one in newest_first:
            if one.recorded is None:
                continue
            day = (_EPOCH + timedelta(microseconds=one.recorded.recorded_at)).date()
            month = day.replace(day=1)
            if day not in days and len(days) < self.daily:
                found[one.path] = "daily"
            elif month not in months and len(months) < self.monthly:
                found[one.path] = "monthly"
            days.add(day)
            months.add(month)
        return found


class Choice(msgspec.Struct, frozen=True):
    """A file in the folder and why it stays; `kept` None for one to be removed, `sha256` then that of what was read."""

    listed: Listed
    kept: Kept | None
    sha256: bytes | None = None


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of every file, by name; `keeper` holds all that go, `seq` is of the event that records them."""

    choices: tuple[Choice, ...]
    keeper: Path | None
    seq: Seq | None = None

    @property
    def going(self) -> tuple[Choice, ...]:
        """The files to be removed."""
        return tuple(choice for choice in self.choices if choice.kept is None)


def choose(log: EventLog, folder: Path, retention: Retention) -> Pruned:
    """Return which backups in `folder` may go; only what `log` recorded may, and only while two sound ones stay.

    Reads the newest two again, and whatever may go beside the newest sound one, byte for byte.

    Raises: UnreadableError of the folder; DamagedError.
    """
    listed = list_backups(folder, recorded_in(log))
    answers: dict[Path, Kept | bytes] = {one.path: one.status for one in listed if one.status != "recorded"}
    known = sorted(
        (one for one in listed if one.status == "recorded"),
        key=lambda one: one.recorded.seq if one.recorded else 0,
        reverse=True,
    )
    wanted, sound = retention.wanted(known), list[Path]()
    for one in known:
        if len(sound) < FEWEST:
            answers[one.path] = read = held(one)
            if isinstance(read, bytes):
                answers[one.path] = "newest"
                sound.append(one.path)
        else:
            answers[one.path] = wanted.get(one.path) or held(one, beside=sound[0])
    choices = []
    for one in listed:
        answer = answers[one.path]
        choices.append(Choice(one, None, answer) if isinstance(answer, bytes) else Choice(one, answer))
    return Pruned(choices=tuple(choices), keeper=sound[0] if sound else None)


def prune(log: EventLog, folder: Path, retention: Retention, *, job_id: bytes) -> Pruned:
    """Return what `choose` does, once `backup.pruned` records what goes and it is gone, with its `.checksum`.

    A checkpoint beside a backup stays. Nothing is recorded where nothing goes.

    Raises: as `choose` and `EventLog.append` do; UnwritableError.
    """
    found = choose(log, folder, retention)
    if not found.going or found.keeper is None:
        return found
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(folder))
        files = tuple(
            PrunedFile(choice.listed.path.name, choice.listed.archive_bytes, choice.sha256)
            for choice in found.going
            if choice.sha256 is not None
        )
        event = BackupPruned(keeper=found.keeper.name, files=files)
        draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
        done = log.append([draft], append_id=ids.append_id(f"backup.pruned/{job_id.hex()}", job_id=job_id))
        # A file without its checksum is still what the log recorded; a checksum without its file is a failed check.
        # Synced between the two: a power cut keeps names in no order.
        going = [choice.listed.path for choice in found.going]
        for paths in ([checksum_path(path) for path in going], going):
            for path in paths:
                path.unlink(missing_ok=True)
            sync_folder(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    return msgspec.structs.replace(found, seq=done.first)


def held(one: Listed, beside: Path | None = None) -> Kept | bytes:
    """Return the SHA-256 of the file where it is the recorded one, and `beside` begins with all of it; else why not."""
    hasher, same = sha256(), True
    try:
        with ExitStack() as files:
            file = files.enter_context(open(open_regular(one.path, follow=False), "rb"))
            longer = files.enter_context(open(open_regular(beside, follow=False), "rb")) if beside else None
            while buffer := file.read(BUFFER_BYTES):
                hasher.update(buffer)
                same = same and (longer is None or longer.read(len(buffer)) == buffer)
    except OSError:
        return "unreadable"
    if one.recorded is None or hasher.digest() != one.recorded.event.sha256:
        return "differs"
    return hasher.digest() if same else "not held"
