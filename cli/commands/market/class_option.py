"""The option `--class`: only instruments of one class."""

from collections.abc import Callable
from typing import TypeVar, get_args

import click

from ledger.market.asset_class import AssetClass

F = TypeVar("F", bound=Callable[..., object])


def class_option(command: F) -> F:
    """Give `command` the option `--class`, as its `asset_class`."""
    classes = get_args(AssetClass)
    return click.option(
        "--class",
        "asset_class",
        type=click.Choice(classes),
        metavar="CLASS",
        help=f"Only instruments of this class: {', '.join(classes)}.",
    )(command)
