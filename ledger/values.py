"""What events are made of: windows, answers, bars, actions, findings, one frozen struct each.

Times are int microseconds UTC; trading dates are days in America/Sao_Paulo.
Prices as a provider gave them are floats; accepted prices are `int` millionths of a real.

Source: docs/format.md, "Events".
"""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# Ranges that no version of this software ever left: what lies outside them is damage, on whatever it is met.
Time = Annotated[int, Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]  # years 1 to 9999
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Shares = Annotated[int, Meta(ge=1, le=2**63 - 1)]  # one side of a ratio
Id = Annotated[bytes, Meta(min_length=16, max_length=16)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]

LedgerKind = Literal["real", "sample"]
ErrorKind = Literal[
    "rate-limit",
    "timeout",
    "connection",
    "not-found",
    "bad-answer",
    "empty",
    "locked",
    "interrupted",
    "internal",
]
Verdict = Literal["success", "warning", "rejected", "superseded"]
ACCEPTED: frozenset[Verdict] = frozenset({"success", "warning"})
Basis = Literal["split_adjusted", "as_traded"]
RawActionKind = Literal["dividend", "split", "capital_gain"]
ActionKind = Literal[
    "dividend",
    "interest_on_capital",
    "income",
    "amortization",
    "capital_gain",
    "split",
    "bonus",
    "grouping",
    "subscription",
    "spin_off",
    "redemption",
]
Coverage = Literal["day", "month", "year"]


class Window(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Trading days from `start` to `end`, both inclusive."""

    start: date
    end: date


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a provider; `params` holds every parameter that reached the wire."""

    ticker: str
    window: Window
    params: dict[str, str] = {}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who answered: the library and its version, and the HTTP facts where there was HTTP."""

    library: str
    version: str
    http_status: int | None = None
    http_date: Time | None = None  # the provider's own clock, microseconds UTC


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's answer byte for byte: `body` is its zlib stream, `sha256` is of the plain bytes."""

    body: bytes
    body_bytes: Count  # length before compression
    sha256: Hash


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says its series is; None where it says nothing."""

    symbol: str | None = None
    currency: str | None = None
    exchange: str | None = None
    timezone: str | None = None


class RawBar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One session as a library handed it over: nothing rounded, NaN where it had none."""

    date: date
    open: float
    high: float
    low: float
    close: float
    adj_close: float | None
    volume: float | int | None


class RawAction(msgspec.Struct, frozen=True, array_like=True):
    """A corporate action as handed over: reais a share for a dividend, new/old shares for a split."""

    date: date
    kind: RawActionKind
    value: float


class Bar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted trading session of one ticker; prices in millionths of a real."""

    date: date
    open: int
    high: int
    low: int
    close: int
    adj_close: int | None  # None where the provider has no adjusted series
    volume: int  # shares, >= 0


class Action(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A canonical corporate action, first traded without its right on `ex_date`.

    `amount` is 10^-12 of the `currency` per share: what is paid in cash, None for a split, bonus, grouping or
    subscription. The ratio is None for cash: `denominator` shares before become `numerator` shares after, or give the
    right to that many new ones (subscription). `strike` is the price of a new share, 10^-12 of the currency.
    """

    ex_date: date
    kind: ActionKind
    amount: int | None
    numerator: int | None
    denominator: int | None
    currency: str
    com_date: date | None = None  # the last day traded with the right
    pay_date: date | None = None
    isin: str | None = None
    label: str | None = None
    strike: int | None = None


class Rank(msgspec.Struct, frozen=True, array_like=True):
    """How a file stands among others about the same days: when it was made, and what the dates inside cover."""

    made_on: date
    coverage: Coverage


class Finding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a rule says of one row (or of the whole batch: `date` None)."""

    rule: str
    date: date | None
    detail: str


class PrunedFile(msgspec.Struct, frozen=True, array_like=True):
    """A backup that was given up, as it was read last."""

    name: str
    archive_bytes: Count
    sha256: Hash


class EventCount(msgspec.Struct, frozen=True, array_like=True):
    """How many events of a kind (an event tag or a stream) an archive holds."""

    name: str
    events: Count
