"""Options in front of every command, as other tools have them: `-C DIR`, `-q`, `-v`."""

import os
from collections.abc import Callable
from typing import TypeVar

import click

from cli.app import output

F = TypeVar("F", bound=Callable[..., object])

# Where the settings that these set are kept, in click's context.
OPTIONS = f"{__name__}.settings"
QUIET = "ERROR"
VERBOSE = "DEBUG"
# By the names of their parameters.
BEFORE_A_COMMAND = frozenset({"folders", "quiet", "verbose", "sample"})


def options(command: F) -> F:
    """Give the root `command` the options; each takes effect as it is read, before any path or setting is."""
    folder = click.option(
        "-C",
        "folders",
        metavar="DIR",
        multiple=True,
        is_eager=True,
        expose_value=False,
        callback=_go_to,
        help="Work in this folder, as if started there.",
    )
    quiet = _level("-q", "--quiet", QUIET, "Say errors only.")
    verbose = _level("-v", "--verbose", VERBOSE, "Say every step, with all that is known of it.")
    return folder(quiet(verbose(command)))


def _go_to(context: click.Context, _parameter: click.Parameter, folders: tuple[str, ...]) -> None:
    for folder in folders:
        try:
            os.chdir(folder)
        except OSError as error:
            if not context.resilient_parsing:
                context.fail(f"got {error.strerror!r} on {folder}, want a folder to work in (-C)")


def _level(short: str, long: str, level: str, purpose: str) -> Callable[[F], F]:
    def keep(context: click.Context, _parameter: click.Parameter, given: bool) -> None:  # noqa: FBT001 - click's call
        if given:
            context.meta[OPTIONS] = {"LOG_LEVEL": level}
            context.meta[output.QUIET] = level == QUIET

    return click.option(short, long, is_flag=True, is_eager=True, expose_value=False, callback=keep, help=purpose)
