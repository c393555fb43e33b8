"""The ledger that a command reads: the real one, else the sample's; or the archive that `--ledger` names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from cli.app import clock, output
from cli.app.settings import Settings
from cli.context import params, places, sample
from ledger.errors import NoLedgerError
from ledger.log_source import LogSource, created
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import LedgerKind
from projections.queries.position import recorded_at
from projections.store.runner import open_view
from projections.store.store import View

if TYPE_CHECKING:
    from ledger.files.hash_beside import HashBeside

F = TypeVar("F", bound=Callable[..., object])
Answer = TypeVar("Answer")

_ARCHIVE, _CACHED = f"{__name__}.archive", f"{__name__}.cached"


class ActiveLedger(msgspec.Struct, frozen=True):
    """The ledger in use; `folder` is the one that its home's `CURRENT` names."""

    home: LedgerHome
    folder: Path
    kind: LedgerKind


def active(settings: Settings) -> ActiveLedger:
    """Return the real ledger, or the sample's where a real one was never created or `--sample` asks for it.

    Raises: NoLedgerError where there is none of those; NotALedgerError, UnreadableError.
    """
    home = LedgerHome(settings.data_dir)
    if not sample.is_wanted() and (folder := home.current()) is not None:
        return ActiveLedger(home, folder, "real")
    if (folder := home.sample.current()) is not None:
        return ActiveLedger(home.sample, folder, "sample")
    raise NoLedgerError(settings.data_dir.absolute())


def archive_option(command: F) -> F:
    """Give `command` the options of `file_option`, and `--no-cache`: what it works out of a file is kept for the next.

    For commands that show what is recorded. Those that judge the file itself read all of it each time.
    """
    return click.option(
        "--no-cache",
        is_flag=True,
        expose_value=False,
        # A group has it, and each of its commands: one that is given is enough.
        callback=lambda context, _, given: context.meta.update(
            {_CACHED: context.meta.get(_CACHED, True) and not given}
        ),
        help="With --ledger: use nothing that was kept of this file, and keep nothing.",
    )(file_option(command))


def file_option(command: F) -> F:
    """Give `command` the options that say what it reads, `--ledger` and `--sample`.

    With `--ledger`, `reading` yields that file, and `archive_given` returns its path, or its URL.
    """

    def keep(context: click.Context, _parameter: click.Parameter, value: Path | str | None) -> None:
        if value is not None:
            context.meta[_ARCHIVE] = value

    return click.option(
        "--ledger",
        "archive",
        type=params.FILE_OR_URL,
        expose_value=False,
        callback=keep,
        help="Read this backup, a file or a URL of backup --to, instead of the ledger in use.",
    )(sample.option(command))


def archive_given() -> Path | str | None:
    """Return the file or the URL that `--ledger` names on this command line, None for the ledger in use."""
    context = click.get_current_context(silent=True)
    archive: Path | str | None = context.meta.get(_ARCHIVE) if context else None
    return archive


@contextmanager
def reading(settings: Settings) -> Iterator[LogSource]:
    """Yield the log that a command reads, opened read-only, and close it.

    With `--ledger` it is that file, verified whole first, or found to be one that was; no ledger is opened then.

    Raises: as `active` does, and as opening an `EventLog` does; as `read_archive` and `places.as_file` do.
    """
    if (archive := archive_given()) is not None:
        # Imported here: only a command that is given a file pays for its reader.
        from projections.store.archive_cache import read_archive

        with places.as_file(archive) as path:
            cache, hashing = _kept_of(path)
            yield read_archive(path, cache, hashing=hashing)
        return
    home = active(settings).home
    with EventLog(home, now=lambda: clock.now_us(settings, reading=True), readonly=True) as log:
        yield log


def answered(settings: Settings, work: Callable[[LogSource, View], Answer]) -> Answer:
    """Return what `work` makes of the log in use and of its read models as of its head; it does nothing but that.

    Of a large archive it may be called twice: beside the hash that proves the file, so that it must print nothing,
    write nothing and take nothing that is gone the second time. What it says is said behind the hash.

    Raises: as `reading`, `view_of` and `work` do.
    """
    if (archive := archive_given()) is not None:
        from projections.store import archive_cache

        with places.as_file(archive) as path, _said_once_proven(work) as quiet:
            cache, hashing = _kept_of(path)
            return archive_cache.answered(path, cache, quiet, hashing=hashing)
    with reading(settings) as log, view_of(log) as view:
        return work(log, view)


@contextmanager
def _said_once_proven(
    work: Callable[[LogSource, View], Answer],
) -> Iterator[Callable[[LogSource, View], Answer]]:
    """Give `work`; what it says over a file that is hashed meanwhile is said behind the block, if that was proven."""
    from projections.store.archive_cache import LikelyArchive

    said: list[output.Words] = []
    likely: list[LikelyArchive] = []

    def quiet(log: LogSource, view: View) -> Answer:
        if not isinstance(log, LikelyArchive):
            return work(log, view)
        likely.append(log)
        with output.held_back(said):
            return work(log, view)

    try:
        yield quiet
    finally:
        if any(log.was_proven for log in likely):
            for one in said:
                output.say(one.words, explains=one.explains)


def _kept_of(path: Path) -> "tuple[Path | None, HashBeside | None]":
    """Return where what is worked out of the archive at `path` is kept, and its hash, under way; None: neither."""
    from cli.context import early_hash
    from projections.store.archive_cache import cache_folder

    cache = cache_folder() if click.get_current_context().meta.get(_CACHED, False) else None
    if cache is None:
        early_hash.end()
        return None, None
    return cache, early_hash.of(path)


def folder_of(log: LogSource) -> Path | None:
    """Return the ledger folder in which read models of `log` are stored, None for a log that has no folder."""
    return log.folder if isinstance(log, EventLog) else None


def read_at(settings: Settings, log: LogSource) -> int:
    """Return the time at which a command reads `log`: the clock of a sample stands still, after its last event."""
    now_us = clock.now_us(settings, reading=True, sample=created(log).kind == "sample")
    if settings.b3_ledger_now is not None or created(log).kind != "sample":
        return now_us
    # An older version recorded a sample by the machine's clock.
    return max(now_us, recorded_at(log, log.head().size - 1))


@contextmanager
def viewing(settings: Settings) -> Iterator[View]:
    """Yield the read models of the log in use, as of its head; see `view_of`.

    Raises: as `reading` and `projections.store.runner.open_view` do.
    """
    with reading(settings) as log, view_of(log) as view:
        yield view


@contextmanager
def view_of(log: LogSource) -> Iterator[View]:
    """Yield the read models of `log` as of its head: stored or cached ones where there are, else folded aside."""
    if archive_given() is not None:
        from projections.store.archive_cache import CachedArchive

        if isinstance(log, CachedArchive):
            with log.view() as view:
                yield view
            return
    with open_view(log, folder_of(log)) as view:
        yield view
