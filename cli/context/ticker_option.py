"""The ticker of a command: `--ticker T`, or T alone."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cli.context.params import TICKER
from ledger.market.ticker import TickerError, normalize

F = TypeVar("F", bound=Callable[..., object])

_ALONE = f"{__name__}.alone"


class _TickerOption(click.Option):
    """`--ticker`, or else the words that stand without it."""

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, ParameterSource]:
        value, source = super().consume_value(ctx, opts)
        alone: tuple[str, ...] = ctx.meta.pop(_ALONE, ())
        if not alone:
            return value, source
        if source is ParameterSource.COMMANDLINE:
            ctx.fail(f"got --ticker and {alone[0]}, want the ticker once")
        if not self.multiple and len(alone) > 1:
            ctx.fail(f"got {' and '.join(alone)}, want one ticker")
        return (alone if self.multiple else alone[0]), ParameterSource.COMMANDLINE


def option(purpose: str, *, required: bool = False, multiple: bool = False) -> Callable[[F], F]:
    """Return what gives a command `--ticker`, as its `ticker` or `tickers`, and the same as a word of its own."""

    def keep(context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> None:
        if words:
            context.meta[_ALONE] = words

    def decorate(command: F) -> F:
        alone = click.argument(
            "alone",
            metavar="[TICKER]..." if multiple else "TICKER" if required else "[TICKER]",
            nargs=-1,
            type=TICKER,
            is_eager=True,  # read before `--ticker`, which takes it over
            expose_value=False,
            callback=keep,
        )
        names = ("--ticker", "tickers" if multiple else "ticker")
        as_option = click.option(
            *names, cls=_TickerOption, type=TICKER, required=required, multiple=multiple, help=purpose
        )
        return as_option(alone(command))

    return decorate


class TickerGroup(click.Group):
    """A group that is a command too: a word that is none of its commands is its ticker."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options, with `--ticker` in front of a ticker that stands alone."""
        _, words, _ = self.make_parser(ctx).parse_args(list(args))
        if words and words[0] not in self.commands and is_ticker(words[0]):
            begun = len(args) - len(words)
            args = [*args[:begun], "--ticker", *args[begun:]]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` name, or refuse the name."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            ctx.fail(f"got {args[0]!r}, want a ticker or {' or '.join(self.commands)}")
        return super().resolve_command(ctx, args)


def is_ticker(word: str) -> bool:
    """Return whether the word names a ticker."""
    try:
        normalize(word)
    except TickerError:
        return False
    return True
