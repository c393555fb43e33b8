"""The one mapping from what went wrong to an exit code and a hint, and how an error is printed.

Exit codes are the monitoring plugins' convention; a signal ends with 128 + its number.
"""

import os
import re
from collections.abc import Sequence
from shlex import join, quote

import click
import msgspec

from cli.app import output, usage
from cli.app.clock import ClockRefusedError
from cli.app.errors import (
    AlertsLockedError,
    BarsFileError,
    ExportUnderWayError,
    ForeignObjectError,
    NoSuchEventError,
    NotAnExportError,
    NotImportedError,
    NotRetiredError,
    NotSeenError,
    TableRefusedError,
)
from cli.app.exit_codes import Exit
from cli.app.settings import SettingError, load
from cli.render.escaping import escaped
from ledger import errors
from ledger.audit.accept import NotAcceptableError
from ledger.checkpoint import errors as proof_errors
from ledger.claims import OtherLogError
from ledger.foreseen import UnforeseenError
from ledger.ingest.providers.port import ActionsFileError, DownloadError, NotFinalError, ProviderError
from ledger.limits import OutOfRangeError
from ledger.market.ticker import TickerError
from ledger.objects import errors as object_errors
from ledger.store.ceiling import ClockAheadError, LogAheadError
from ledger.store.mark import MarkedError
from ledger.urls import masked
from projections.api.extras import MissingExtraError, SqlRefusedError


class ExitRule(msgspec.Struct, frozen=True):
    """How the command line ends on a class of errors: its exit code and the hint under the message.

    `{field}` in the hint is a field of the error, shell-quoted, `{command}` the words after `main`, `{elsewhere}`
    these with another URL for the one that the error is about.
    """

    exit: Exit
    hint: str


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it is printed; with `--format json` this is the object on stdout."""

    status: str = "error"
    error_message: str
    hint: str
    exit_code: int


_KINDS: dict[int, str] = {Exit.WARNING: "warning", Exit.CRITICAL: "critical"}
_EXAMPLE = "PETR4.SA"
EXAMPLE_PLACE = "s3://bucket/prices"
_TICKER = re.compile(r"[A-Z0-9]{4,12}(?:@[-A-Z0-9]+)?(?:~[A-Z]{3})?\.SA\b")
_START = "main --ticker PETR4.SA, or without a network: main --no-network --ticker PETR4.SA"
_OF_FILES = "main import-cotahist --market all FILE"
# Advice to start a new ledger must not reach somebody who has just lost one.
_LOST_OR_NEW = f"if it was lost: main backup --restore --from FILE; the first one: {_START}"
_VERIFY = "main verify"
_STRUCTURE = "main verify --structure"
_ACCEPT = "main verify, then, once the cause is known: main accept-head --reason 'what happened' --yes"
_MARKED = "main verify, then main backup --list and main backup --restore --from FILE"
_EXTEND = "keep every checkpoint, nothing was signed; main verify --checkpoint FILE --key VKEY"
_UPGRADE = "main --version, then install the version that wrote this ledger"
_AGAIN = "main {command}"

EXIT_RULES: dict[type[BaseException], ExitRule] = {
    errors.LedgerError: ExitRule(Exit.CRITICAL, _VERIFY),
    errors.NoLedgerError: ExitRule(Exit.UNKNOWN, _LOST_OR_NEW),
    errors.NotALedgerError: ExitRule(Exit.CRITICAL, _STRUCTURE),
    errors.NewerFormatError: ExitRule(Exit.UNKNOWN, _UPGRADE),
    errors.UnwritableError: ExitRule(Exit.UNKNOWN, "ls -ld {path}"),
    errors.UnreadableError: ExitRule(Exit.UNKNOWN, "ls -ld {path}"),
    errors.ShortageError: ExitRule(Exit.UNKNOWN, f"ulimit -a, then: {_AGAIN}"),
    errors.MemoryShortageError: ExitRule(Exit.UNKNOWN, f"ulimit -v; free -m, then: {_AGAIN}"),
    errors.HandleShortageError: ExitRule(Exit.UNKNOWN, f"ulimit -n 1024, then: {_AGAIN}"),
    errors.ProcessShortageError: ExitRule(Exit.UNKNOWN, f"ulimit -u; ps -e | wc -l, then: {_AGAIN}"),
    errors.ReaderShortageError: ExitRule(Exit.UNKNOWN, f"ps -ef | grep main, and once fewer read: {_AGAIN}"),
    errors.KilledError: ExitRule(Exit.UNKNOWN, f"free -m, then: {_AGAIN}"),
    errors.NothingToShowError: ExitRule(Exit.UNKNOWN, _START),
    errors.ConflictError: ExitRule(Exit.UNKNOWN, _AGAIN),
    errors.LedgerReplacedError: ExitRule(Exit.UNKNOWN, _AGAIN),
    errors.ClosedLedgerError: ExitRule(Exit.UNKNOWN, _AGAIN),  # a notebook's: no command closes what it reads
    OtherLogError: ExitRule(Exit.UNKNOWN, _AGAIN),
    errors.AppendIdError: ExitRule(Exit.CRITICAL, _VERIFY),
    errors.BodyTooLargeError: ExitRule(Exit.CRITICAL, "ask for fewer days: main --ticker PETR4.SA --max-days 365"),
    OutOfRangeError: ExitRule(Exit.UNKNOWN, _AGAIN + ", with another name"),
    errors.DiskFullError: ExitRule(Exit.CRITICAL, "df -h {path}"),
    errors.StorageError: ExitRule(Exit.CRITICAL, _STRUCTURE),
    errors.ProviderClockError: ExitRule(Exit.CRITICAL, "date -u"),
    LogAheadError: ExitRule(Exit.CRITICAL, "date -u"),
    ClockAheadError: ExitRule(Exit.CRITICAL, "date -u, then, if it is right: main {command} --clock-ok"),
    errors.WriterLockError: ExitRule(Exit.UNKNOWN, "main health"),
    errors.TickerLockError: ExitRule(Exit.UNKNOWN, "main health"),
    errors.DamagedError: ExitRule(Exit.CRITICAL, _VERIFY),
    errors.UnknownEventError: ExitRule(Exit.UNKNOWN, _UPGRADE),
    errors.RolledBackError: ExitRule(Exit.CRITICAL, _ACCEPT),
    errors.ForkedError: ExitRule(Exit.CRITICAL, _ACCEPT),
    errors.AnchorDamagedError: ExitRule(Exit.CRITICAL, _ACCEPT),
    MarkedError: ExitRule(Exit.CRITICAL, _MARKED),
    NotAcceptableError: ExitRule(Exit.UNKNOWN, _VERIFY),
    NotFinalError: ExitRule(Exit.UNKNOWN, f"after {{again}}: {_AGAIN}"),
    errors.CotahistError: ExitRule(Exit.CRITICAL, "download the file again, then: main {command}"),
    DownloadError: ExitRule(Exit.CRITICAL, _AGAIN),
    ActionsFileError: ExitRule(Exit.CRITICAL, "main import-actions --help, then: main {command}"),
    errors.NoArchiveError: ExitRule(Exit.UNKNOWN, "main backup --list"),
    errors.NotAnArchiveError: ExitRule(Exit.CRITICAL, "main backup --list"),
    errors.ArchiveDamagedError: ExitRule(
        Exit.CRITICAL, "main backup --verify --from {path}, and another one: main backup --list"
    ),
    errors.ChecksumDamagedError: ExitRule(Exit.CRITICAL, "cat {path}"),
    errors.NameTakenError: ExitRule(Exit.UNKNOWN, "ls -l {path}, then choose another name with --out"),
    object_errors.PlaceError: ExitRule(Exit.UNKNOWN, "main {elsewhere}"),
    object_errors.NoPlaceError: ExitRule(Exit.UNKNOWN, f"mkdir -p {{path}}, or mount what it lies on, then: {_AGAIN}"),
    object_errors.StoreError: ExitRule(
        Exit.CRITICAL, f"env | grep -E '^(AWS|GOOGLE|AZURE)_' | cut -d= -f1, then: {_AGAIN}"
    ),
    object_errors.NoObjectError: ExitRule(Exit.UNKNOWN, "main backup --list --from {place}"),
    object_errors.ObjectDiffersError: ExitRule(
        Exit.CRITICAL, "find out who wrote it; a copy elsewhere: main backup --create --to ANOTHER-URL"
    ),
    object_errors.SegmentsError: ExitRule(Exit.CRITICAL, "main backup --list --from {url}"),
    errors.WrongKindError: ExitRule(Exit.UNKNOWN, "DATA_DIR=./another-folder main {command}"),
    errors.RestoreRefusedError: ExitRule(Exit.UNKNOWN, "main backup --restore --from {path} --yes"),
    errors.RollbackRefusedError: ExitRule(Exit.UNKNOWN, "main backup --restore --from {path} --rollback --yes"),
    errors.NothingToSalvageError: ExitRule(Exit.CRITICAL, "main backup --list"),
    proof_errors.KeyTextError: ExitRule(Exit.UNKNOWN, "main key --help"),
    proof_errors.KeyFileError: ExitRule(Exit.UNKNOWN, "ls -l {path}; chmod 600 {path}; main key new --out FILE"),
    proof_errors.KeyNameError: ExitRule(Exit.UNKNOWN, "main key new --name example.com/prices --out FILE"),
    proof_errors.NoteError: ExitRule(
        Exit.CRITICAL, "compare it with a copy kept elsewhere, and the key with its owner"
    ),
    proof_errors.TileError: ExitRule(Exit.CRITICAL, "find out who wrote to {path}, then: rm {path}; main {command}"),
    proof_errors.NotProvenError: ExitRule(Exit.CRITICAL, _VERIFY),
    proof_errors.NotCoveredError: ExitRule(Exit.UNKNOWN, "main checkpoint --key FILE"),
    proof_errors.NotAnExtensionError: ExitRule(Exit.CRITICAL, _EXTEND),
    proof_errors.OtherOriginError: ExitRule(Exit.CRITICAL, "main checkpoint --key FILE --out ANOTHER-FOLDER"),
    proof_errors.SignedElsewhereError: ExitRule(
        Exit.UNKNOWN, "find out which other machine signs there, then: main {command}"
    ),
    proof_errors.OtherLedgerError: ExitRule(Exit.CRITICAL, "main config, and compare DATA_DIR with what was meant"),
    proof_errors.NoAnswerError: ExitRule(Exit.WARNING, _AGAIN),
    proof_errors.CosignatureError: ExitRule(Exit.CRITICAL, _EXTEND),
    proof_errors.TimestampError: ExitRule(Exit.CRITICAL, "ask another authority, or compare --tsa-root with its own"),
    proof_errors.RootCertificateError: ExitRule(Exit.UNKNOWN, "head -n 1 {path}: -----BEGIN CERTIFICATE-----"),
    ProviderError: ExitRule(Exit.CRITICAL, "main test-conn --provider yfinance"),
    TickerError: ExitRule(Exit.UNKNOWN, "main --ticker PETR4.SA"),
    SettingError: ExitRule(Exit.UNKNOWN, "main config"),
    BarsFileError: ExitRule(Exit.CRITICAL, "sed -n {line}p {path}"),
    SqlRefusedError: ExitRule(Exit.UNKNOWN, 'main sql --help; main sql "describe prices"'),
    MissingExtraError: ExitRule(Exit.UNKNOWN, "pip install 'b3-ledger[{extra}]'"),
    NoSuchEventError: ExitRule(Exit.UNKNOWN, "main events --limit 1"),
    NotRetiredError: ExitRule(Exit.UNKNOWN, "main events --type series.retired --ticker {ticker}"),
    AlertsLockedError: ExitRule(Exit.UNKNOWN, "fuser -v {path}, and once it is done: main alerts"),
    NotSeenError: ExitRule(Exit.UNKNOWN, _UPGRADE),
    NotImportedError: ExitRule(Exit.UNKNOWN, "main import-cotahist --market all --download {period}"),
    TableRefusedError: ExitRule(Exit.CRITICAL, "main config; main verify; and for a new table another --out"),
    NotAnExportError: ExitRule(Exit.UNKNOWN, "ls -la {path}, then choose another folder with --out"),
    ForeignObjectError: ExitRule(Exit.UNKNOWN, "look what lies at {url}, then choose another place with --out"),
    ExportUnderWayError: ExitRule(Exit.UNKNOWN, f"once it is done: {_AGAIN}"),
    ClockRefusedError: ExitRule(Exit.UNKNOWN, "unset B3_LEDGER_NOW"),
    UnforeseenError: ExitRule(Exit.CRITICAL, f"LOG_LEVEL=DEBUG {_AGAIN}"),
    OSError: ExitRule(Exit.UNKNOWN, "ls -ld {filename}"),
}

MESSAGE_CHARS = 2_000  # a value that is quoted may be as long as a command line; the middle of it is left out

_INTERNAL = ExitRule(Exit.UNKNOWN, "LOG_LEVEL=DEBUG main {command}")
_UNPRINTED = ExitRule(Exit.UNKNOWN, f"df -h, then into a file on a disk with space: {_AGAIN}")


def report(error: Exception, args: Sequence[str]) -> int:
    """Print `error` as people and scripts expect it, and return its exit code.

    One line and a hint on stderr; the object too on stdout where `args` ask for JSON;
    the traceback only under LOG_LEVEL=DEBUG.
    """
    failure = describe(error, args)
    if isinstance(error, OSError) and error.filename is None and errors.is_disk_full(error):
        output.hang_up()  # click's own pages are still buffered
    try:
        log_level = load().log_level
    except (errors.LedgerError, OSError):
        log_level = os.environ.get("LOG_LEVEL", "").upper()
    if log_level == "DEBUG":
        # Imported here: only who asked for it sees it.
        import traceback

        output.say(masked("".join(traceback.format_exception(error)).rstrip()))
    output.say(f"error: {failure.error_message}")
    output.say(f"hint: {failure.hint}")
    style = output.asked_for_json(args)
    # Two arrays one after the other are no JSON.
    if style and not (style.array and output.began()):
        output.show([failure], style, text=str)
    return failure.exit_code


def ended(result: Exit, why: str) -> Exit:
    """Return the exit code of a command, once `why` stands on stderr where it is 1 or 2: cron mails it."""
    if (kind := _KINDS.get(result)) is not None:
        output.say(f"{kind}: {why}")
    return result


def explain(result: object, command: str) -> None:
    """Say on stderr that `command` ends with 1 or 2, where it has said nothing of that itself."""
    kind = _KINDS.get(result) if isinstance(result, int) else None
    if kind is not None and not output.explained():
        output.say(f"{kind}: {command}: exit code {result}, for what it printed on stdout")


def describe(error: Exception, args: Sequence[str] = ()) -> Failure:
    """Return how `error` is printed: `got X, want Y`, a hint that can be pasted, an exit code.

    `args` are the command's own, for hints that run it again.
    """
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context else "main"
        return Failure(error_message=_message(usage.message(error)), hint=f"{command} --help", exit_code=Exit.UNKNOWN)
    if not isinstance(error, errors.LedgerError):
        error = errors.shortage(error) or error
    rule = next((EXIT_RULES[cls] for cls in type(error).__mro__ if cls in EXIT_RULES), _INTERNAL)
    fields, message = vars(error), str(error)
    if isinstance(error, OSError):
        rule, fields, message = _of_the_system(error)
    elif not isinstance(error, errors.LedgerError):
        message = _internal(error)
    elif isinstance(error, errors.DiskFullError | errors.UnwritableError):
        # What could not be written may be gone by now: the hint names the nearest folder above it that exists.
        above = (error.path, *error.path.parents)
        fields = fields | {"path": next((path for path in above if os.path.lexists(path)), error.path)}
    if rule is EXIT_RULES[errors.NothingToShowError] and (ticker := _TICKER.search(message)):
        # The hint is about the ticker at hand; of what only the exchange's files tell no daily provider is asked.
        of_files = "@" in ticker[0] or "~" in ticker[0]
        rule = ExitRule(rule.exit, _OF_FILES if of_files else rule.hint.replace(_EXAMPLE, ticker[0]))
    again = {"command": join(args), "elsewhere": join(_elsewhere(args, str(fields.get("url", ""))))}
    quoted = {name: quote(str(value)) for name, value in fields.items()} | again
    return Failure(error_message=_message(message), hint=_one_line(rule.hint.format(**quoted)), exit_code=rule.exit)


def _elsewhere(args: Sequence[str], url: str) -> list[str]:
    """Return `args` with an example of a place for the `url`, which is masked."""
    found = []
    for one in args:
        option, equals, value = one.partition("=") if one.startswith("--") else ("", "", one)
        found.append(f"{option}{equals}{EXAMPLE_PLACE}" if masked(value) == url else one)
    return found


def _of_the_system(error: OSError) -> tuple[ExitRule, dict[str, object], str]:
    """Return the rule, the hint's fields and the message of an error of the operating system."""
    is_full = errors.is_disk_full(error)
    rule = EXIT_RULES[errors.DiskFullError] if is_full else EXIT_RULES[OSError]
    if error.filename is None:
        # Only what is printed has no name: whatever was to be recorded is.
        rule = _UNPRINTED if is_full or isinstance(error, output.StdoutError) else _INTERNAL
    path = error.filename or "."
    fields = {"filename": path, "path": path}
    if not error.strerror:
        return rule, fields, _internal(error)
    named = "stdout" if rule is _UNPRINTED else error.filename
    place = f" on {named}" if named else ""
    wanted = "free space" if is_full else "a file that this user can read and write"
    message = f"got {error.strerror!r}{place}, want {wanted}"
    return rule, fields, message


def _internal(error: Exception) -> str:
    return f"internal error: got {type(error).__name__}: {error}, want none"


def _message(words: str) -> str:
    line = _one_line(words)
    half = MESSAGE_CHARS // 2
    return line if len(line) <= MESSAGE_CHARS else f"{line[:half]}…{line[-half:]}"


def _one_line(message: str) -> str:
    return masked(escaped(" ".join(message.split())))
