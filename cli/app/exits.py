"""The one mapping from what went wrong to an exit code and a hint, and how an error is printed.

Exit codes are the monitoring plugins' convention; a signal ends with 128 + its number.
"""

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import join, quote

import click
import msgspec

from cli.app import output, usage
from cli.app.clock import ClockRefusedError
from cli.app.errors import BarsFileError, NotAnExportError
from cli.app.exit_codes import Exit
from cli.app.settings import SettingError, load
from ledger import errors
from ledger.audit.accept import NotAcceptableError
from ledger.checkpoint import errors as proof_errors
from ledger.ingest.providers.port import ProviderError
from ledger.market.ticker import TickerError
from projections.api.extras import MissingExtraError


class Outcome(msgspec.Struct, frozen=True):
    """How the command line ends on an error.

    `{field}` in the hint is a field of the error, shell-quoted, `{command}` the words after `main`.
    """

    exit: Exit
    hint: str


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it is printed; with `--format json` this is the object on stdout."""

    status: str = "error"
    error_message: str
    hint: str
    exit_code: int


_START = "main --ticker PETR4.SA, or without a network: main --no-network --ticker PETR4.SA"
# Whoever lost a ledger must not be told to begin another one in its place.
_LOST_OR_NEW = f"if it was lost: main backup --restore --from FILE; the first one: {_START}"
_VERIFY = "main verify"
_STRUCTURE = "main verify --structure"
_ACCEPT = "main verify, then, once the cause is known: main accept-head --reason 'what happened' --yes"
_EXTEND = "keep every checkpoint, nothing was signed; main verify --checkpoint FILE --key VKEY"
_UPGRADE = "main --version, then install the version that wrote this ledger"
_AGAIN = "main {command}"

OUTCOMES: dict[type[BaseException], Outcome] = {
    errors.LedgerError: Outcome(Exit.CRITICAL, _VERIFY),
    errors.NoLedgerError: Outcome(Exit.UNKNOWN, _LOST_OR_NEW),
    errors.NotALedgerError: Outcome(Exit.CRITICAL, _STRUCTURE),
    errors.NewerFormatError: Outcome(Exit.UNKNOWN, _UPGRADE),
    errors.UnwritableError: Outcome(Exit.UNKNOWN, "ls -ld {path}"),
    errors.UnreadableError: Outcome(Exit.UNKNOWN, "ls -ld {path}"),
    errors.NothingToShowError: Outcome(Exit.UNKNOWN, _START),
    errors.ConflictError: Outcome(Exit.UNKNOWN, _AGAIN),
    errors.LedgerReplacedError: Outcome(Exit.UNKNOWN, _AGAIN),
    errors.AppendIdError: Outcome(Exit.CRITICAL, _VERIFY),
    errors.BodyTooLargeError: Outcome(Exit.CRITICAL, "ask for fewer days: main --ticker PETR4.SA --max-days 365"),
    errors.DiskFullError: Outcome(Exit.CRITICAL, "df -h {path}"),
    errors.StorageError: Outcome(Exit.CRITICAL, _STRUCTURE),
    errors.ProviderClockError: Outcome(Exit.CRITICAL, "date -u"),
    errors.WriterLockError: Outcome(Exit.UNKNOWN, "main health"),
    errors.TickerLockError: Outcome(Exit.UNKNOWN, "main health"),
    errors.DamagedError: Outcome(Exit.CRITICAL, _VERIFY),
    errors.UnknownEventError: Outcome(Exit.UNKNOWN, _UPGRADE),
    errors.RolledBackError: Outcome(Exit.CRITICAL, _ACCEPT),
    errors.ForkedError: Outcome(Exit.CRITICAL, _ACCEPT),
    errors.AnchorDamagedError: Outcome(Exit.CRITICAL, _ACCEPT),
    NotAcceptableError: Outcome(Exit.UNKNOWN, _VERIFY),
    errors.CotahistError: Outcome(Exit.CRITICAL, "download the file again, then: main {command}"),
    errors.NoArchiveError: Outcome(Exit.UNKNOWN, "main backup --list"),
    errors.NotAnArchiveError: Outcome(Exit.CRITICAL, "main backup --list"),
    errors.ArchiveDamagedError: Outcome(Exit.CRITICAL, "main verify {path}, and another one: main backup --list"),
    errors.ChecksumDamagedError: Outcome(Exit.CRITICAL, "cat {path}"),
    errors.NameTakenError: Outcome(Exit.UNKNOWN, "ls -l {path}, then choose another name with --out"),
    errors.WrongKindError: Outcome(Exit.UNKNOWN, "DATA_DIR=./another-folder main {command}"),
    errors.RestoreRefusedError: Outcome(Exit.UNKNOWN, "main backup --restore --from {path} --yes"),
    errors.RollbackRefusedError: Outcome(Exit.UNKNOWN, "main backup --restore --from {path} --rollback --yes"),
    errors.NothingToSalvageError: Outcome(Exit.CRITICAL, "main backup --list"),
    proof_errors.KeyTextError: Outcome(Exit.UNKNOWN, "main key --help"),
    proof_errors.KeyFileError: Outcome(Exit.UNKNOWN, "ls -l {path}; chmod 600 {path}; main key new --out FILE"),
    proof_errors.KeyNameError: Outcome(Exit.UNKNOWN, "main key new --name example.com/prices --out FILE"),
    proof_errors.NoteError: Outcome(Exit.CRITICAL, "compare it with a copy kept elsewhere, and the key with its owner"),
    proof_errors.TileError: Outcome(Exit.CRITICAL, "find out who wrote to {path}, then: rm {path}; main {command}"),
    proof_errors.NotProvenError: Outcome(Exit.CRITICAL, _VERIFY),
    proof_errors.NotCoveredError: Outcome(Exit.UNKNOWN, "main checkpoint --key FILE"),
    proof_errors.NotAnExtensionError: Outcome(Exit.CRITICAL, _EXTEND),
    proof_errors.OtherOriginError: Outcome(Exit.CRITICAL, "main checkpoint --key FILE --out ANOTHER-FOLDER"),
    proof_errors.OtherLedgerError: Outcome(Exit.CRITICAL, "main config, and compare DATA_DIR with what was meant"),
    ProviderError: Outcome(Exit.CRITICAL, "main test-conn --provider yfinance"),
    TickerError: Outcome(Exit.UNKNOWN, "main --ticker PETR4.SA"),
    SettingError: Outcome(Exit.UNKNOWN, "main config"),
    BarsFileError: Outcome(Exit.CRITICAL, "sed -n {line}p {path}"),
    MissingExtraError: Outcome(Exit.UNKNOWN, "pip install 'b3-ledger[{extra}]'"),
    NotAnExportError: Outcome(Exit.UNKNOWN, "ls -la {path}, then choose another folder with --out"),
    ClockRefusedError: Outcome(Exit.UNKNOWN, "unset B3_LEDGER_NOW"),
    OSError: Outcome(Exit.UNKNOWN, "ls -ld {filename}"),
}

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_INTERNAL = Outcome(Exit.UNKNOWN, "LOG_LEVEL=DEBUG main {command}")


def report(error: Exception, args: Sequence[str]) -> int:
    """Print `error` as people and scripts expect it, and return its exit code.

    One line and a hint on stderr; the object too on stdout where `args` ask for JSON;
    the traceback only under LOG_LEVEL=DEBUG.
    """
    failure = describe(error, args)
    if _debugging():
        sys.excepthook(type(error), error, error.__traceback__)
    output.say(f"error: {failure.error_message}")
    output.say(f"hint: {failure.hint}")
    if style := output.asked_for_json(args):
        output.show([failure], style, text=str)
    return failure.exit_code


def describe(error: Exception, args: Sequence[str] = ()) -> Failure:
    """Return how `error` is printed: `got X, want Y`, a hint that can be pasted, an exit code.

    `args` are the command's own, for hints that run it again.
    """
    if isinstance(error, click.ClickException):
        return _usage(error)
    outcome = _outcome(error)
    fields = {name: quote(str(value)) for name, value in _fields(error).items()} | {"command": join(args)}
    return Failure(error_message=_one_line(_message(error)), hint=outcome.hint.format(**fields), exit_code=outcome.exit)


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return OUTCOMES[errors.DiskFullError]
        if error.filename is None:
            return _INTERNAL
    return next((OUTCOMES[cls] for cls in type(error).__mro__ if cls in OUTCOMES), _INTERNAL)


def _fields(error: Exception) -> dict[str, object]:
    if isinstance(error, OSError):
        path = error.filename or "."
        return {"filename": path, "path": path}
    if isinstance(error, errors.DiskFullError | errors.UnwritableError):
        return vars(error) | {"path": _standing(error.path)}
    return vars(error)


def _standing(path: Path) -> Path:
    """Return `path` or the nearest folder above it that is there: what could not be written may be gone again."""
    return next((one for one in (path, *path.parents) if os.path.lexists(one)), path)


def _message(error: Exception) -> str:
    if isinstance(error, errors.LedgerError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = f" on {error.filename}" if error.filename else ""
        wanted = "free space" if error.errno in _FULL else "a file that this user can read and write"
        return f"got {error.strerror!r}{place}, want {wanted}"
    return f"internal error: got {type(error).__name__}: {error}, want none"


def _usage(error: click.ClickException) -> Failure:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "main"
    return Failure(
        error_message=_one_line(usage.message(error)),
        hint=f"{command} --help",
        exit_code=Exit.UNKNOWN,
    )


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _debugging() -> bool:
    try:
        return load().log_level == "DEBUG"
    except (errors.LedgerError, OSError):
        return os.environ.get("LOG_LEVEL", "").upper() == "DEBUG"
