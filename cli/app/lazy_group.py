"""A click group that lists its commands from a table and imports a command only when it runs."""

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.app import group_options
from cli.terminal.help_page import HelpPage

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The page of every command: a context makes its own, and click asks each command for its class of contexts.
click.Context.formatter_class = HelpPage


class CommandEntry(msgspec.Struct, frozen=True):
    """A subcommand: its name, its module, and its summary and group in the list of commands.

    In the module the command has its own name, with underscores for hyphens.
    """

    name: str
    module: str
    summary: str
    group: str

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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options in front of a command; one that the command has is refused by its right place."""
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption as error:
            name = next((arg for arg in args if arg in self.entries), None)
            if name is not None and any(error.option_name in one.opts for one in self.entries[name].load().params):
                ctx.fail(group_options.misplaced(ctx, error.option_name, name))
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` name, or refuse the name and suggest the closest ones."""
        if args[0] not in self.entries and not ctx.resilient_parsing:
            # Imported here, as completion is below: a command that is spelled correctly needs neither.
            from difflib import get_close_matches

            from ledger.market.ticker import TickerError, normalize

            if near := get_close_matches(args[0], self.entries):
                ctx.fail(f"got command {args[0]!r}, want {' or '.join(near)}")
            wanted = f"one that {ctx.command_path} --help lists"
            with suppress(TickerError):
                wanted = f"--ticker {normalize(args[0])}"
            ctx.fail(f"got command {args[0]!r}, want {wanted}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the table, group by group."""
        column = max((len(name) for name in self.entries), default=0)
        for group in dict.fromkeys(entry.group for entry in self.entries.values()):
            with formatter.section(group):
                formatter.write_dl(
                    [(f"{one.name:<{column}}", one.summary) for one in self.entries.values() if one.group == group]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return the names, then the options, that begin with `incomplete`."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(entry.name, help=entry.summary)
            for entry in self.entries.values()
            if entry.name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)
