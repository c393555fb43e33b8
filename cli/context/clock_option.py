"""The option `--clock-ok`: a person vouches for a clock that is far past the log."""

from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])

_ALLOWED = f"{__name__}.allowed"


def option(command: F) -> F:
    """Give `command` the option `--clock-ok`, which `is_allowed` reads."""
    return click.option(
        "--clock-ok",
        is_flag=True,
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({_ALLOWED: value}),
        help="Append although the clock is over 35 days past the last event and nothing vouches for it.",
    )(command)


def is_allowed() -> bool:
    """Whether `--clock-ok` was given on this command line."""
    context = click.get_current_context(silent=True)
    return bool(context.meta.get(_ALLOWED)) if context else False
