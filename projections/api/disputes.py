"""What the witnesses of corporate actions say against each other, ticker by ticker. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec
from msgspec.structs import replace

from ledger.log_source import LogSource
from ledger.market.price import amount_text
from ledger.market.series import Series
from ledger.values import Action
from projections.actions.taped import tape, tickers
from projections.actions.witnessed import (
    ActionFamily,
    DisputeCount,
    WitnessedAction,
    WitnessState,
    ratio,
    size,
    witnessed,
)
from projections.fold.tables import State
from projections.market.quotations import closes
from projections.models import prices
from projections.queries.adjusted import asked, told

IN_DOUBT: frozenset[WitnessState] = frozenset({"differs", "unsized"})


class DisputedAction(msgspec.Struct, frozen=True, kw_only=True):
    """One family of actions of one day: whose value counts, and what each witness says.

    Sizes are reais per share as traded, or shares after:before; of a subscription new:held and the price of a new one.
    `told` has the size by provider, `-` where it names none. `reason` says what is in doubt.
    """

    ticker: str
    date: date
    family: ActionFamily
    state: WitnessState
    provider: str | None
    size: str
    told: dict[str, str]
    reason: str | None


def seen(
    log: LogSource, state: State, ticker: str, position: int | None = None, order: Sequence[str] = ()
) -> list[WitnessedAction]:
    """Return what is told of the ticker's actions once `position` events are read (None: all), as its witnesses do.

    What nobody names counts from when somebody was asked on, as for adjusted prices; of one nobody was asked for, all.

    Raises: DamagedError where what was recorded cannot be read again.
    """
    tables = state[prices.NAME]
    words = [
        replace(one, closes=closes(log, tables, Series(ticker, one.provider), position))
        for one in told(tables, ticker, position, order)
    ]
    since = min(asked(tables, ticker, words, position), default=date.min)
    found = witnessed(words, tape(state, ticker, position))
    return [one for one in found if one.family != "unnamed" or one.ex_date > since]


def rows(ticker: str, found: Sequence[WitnessedAction]) -> Iterator[DisputedAction]:
    """Yield a row for each of `found`, all of one ticker."""
    for one in found:
        yield DisputedAction(
            ticker=ticker,
            date=one.ex_date,
            family=one.family,
            state=one.state,
            provider=one.provider,
            size=size_text(one.actions),
            told={name: size_text(actions) for name, actions in one.told.items()},
            reason=one.reason,
        )


def counts(
    log: LogSource, state: State, names: Iterable[str], position: int | None = None, order: Sequence[str] = ()
) -> dict[str, DisputeCount]:
    """Return how many actions of each of the tickers `names` are open; costs what is known of each.

    Raises: as `seen`.
    """
    found = {name: [one.state for one in seen(log, state, name, position, order) if one.is_open] for name in names}
    return {name: DisputeCount(some.count("differs"), some.count("unsized")) for name, some in found.items()}


def counted(log: LogSource, state: State, order: Sequence[str] = ()) -> DisputeCount:
    """Return how many actions of all tickers are open.

    Raises: as `seen`.
    """
    return sum(counts(log, state, tickers(state), order=order).values(), start=DisputeCount())


def size_text(actions: Sequence[Action]) -> str:
    """Return the size of one family's actions as people write it, `-` where it has none."""
    known = size(actions) if actions else None
    if known is None:
        return "-"
    if actions[0].kind == "subscription":
        new, worth = known
        return f"{new.numerator}:{new.denominator} at {amount_text(round(worth / new))}"
    if actions[0].amount is None:
        became = ratio(actions)
        return f"{became.numerator}:{became.denominator}"
    return amount_text(sum(one.amount or 0 for one in actions))
