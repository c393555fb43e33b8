"""Options placed in front of a subcommand, where click would silently ignore them."""

import click
from click.core import ParameterSource


def refuse(context: click.Context) -> None:
    """Refuse any option given to a group that only dispatches to a subcommand, naming the right place for it."""
    for parameter in context.command.params:
        if is_given(context, parameter.name):
            name, option = context.invoked_subcommand, parameter.opts[0]
            context.fail(f"got {option} in front of {name}, want it after: {context.command_path} {name} {option}")


def is_given(context: click.Context, name: str | None) -> bool:
    """Return whether the parameter was on the command line, and is not its default."""
    return name is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
