"""A click group that lists its commands from a table and imports a command only when it runs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class CommandEntry(msgspec.Struct, frozen=True):
    """A subcommand: its name, its module, and its summary in the list of commands.

    In the module the command has its own name, with underscores for hyphens.
    """

    name: str
    module: str
    summary: str

    def load(self) -> click.Command:
        """Return the command, importing its module."""
        command: click.Command = getattr(import_module(self.module), self.name.replace("-", "_"))
        return command


class LazyGroup(click.Group):
    """A group over a table of entries: help and completion read only the table."""

    def __init__(self, *args: Any, entries: tuple[CommandEntry, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the table's order."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command of that name, imported now, None where there is none."""
        entry = self.entries.get(cmd_name)
        return entry.load() if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` name, or refuse the name and suggest the closest ones."""
        if args[0] not in self.entries and not ctx.resilient_parsing:
            # Imported here, as completion is below: a command that is spelled correctly needs neither.
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.entries) or list(self.entries)
            ctx.fail(f"got command {args[0]!r}, want {' or '.join(near)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in self.entries.values()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return the names, then the options, that begin with `incomplete`."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(entry.name, help=entry.summary)
            for entry in self.entries.values()
            if entry.name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)
