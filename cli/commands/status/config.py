"""`main config`: the settings in force and their origin."""

from shlex import quote

import click
from msgspec.structs import replace

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import InForce


@click.command(
    epilog="""\b
Examples:
  main config
  LOG_LEVEL=DEBUG main config --format json

\b
Exit codes: 0 all settings hold, 3 one cannot be parsed (it is printed all the same).
"""
)
@output.style_options
def config(style: Style) -> int:
    """Print the settings in force and where each comes from.

    A setting is taken from the environment, else from .env in the working
    folder, else it has its default. What is printed may serve as a .env, but
    for secrets: of an address that may hold one only the host is shown.
    """
    given = settings.in_force()
    rows = (
        entry if entry.value is None else replace(entry, value=settings.shown(setting, entry.value))
        for setting, entry in zip(settings.REGISTRY, given, strict=True)
    )
    output.show(rows, style, text=text)
    settings.parse(given)
    return Exit.OK


def text(setting: InForce) -> str:
    """Return the setting as a line of a .env file."""
    value = quote(setting.value) if setting.value else ""
    return f"{setting.name}={value}  # {setting.origin}: {setting.purpose}"
