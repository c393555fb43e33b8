"""Options placed in front of a subcommand, where click would silently ignore them."""

import click
from click.core import ParameterSource


def refuse(context: click.Context, *, but: frozenset[str] = frozenset()) -> None:
    """Refuse any option given to a group that only dispatches to a subcommand, naming the right place for it.

    `but` are the names of parameters that belong in front of one.
    """
    for parameter in context.command.params:
        if parameter.name not in but and is_given(context, parameter.name):
            context.fail(misplaced(context, parameter.opts[0], context.invoked_subcommand))


def misplaced(context: click.Context, option: str, name: str | None) -> str:
    """Return what is said of an option in front of the subcommand `name`."""
    return f"got {option} in front of {name}, want it after: {context.command_path} {name} {option}"


def is_given(context: click.Context, name: str | None) -> bool:
    """Return whether the parameter was on the command line, and is not its default."""
    return name is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
