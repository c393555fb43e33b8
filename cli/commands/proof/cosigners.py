"""Witnesses on the command line: where they are asked, by which keys they answer, and how many have to."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from cli.app.settings import Settings
from cli.commands.proof.keys import WITNESS_KEY
from cli.commands.proof.timestamps import UrlType
from ledger.checkpoint.errors import NoteError
from ledger.checkpoint.note import VerifierKey
from ledger.checkpoint.outside.cosignature import cosignatures
from ledger.checkpoint.outside.witnessing import AskedWitness

F = TypeVar("F", bound=Callable[..., object])


def witness_options(command: F) -> F:
    """Give `command` the options `--witness` and `--witness-key`, which `asked` reads."""
    witness = click.option(
        "--witness",
        type=UrlType(),
        multiple=True,
        expose_value=False,
        callback=_keep,
        help="Have it cosigned by the witness at this URL (C2SP tlog-witness). May be repeated.",
    )
    return witness(_key_option(command))


def policy_options(command: F) -> F:
    """Give `command` the options `--witness-key` and `--witnesses`, which `policy` reads."""
    count = click.option(
        "--witnesses",
        type=click.IntRange(min=1),
        expose_value=False,
        callback=_keep,
        help="How many of them must have cosigned the checkpoint.  [default: all]",
    )
    return _key_option(count(command))


def _key_option(command: F) -> F:
    return click.option(
        "--witness-key",
        type=WITNESS_KEY,
        multiple=True,
        expose_value=False,
        callback=_keep,
        help="The key of a known witness, or a file that holds it. May be repeated.",
    )(command)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"{__name__}.{parameter.name}"] = value


def _given(context: click.Context, name: str) -> Any:
    return context.meta[f"{__name__}.{name}"]


def asked(context: click.Context, given: Settings) -> tuple[AskedWitness, ...]:
    """Return the witnesses to ask; a usage error for URLs without keys, or the reverse."""
    urls, keys = _given(context, "witness"), _given(context, "witness_key")
    if bool(urls) != bool(keys):
        context.fail("got --witness or --witness-key alone, want both")
    timeout_s = given.adapter_timeout_seconds
    return tuple(AskedWitness(url=url, keys=keys, timeout_s=timeout_s) for url in dict.fromkeys(urls))


class Policy:
    """How many of which witnesses must have cosigned a checkpoint."""

    def __init__(self, keys: Sequence[VerifierKey], count: int) -> None:
        self._keys, self._count = keys, count

    def __bool__(self) -> bool:
        """Whether anybody must have."""
        return self._count > 0

    def check(self, note: bytes) -> None:
        """Return quietly when enough of them cosigned `note`.

        Raises: NoteError.
        """
        found = len(cosignatures(note, self._keys)) if self._keys else 0
        if found < self._count:
            known = len({key.public for key in self._keys})
            raise NoteError(f"a checkpoint that {found} of {known} known witnesses cosigned", wanted=f"{self._count}")


def policy(context: click.Context) -> Policy:
    """Return who must have cosigned; a usage error for more witnesses than keys."""
    keys: tuple[VerifierKey, ...] = _given(context, "witness_key")
    count: int | None = _given(context, "witnesses")
    known = len({key.public for key in keys})
    if count is not None and count > known:
        context.fail(f"got --witnesses {count} with {known} keys, want a --witness-key for each of them at least")
    return Policy(keys, known if count is None else count)
