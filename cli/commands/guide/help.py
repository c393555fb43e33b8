"""`main help`: the help of a command, as `--help` prints it."""

import click

from cli.app import output
from cli.app.exit_codes import Exit


@click.command(
    epilog="""\b
Examples:
  main help
  main help prices
  main help metrics last-date

\b
Exit codes: 0 printed, 3 no such command.
"""
)
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help(context: click.Context, /, words: tuple[str, ...]) -> int:  # noqa: A001 - the command's own name
    """Show the help of a command, or of the program."""
    shown = context.find_root()
    for word in words:
        below = shown.command
        if not isinstance(below, click.Group):
            context.fail(f"got {word!r} after {shown.command_path}, want no more words")
        _, command, _ = below.resolve_command(shown, [word])
        if command is not None:
            shown = click.Context(command, parent=shown, info_name=word, **command.context_settings)
    output.raw(f"{shown.get_help()}\n".encode())
    return Exit.OK
