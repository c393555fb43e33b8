"""What click refuses, said the way this house says it: `got X, want Y`."""

import click

OURS = "got "


def message(error: click.ClickException) -> str:
    """Return one lower-case line for `error`."""
    if isinstance(error, click.NoSuchOption):
        near = " or ".join(error.possibilities or ()) or "one that --help lists"
        return f"got option {error.option_name}, want {near}"
    if isinstance(error, click.MissingParameter):
        return f"got no {_name(error)}, want one"
    if isinstance(error, click.BadParameter) and error.message.startswith(OURS):
        return f"{error.message} ({_name(error)})"
    if error.message.startswith(OURS):
        return error.message
    said = error.format_message().rstrip(".")
    return said[:1].lower() + said[1:]


def _name(error: click.BadParameter) -> str:
    parameter = error.param
    if parameter is None:
        return "argument"
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
