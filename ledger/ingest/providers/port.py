"""The port: what ingest asks of a provider, whoever it is."""

from typing import Protocol

import msgspec

from ledger.errors import LedgerError
from ledger.events import (
    Answer,
    Basis,
    ErrorKind,
    Identity,
    RawAction,
    RawBar,
    Request,
    Source,
    Window,
)


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


class ProviderError(LedgerError):
    """A provider brought no usable answer; `kind` says which way it failed."""

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


class Provider(Protocol):
    """Where daily bars come from. Implementations keep no state between calls that answers could leak through."""

    @property
    def name(self) -> str:
        """The word that stands for it in every event and output."""
        ...

    @property
    def basis(self) -> Basis:
        """Whether its closes are split-adjusted or as traded."""
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
