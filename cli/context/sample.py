"""`--sample`: the sample's ledger is the one in use, even where a real one exists."""

from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])

_WANTED = f"{__name__}.wanted"


def option(command: F) -> F:
    """Give `command` the option; `is_wanted` then says whether it was given."""

    def keep(context: click.Context, _parameter: click.Parameter, given: bool) -> None:  # noqa: FBT001 - click's call
        if given:
            context.meta[_WANTED] = True

    return click.option(
        "--sample", is_flag=True, expose_value=False, callback=keep, help="Use the sample's ledger, not the real one."
    )(command)


def is_wanted() -> bool:
    """Return whether this command line asks for the sample's ledger."""
    context = click.get_current_context(silent=True)
    return context is not None and _WANTED in context.meta
