"""Every error has its exit code and a hint that can be pasted."""

import errno
import inspect
from pathlib import Path
from string import Formatter

import click
import pytest

from cli.app import exits
from cli.app.clock import ClockRefusedError
from cli.app.exit_codes import Exit
from cli.app.exits import EXIT_RULES, Failure, describe
from cli.app.settings import SettingError
from ledger import errors
from ledger.market.ticker import TickerError
from ledger.objects.errors import PlaceError

PATH = Path("/srv/my data")
LINK = bytes(32)


@pytest.mark.parametrize(
    ("error", "exit_code", "hint"),
    [
        (errors.NoLedgerError(PATH), Exit.UNKNOWN, exits.EXIT_RULES[errors.NoLedgerError].hint),
        (errors.NotALedgerError(PATH, "text"), Exit.CRITICAL, "main verify --structure"),
        (errors.UnreadableError(PATH, "Permission denied"), Exit.UNKNOWN, "ls -ld '/srv/my data'"),
        (errors.WriterLockError(PATH, waited_s=1, holder_pid=7), Exit.UNKNOWN, "main health"),
        (errors.DamagedError(3, "link", expected="a", found="b"), Exit.CRITICAL, "main verify"),
        (errors.LedgerError("got a future error, want an old one"), Exit.CRITICAL, "main verify"),
        (TickerError("../../x"), Exit.UNKNOWN, "main --ticker PETR4.SA"),
        (
            errors.NothingToShowError("no series of VALE3.SA", wanted="one"),
            Exit.UNKNOWN,
            "main --ticker VALE3.SA, or without a network: main --no-network --ticker VALE3.SA",
        ),
        (
            errors.NothingToShowError("no series of BBASA45@2024-11-14.SA", wanted="one"),
            Exit.UNKNOWN,
            "main import-cotahist --market all FILE",
        ),
        (
            errors.NothingToShowError("no series of PETR4~BRR.SA", wanted="one"),
            Exit.UNKNOWN,
            "main import-cotahist --market all FILE",
        ),
        (ClockRefusedError(), Exit.UNKNOWN, "unset B3_LEDGER_NOW"),
        (
            SettingError("LOG_LEVEL", value="x", expected="y", origin="environment"),
            Exit.UNKNOWN,
            "main config",
        ),
    ],
)
def test_an_error_of_ours_keeps_its_message(error: errors.LedgerError, exit_code: Exit, hint: str) -> None:
    """The class wrote the message; paths in a hint are quoted for the shell."""
    assert Failure(error_message=str(error), hint=hint, exit_code=exit_code) == describe(error)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            OSError(errno.EACCES, "Permission denied", "/x"),
            Failure(
                error_message="got 'Permission denied' on /x, want a file that this user can read and write",
                hint="ls -ld /x",
                exit_code=Exit.UNKNOWN,
            ),
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            Failure(
                error_message="got 'No space left on device' on stdout, want free space",
                hint="df -h, then into a file on a disk with space: main events 'a b'",
                exit_code=Exit.UNKNOWN,
            ),
        ),
        (
            KeyError("two\nlines"),
            Failure(
                error_message=r"internal error: got KeyError: 'two\nlines', want none",
                hint="LOG_LEVEL=DEBUG main events 'a b'",
                exit_code=Exit.UNKNOWN,
            ),
        ),
        (
            click.UsageError("Missing command.\nReally."),
            Failure(error_message="missing command. Really", hint="main --help", exit_code=Exit.UNKNOWN),
        ),
    ],
)
def test_an_error_of_others_becomes_one_line(error: Exception, failure: Failure) -> None:
    """The system's, click's, and those that nobody foresaw."""
    assert failure == describe(error, ["events", "a b"])


def test_a_message_ends_however_long_the_value_that_it_quotes() -> None:
    """A command line of a megabyte is one short line."""
    message = describe(errors.LedgerError(f"got {'9' * 10**6}, want less")).error_message
    assert f"got {'9' * 996}…{'9' * 989}, want less" == message


@pytest.mark.parametrize("beyond", ["", "ledger-1.new/data.mdb"])
def test_a_place_that_takes_no_writing_can_be_looked_at(beyond: str, tmp_path: Path) -> None:
    """What was being written there may be gone again: the hint names the nearest folder that is left."""
    place = tmp_path / "my data"
    place.mkdir()
    assert f"df -h '{place}'" == describe(errors.DiskFullError(place / beyond)).hint
    assert f"ls -ld '{place}'" == describe(errors.UnwritableError(place / beyond, "Permission denied")).hint


def test_every_class_of_the_error_catalogue_has_a_line_of_its_own() -> None:
    """A new error class comes with a decision on its exit code."""
    classes = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.LedgerError)}
    assert set() == classes - EXIT_RULES.keys()


def test_every_hint_names_fields_that_its_error_has() -> None:
    """No error can fail on its own hint."""
    for cls, rule in EXIT_RULES.items():
        wanted = {name for _, name, _, _ in Formatter().parse(rule.hint) if name} - {"command", "elsewhere"}
        if issubclass(cls, OSError):
            wanted -= {"path", "filename"}
        assert not wanted or wanted <= inspect.signature(cls).parameters.keys(), cls


@pytest.mark.parametrize(
    ("args", "again"),
    [
        (["backup", "--create", "--to", "ftp://x/y"], "backup --create --to s3://bucket/prices"),
        (["export", "--format", "csv", "--out=ftp://x/y"], "export --format csv --out=s3://bucket/prices"),
        (["verify", "ftp://x/y"], "verify s3://bucket/prices"),
    ],
)
def test_a_place_that_is_none_is_told_with_the_command_at_hand(args: list[str], again: str) -> None:
    """Another URL in its place; whatever it hid stays hidden."""
    assert f"main {again}" == describe(PlaceError("ftp://x/y", "another scheme", wanted="one of ours"), args).hint
    secret = [one.replace("x/y", "u:pw@x/y") for one in args]
    assert f"main {again}" == describe(PlaceError("ftp://u:pw@x/y", "a user", wanted="none"), secret).hint
