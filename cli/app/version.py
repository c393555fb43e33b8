"""The installed version, as `main --version` prints it."""

import click

PACKAGE = "b3-ledger"
UNKNOWN = "0+unknown"


def installed() -> str:
    """Return the installed version, `0+unknown` when the code runs uninstalled."""
    # Imported here: it takes as long to import as click itself.
    from importlib import metadata

    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def _show(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's call
    if value and not context.resilient_parsing:
        click.echo(f"{PACKAGE} {installed()}")
        context.exit()


# Adds the option `--version` to a command; it prints the version and exits.
option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show, help="Print the version and exit."
)
