"""The port: how a provider describes itself, and what ingest asks of any of them. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from ledger.errors import LedgerError
from ledger.ingest.rules.reading import Reading
from ledger.market.quotation import DescribedSessions, Listing, Quotation
from ledger.values import (
    Answer,
    Bar,
    Basis,
    ErrorKind,
    Identity,
    LedgerKind,
    RawAction,
    RawBar,
    Request,
    Source,
    Window,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ledger.market.quotation_columns import QuotationColumns

ANSWER_MAX_BYTES = 12 * 1024 * 1024  # of a live answer, unless its reader is given another bound


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that were recorded once: the last session in them, and when they came (microseconds UTC)."""

    last_day: date
    recorded_at: int


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's own facts, readable with no connection and no library loaded.

    Its code is named as `module:attribute` and loaded when first used: `rows` is a `RowReader`, `reading` a
    `BodyReader` (None: there is nothing but rows), `lines` a `LineReader`, `live` a `Callable[[Access], Provider]`.
    `quotations` is a `QuotationReader` and `listings` a `ListingReader`, both None where bars are all that it sends.
    `quotation_columns` is a `QuotationColumnReader`, None where each answer is read by itself.
    `closes` is a `CloseReader` of a provider of actions that gives the close before each.
    `rank` returns the rank of an answer from its evidence; without it the last answer stands. `former_readings` are the
    `BodyReader`s of what older versions of its code recorded, by version.
    """

    name: str  # in every event and output
    basis: Basis
    rows: str
    reading: str | None = None
    rank: str | None = None
    former_readings: dict[str, str] = {}
    exchange: str | None = None  # its code for B3; None where its answers name no exchange
    lines: str | None = None  # for bodies of text, a session a line
    quotations: str | None = None
    quotation_columns: str | None = None
    listings: str | None = None
    listing_columns: str | None = None
    closes: str | None = None
    names_actions: bool = False  # whether an answer without actions says that there were none
    has_sessions: bool = True  # whether it has prices; False for one that tells of corporate actions alone
    withdraws_actions: bool = False  # whether its word that an action is none counts against other providers too
    live: str | None = None  # None: nobody can be asked, a person brings its answers
    base_url_setting: str | None = None  # the variable that puts a mirror or proxy in place of its hosts
    recording: Recording | None = None  # for synthetic prices, which have a ledger of their own

    @property
    def brought_by_hand(self) -> bool:
        """Whether a person brings its answers, as files: exempt from lag alarms."""
        return self.live is None

    @property
    def kind(self) -> LedgerKind:
        """The kind of ledger that its answers belong in."""
        return "real" if self.recording is None else "sample"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What a live provider may use of this machine: a cache folder of its own, the clock, an address."""

    cache_dir: Path
    now: Callable[[], int]  # microseconds UTC
    base_url: str | None = None  # in place of every host of the provider's
    answer_max_bytes: int = ANSWER_MAX_BYTES  # unpacked


class BodyError(ValueError):
    """A recorded body cannot be read in the format of the provider that it is recorded from."""


RowReader = Callable[[bytes], tuple[RawBar, ...]]
"""Returns every row of a body in its order, duplicates and nulls (as NaN, adjusted close and volume as None) kept.

It raises BodyError for a body in another format, and nothing else.
"""

BodyReader = Callable[[bytes], Reading]
"""Returns all that a body says: its rows as `RowReader` does, its actions as sent, the length of its bars.

It raises BodyError for a body in another format, and nothing else: an action that cannot be read is an offer at fault.
"""

LineReader = Callable[[bytes, date], tuple[str, ...]]
"""Returns the lines of a text body that hold one session."""

CloseReader = Callable[[bytes], dict[date, frozenset[int]]]
"""Returns the closes, in millionths of a real a share, that a body gives beside its actions, by their day.

It raises BodyError for a body in another format, and nothing else.
"""

QuotationReader = Callable[[bytes, Mapping[date, Bar]], Iterator[Quotation]]
"""Yields what a body says of the session of each bar beyond what the bar holds.

It raises BodyError for a body in another format, and nothing else.
"""

QuotationColumnReader = Callable[[Sequence[bytes], "NDArray[np.int64]", "NDArray[np.int64]"], "QuotationColumns | None"]
"""Returns what a `QuotationReader` yields of sessions of many bodies at once: which body each is of, and its day.

Days are since 1970-01-01. None where only a `QuotationReader` can tell; it raises nothing.
"""

ListingReader = Callable[[bytes, Mapping[date, Bar]], Mapping[date, Listing]]
"""Returns how a body describes the instrument in the session of each bar, in its order; it raises as the other."""

ListingColumnReader = Callable[[Sequence[bytes]], "list[DescribedSessions | None]"]
"""Returns how each of many bodies describes all of its sessions; None for one of which only a `ListingReader` can tell.

It raises nothing.
"""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's answer and what its library made of it; becomes `fetch.succeeded`."""

    request: Request
    source: Source
    answer: Answer
    identity: Identity
    bars: tuple[RawBar, ...]
    actions: tuple[RawAction, ...]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One cheap question to a provider; `error_kind` None when it answered well."""

    latency_ms: int
    error_kind: ErrorKind | None = None
    message: str | None = None


class NotFinalError(LedgerError):
    """A file may lack quotes of its last session, which was not final when it was made; nothing of it was appended.

    `again` is a UTC time from which on it can be imported.
    """

    def __init__(self, name: str, *, session: date, made_on: date, again: str) -> None:
        super().__init__(f"got {name} made on {made_on}, want its session of {session} final: from {again} on")
        self.name, self.session, self.made_on, self.again = name, session, made_on, again


class ProviderError(LedgerError):
    """A provider brought no usable answer; `kind` is how it failed."""

    def __init__(  # noqa: PLR0913 - an error carries what it knows
        self,
        kind: ErrorKind,
        message: str,
        *,
        request: Request,
        status_code: int | None = None,
        retry_after_s: int | None = None,
        http_date: int | None = None,
        answer: Answer | None = None,
    ) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.request = request
        self.status_code = status_code
        self.retry_after_s = retry_after_s
        self.http_date = http_date
        self.answer = answer


class DownloadError(LedgerError):
    """A file of the exchange's did not come; `kind` is how it failed. What came of it waits for the next attempt."""

    def __init__(self, kind: ErrorKind, name: str, host: str, *, found: str, wanted: str) -> None:
        super().__init__(f"got {found} for {name} from {host}, want {wanted}")
        self.kind, self.name, self.host = kind, name, host


class ActionsFileError(LedgerError):
    """A file of corporate actions cannot be read; nothing of it was appended."""

    def __init__(self, name: str, *, line: int | None, column: str | None, found: str, wanted: str) -> None:
        place = name if line is None else f"column {column}, line {line} of {name}"
        super().__init__(f"got {found} in {place}, want {wanted}")
        self.name, self.line, self.column, self.found, self.wanted = name, line, column, found, wanted


class Provider(Protocol):
    """Where daily bars come from. Implementations keep no state between calls that answers could leak through."""

    @property
    def name(self) -> str:
        """Its description's name, under which its answers are recorded."""
        ...

    def fetch(self, ticker: str, window: Window, *, timeout_s: float) -> Fetched:
        """Return the provider's answer for `ticker` over `window`, within `timeout_s`.

        An answer with no rows is returned as such: only ingest knows whether sessions were due.

        Raises: ProviderError for every other way to fail.
        """
        ...

    def probe(self, *, timeout_s: float) -> Probe:
        """Ask one cheap question and say how it went; never raises for the network's sake."""
        ...
