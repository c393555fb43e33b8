"""What a provider's own reader makes of a recorded body, nothing merged, rounded or left out. Pure."""

from datetime import date
from typing import Self

import msgspec

from ledger.market.price import split_ratio
from ledger.values import Action, ActionKind, Identity, Rank, RawAction, RawBar, Window


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A corporate action as an answer has it: an amount per share, or a ratio of new to old shares.

    `currency` is None where the answer names none. `fault` says why nothing can be made of it, None where it is well.
    `exact` is the whole action, where its provider writes decimals and more than floats hold.
    """

    date: date | None
    kind: ActionKind
    amount: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    currency: str | None = None
    fault: str | None = None
    exact: Action | None = None

    @classmethod
    def of(cls, raw: RawAction) -> Self:
        """Return the action that a library handed over, a split's ratio read back from its quotient."""
        if raw.kind != "split":
            return cls(date=raw.date, kind=raw.kind, amount=raw.value)
        try:
            numerator, denominator = split_ratio(raw.value)
        except ValueError:
            return cls(date=raw.date, kind=raw.kind, fault=f"got split {raw.value}")
        return cls(date=raw.date, kind=raw.kind, numerator=numerator, denominator=denominator)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One body, read: `granularity` and `first_day` are None where it does not say.

    `names_currency` is whether the format names the currency of its rows, `every_session` whether it has a row of every
    session, and not of those alone in which something was traded. `foreign` are the days whose row is in a currency of
    its own. `identity` is what it says of its series, None in what it says nothing of. `rank` is how it stands among
    other answers about the same days, None where the last one stands. `all_actions_of` are the days of which it names
    every action, though it has no rows.
    """

    rows: tuple[RawBar, ...] = ()
    offers: tuple[Offer, ...] = ()
    granularity: str | None = None  # the length of a bar, as 1d
    names_currency: bool = False
    every_session: bool = True
    foreign: dict[date, str] = {}
    first_day: date | None = None  # of the whole series, before which no session is due
    identity: Identity = Identity()
    rank: Rank | None = None
    all_actions_of: Window | None = None


NOTHING_READ = Reading()
