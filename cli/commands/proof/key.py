"""`main key`: the key that signs checkpoints, and what others check its signatures with."""

from pathlib import Path

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params
from ledger.checkpoint.errors import KeyNameError
from ledger.checkpoint.key_file import read_key, write_key
from ledger.checkpoint.note import SigningKey, new_key
from ledger.checkpoint.statement import origin_of
from ledger.errors import NoLedgerError
from ledger.log_source import created
from ledger.store.event_log import EventLog

FILE = params.FILE


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A signing key's file, and what others need of it: `key` is the verifier key."""

    name: str
    key_id: str
    key: str
    file: str


@click.group(
    invoke_without_command=True,
    subcommand_metavar="new|show",
    epilog="""\b
Examples:
  main key new --out ~/b3-ledger.key
  main key show ~/b3-ledger.key

\b
Exit codes: 0 made, or printed; 3 refused, and nothing was written.
""",
)
@click.pass_context
def key(context: click.Context) -> None:
    """Make the key that signs checkpoints; print what others check its signatures with."""
    if context.invoked_subcommand is None:
        context.fail("got no subcommand, want new or show")


@key.command(
    short_help="Make a new Ed25519 key and print its verifier key.",
    epilog="""\b
Examples:
  main key new --out ~/b3-ledger.key
  main key new --out ~/b3-ledger.key --name example.com/prices

\b
Exit codes: 0 made; 3 refused, and nothing was written: a name that is taken, or no ledger and no --name.
""",
)
@click.option("--out", type=FILE, required=True, help="The new file; readable by you alone.")
@click.option("--name", help="Who signs.  [default: b3-ledger/ and the id of the ledger in use]")
@output.style_options
def new(out: Path, name: str | None, style: Style) -> int:
    """Make a new Ed25519 key and print its verifier key, which others need.

    The file is in the form of signed notes, mode 0600. Keep a copy of it where the ledger is not:
    whoever has it can sign in its name.
    """
    if not name:
        try:
            home = ledgers.active(settings.load()).home
        except NoLedgerError as error:
            raise KeyNameError from error
        with EventLog(home, now=int, readonly=True) as log:
            name = origin_of(created(log).ledger_id, None)
    made = new_key(name)
    write_key(out, made)
    output.report([_row(made, out)], style, text=lambda row: row.key)
    return Exit.OK


@key.command(
    epilog="""\b
Examples:
  main key show ~/b3-ledger.key
  main key show ~/b3-ledger.key --format json

\b
Exit codes: 0 printed; 3 no such file, no key in it, or one that others may read.
"""
)
@click.argument("file", type=FILE)
@output.style_options
def show(file: Path, style: Style) -> int:
    """Print the verifier key of a signing key: name, id and public key."""
    output.show([_row(read_key(file), file)], style, text=lambda row: row.key)
    return Exit.OK


def _row(made: SigningKey, file: Path) -> KeyRow:
    verifier = made.verifier()
    return KeyRow(name=made.name, key_id=verifier.key_id.hex(), key=str(verifier), file=str(file))
