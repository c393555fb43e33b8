"""Timestamps on the command line: the authority that is asked, and the root certificates that one has to be under."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.app.settings import Settings
from cli.context import params
from ledger.checkpoint.outside.exchange import is_askable
from ledger.checkpoint.outside.stamping import Authority
from ledger.checkpoint.outside.timestamp import read_roots
from ledger.urls import masked

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

F = TypeVar("F", bound=Callable[..., object])


class UrlType(click.ParamType[str]):
    """An http or https URL; what it hides is shown by no message."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL, or refuse what is none."""
        if not is_askable(value):
            self.fail(f"got {masked(value)!r}, want an http or https URL", param, ctx)
        return value


def root_option(command: F) -> F:
    """Give `command` the option `--tsa-root`, which `roots` reads."""
    return click.option(
        "--tsa-root",
        type=params.FILE,
        expose_value=False,
        callback=_keep,
        help="The root certificate, in PEM, that a timestamp's authority must be under.",
    )(command)


def authority_options(command: F) -> F:
    """Give `command` the options `--timestamp` and `--tsa-root`, which `authority` reads."""
    timestamp = click.option(
        "--timestamp",
        type=UrlType(),
        expose_value=False,
        callback=_keep,
        help="Have it dated by the RFC 3161 authority at this URL.",
    )
    return timestamp(root_option(command))


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"{__name__}.{parameter.name}"] = value


def roots(context: click.Context) -> "tuple[Certificate, ...] | None":
    """Return the certificates that were named, None where none were.

    Raises: RootCertificateError; UnreadableError.
    """
    path: Path | None = context.meta[f"{__name__}.tsa_root"]
    return None if path is None else read_roots(path)


def authority(context: click.Context, given: Settings) -> Authority | None:
    """Return who is to be asked for a timestamp, None for nobody; a usage error for one of the options alone.

    Raises: as `roots` does.
    """
    url: str | None = context.meta[f"{__name__}.timestamp"]
    trusted = roots(context)
    if url is None and trusted is None:
        return None
    if url is None or trusted is None:
        context.fail("got --timestamp or --tsa-root alone, want both")
    return Authority(url=url, roots=trusted, timeout_s=given.adapter_timeout_seconds)
