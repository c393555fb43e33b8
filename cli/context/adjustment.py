"""Prices adjusted for corporate actions: which are asked for, and what is said where not all of them are known."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.app import settings
from ledger.errors import NothingToShowError
from ledger.market.series import Series
from ledger.market.ticker import TickerError, normalize
from projections.api.faces import python_column, row_type_of
from projections.api.rows import AdjustedPrice, Price
from projections.store.store import View

if TYPE_CHECKING:
    from projections.queries.adjusted import AdjustmentRule, AdjustmentScope, KnownActions

F = TypeVar("F", bound=Callable[..., object])

SCOPES = ("splits", "all")
FOR_ALL = SCOPES[-1]
WHAT_TELLS_OF_ACTIONS = "some: main import-actions FILE, or main --provider b3 --ticker T, or main --ticker T"


class ScopeType(click.Choice[str]):
    """What prices are adjusted for; whoever wrote a ticker behind the option is told where it goes."""

    def __init__(self) -> None:
        super().__init__(SCOPES)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the scope, or refuse what is none."""
        if value not in SCOPES:
            with suppress(TickerError):
                normalize(value)
                command = ctx.command_path if ctx else "main"
                self.fail(f"got {value!r}, want splits or all, or nothing: {command} {value} --adjusted", param, ctx)
        return super().convert(value, param, ctx)


def adjusted_option(helping: str) -> Callable[[F], F]:
    """Give a command the option `--adjusted`, which alone is for all actions."""
    return click.option("--adjusted", type=ScopeType(), is_flag=False, flag_value=FOR_ALL, help=helping)


def rule(scope: "AdjustmentScope") -> "AdjustmentRule":
    """Return the rule that adjusts for `scope`, by the word of those of ACTION_SOURCES."""
    # Imported here: exact fractions cost as much as everything else that prices need.
    from projections.queries.adjusted import AdjustmentRule

    return AdjustmentRule(scope, settings.load().action_sources)


def known(view: View, series: Series, position: int, rows: Sequence[Price]) -> "KnownActions | None":
    """Return what is known of the actions of the series' ticker once `position` events are read.

    None where every one of `rows` is adjusted: there is nothing to be said of it then, and it costs all decisions.
    """
    if not _without_factor(rows):
        return None
    from projections.queries.adjusted import known_actions

    return known_actions(view.state, series, "as_traded", position, rule("all"))


def require_adjusted(rows: Sequence[Price], ticker: str, by: "KnownActions | None") -> None:
    """Return where one of the rows at least is adjusted, or none was to be.

    Raises: NothingToShowError, so that no raw price goes by an adjusted name.
    """
    if len(_without_factor(rows)) < len(rows):
        return
    unsized = None if by is None else by.unsized
    since = "" if unsized is None else f" since {unsized.named}, of which nobody knows the size,"
    message = f"no corporate actions{since} to adjust {ticker} by"
    raise NothingToShowError(message, wanted=WHAT_TELLS_OF_ACTIONS)


def unadjusted(rows: Sequence[Price], by: "KnownActions | None") -> str | None:
    """Return how many sessions are older than what is known of actions, None where none is."""
    old = _without_factor(rows)
    if not old:
        return None
    why = "of their dividends and splits nothing is known"
    if by is not None and by.unsized is not None:
        why = f"nobody knows the size of {by.unsized.named}; main actions --disputed, main import-actions FILE"
    return f"{len(old)} sessions until {old[-1]} are not adjusted: {why}"


def _without_factor(rows: Sequence[Price]) -> list[date]:
    """Return the days of rows that were to be adjusted and are not."""
    if not rows or not issubclass(row_type_of(rows), AdjustedPrice):
        return []
    factors = zip(python_column(rows, "date"), python_column(rows, "factor"), strict=True)
    return [day for day, factor in factors if factor is None]
