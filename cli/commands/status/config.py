"""`main config`: the settings in force and their origin."""

from shlex import quote

import click
from msgspec.structs import replace

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import InForce
from ledger.urls import masked


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
    folder, else it has its default. What is printed may serve as a .env.
    """
    given = settings.in_force()
    output.show(map(shown, given), style, text=text)
    settings.parse(given)
    return Exit.OK


def shown(setting: InForce) -> InForce:
    """Return the setting as it may be printed: no user, password or query of a URL."""
    return setting if setting.value is None else replace(setting, value=masked(setting.value))


def text(setting: InForce) -> str:
    """Return the setting as a line of a .env file."""
    value = quote(setting.value) if setting.value else ""
    return f"{setting.name}={value}  # {setting.origin}: {setting.purpose}"
