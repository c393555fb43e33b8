"""What the witnesses of corporate actions say against each other, ticker by ticker. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from ledger.ingest.providers import registry
from ledger.market.price import amount_text
from ledger.values import Action
from projections.actions.taped import tape
from projections.actions.witnessed import (
    ActionFamily,
    WitnessedAction,
    WitnessState,
    ratio,
    size,
    witnessed,
)
from projections.fold.tables import State
from projections.models import metrics, prices
from projections.queries.adjusted import told

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


class DisputeCount(msgspec.Struct, frozen=True):
    """How many actions of all tickers are told alike, by one alone, and otherwise."""

    agreed: int = 0
    single: int = 0
    differs: int = 0
    unsized: int = 0


def tickers(state: State) -> list[str]:
    """Return the tickers of whose actions more can be said than one provider of prices says; one scan of tallies."""
    named: dict[str, list[str]] = {}
    for run in metrics.runs(state[metrics.NAME]):
        if registry.names_actions(run.provider):
            named.setdefault(run.ticker, []).append(run.provider)
    return sorted(
        ticker
        for ticker, providers in named.items()
        if len(set(providers)) > 1 or not registry.has_sessions(providers[0])
    )


def seen(state: State, ticker: str, position: int | None = None, order: Sequence[str] = ()) -> list[WitnessedAction]:
    """Return what is told of the ticker's actions once `position` events are read (None: all), as its witnesses do."""
    return witnessed(told(state[prices.NAME], ticker, position, order), tape(state, ticker, position))


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


def counts(state: State, order: Sequence[str] = ()) -> DisputeCount:
    """Return how all that is told of actions agrees; costs the decisions on the tickers of `tickers`."""
    found = [one.state for ticker in tickers(state) for one in seen(state, ticker, order=order)]
    return DisputeCount(**{name: found.count(name) for name in ("agreed", "single", "differs", "unsized")})


def doubted(state: State, order: Sequence[str] = ()) -> int:
    """Return how many actions the witnesses differ on, or know no size of; costs the decisions on those tickers."""
    found = counts(state, order)
    return found.differs + found.unsized


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
