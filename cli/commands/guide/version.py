"""`main version`: the installed version."""

import click

from cli.app import output
from cli.app import version as installed_version
from cli.app.exit_codes import Exit


@click.command(
    epilog="""\b
Examples:
  main version

\b
Exit codes: 0 printed.
"""
)
def version() -> int:
    """Print the version, as --version does."""
    output.raw(f"{installed_version.PACKAGE} {installed_version.installed()}\n".encode())
    return Exit.OK
