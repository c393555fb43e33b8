"""click's own refusals, reworded as every message of this program is: `got X, want Y`."""

import re

import click

OURS = "got "
_PATH = re.compile(r"\w+ ('.*') (is a directory|is a file|is not readable)\.", re.DOTALL)
_PATHS = {
    "is a directory": "got a folder at {}, want a file",
    "is a file": "got a file at {}, want a folder",
    "is not readable": "got no permission to read {}, want a readable file",
}
CLICKS = " is not "


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
    if isinstance(error, click.BadParameter) and (path := _PATH.fullmatch(error.message)):
        return f"{_PATHS[path[2]].format(path[1])} ({_name(error)})"
    if isinstance(error, click.BadParameter) and CLICKS in error.message:
        # `'x' is not one of ...` becomes `got 'x', want one of ...`.
        got, _, want = error.message.rstrip(".").partition(CLICKS)
        return f"got {got}, want {'one ' if want.startswith('in ') else ''}{want} ({_name(error)})"
    original = error.format_message().rstrip(".")
    return original[:1].lower() + original[1:]


def _name(error: click.BadParameter) -> str:
    parameter = error.param
    if parameter is None:
        return "argument"
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
