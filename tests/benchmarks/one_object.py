"""What a benchmark of its own prints: one JSON object, of what it measured in a folder that goes afterwards."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import msgspec


def print_measured(measure: Callable[[Path], object]) -> None:
    """Print what `measure` returns of an empty folder beside the working one."""
    with tempfile.TemporaryDirectory(prefix="b3-ledger-bench-", dir=".") as name:
        report = measure(Path(name).resolve())
    click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
