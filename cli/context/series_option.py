"""The series that a command reads: prices of two providers are never mixed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from cli.app import settings
from ledger.errors import NothingToShowError
from ledger.market.series import Series
from projections.fold.tables import State
from projections.models import decisions, prices
from projections.queries.sources import pick

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., object])


def source_option(command: F) -> F:
    """Give `command` the option `--source`."""
    return click.option(
        "--source",
        shell_complete=_offered,
        help="The provider whose series to read.  [default: the first of PRICE_SOURCES that has one]",
    )(command)


def _offered(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    # Imported here, as in `cli.context.params`.
    from cli.context import completing

    return completing.offered(completing.sources, incomplete)


def one(state: State, ticker: str, source: str | None) -> Series:
    """Return the ticker's series: the `source`'s, else that of the first of PRICE_SOURCES that has one.

    Raises: NothingToShowError where there is none.
    """
    return _preferred(some(state, ticker, source))


def some(state: State, ticker: str | None, source: str | None) -> tuple[Series, ...]:
    """Return every series (of the ticker, of the `source`, where given), by ticker and provider.

    Raises: NothingToShowError where there is none.
    """
    known = prices.all_series(state["prices"], ticker)
    found = tuple(series for series in known if source in {None, series.provider})
    if not found:
        named = f"no series of {ticker or 'any ticker'}"
        raise NothingToShowError(named if source is None else f"{named} from {source}", wanted=_wanted(known))
    return found


def judged(state: State, ticker: str, source: str | None) -> Series:
    """Return the ticker's series as `one` does, but also one whose every answer was rejected.

    Raises: NothingToShowError where no answer was ever judged.
    """
    found = [Series(ticker, provider) for provider in decisions.judged(state["prices"], ticker)]
    wanted = [series for series in found if source in {None, series.provider}]
    if not wanted:
        raise NothingToShowError(f"no decision over {ticker}", wanted=_wanted(tuple(found)))
    return _preferred(wanted)


def _wanted(known: tuple[Series, ...]) -> str:
    providers = sorted({series.provider for series in known})
    return f"one from {' or '.join(providers)}" if providers else "one that was ingested"


def _preferred(found: Sequence[Series]) -> Series:
    """Return the one of a ticker's series whose provider the policy picks."""
    provider = pick([series.provider for series in found], settings.load().price_sources)
    return next(series for series in found if series.provider == provider)
