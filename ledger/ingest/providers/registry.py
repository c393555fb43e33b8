"""The providers that there are: the only list of them. Pure; a provider's code is loaded when it is first used.

A new provider is a folder beside this file, whose `DESCRIPTION` holds its facts, and a line in `ENTRIES`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ledger.errors import LedgerError
from ledger.events import FetchSucceeded
from ledger.ingest.providers import evidence
from ledger.ingest.providers.port import (
    Access,
    BodyError,
    BodyReader,
    CloseReader,
    Description,
    LineReader,
    ListingColumnReader,
    ListingReader,
    Provider,
    QuotationColumnReader,
    QuotationReader,
    Recording,
    RowReader,
)
from ledger.ingest.rules.reading import Reading
from ledger.market.quotation import DescribedSessions, Listing, Quotation
from ledger.values import Answer, Bar, LedgerKind, RawBar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ledger.market.quotation_columns import QuotationColumns

ENTRIES: tuple[str, ...] = (
    "ledger.ingest.providers.manual:DESCRIPTION",
    "ledger.ingest.providers.b3:DESCRIPTION",
    "ledger.ingest.providers.yahoo:DESCRIPTION",
    "ledger.ingest.providers.cotahist:DESCRIPTION",
    "ledger.ingest.providers.sample:DESCRIPTION",
)


class UnknownProviderError(LedgerError):
    """An event names a provider that this version does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"got provider {name}, want one of {', '.join(names())}")
        self.name = name


def descriptions() -> tuple[Description, ...]:
    """Return every provider's description, in the order of the list."""
    return tuple(_by_name(ENTRIES).values())


def names(kind: LedgerKind | None = None) -> tuple[str, ...]:
    """Return the names of the providers for ledgers of `kind` (None: any), in the order of the list."""
    return tuple(one.name for one in descriptions() if kind in {None, one.kind})


def price_names(kind: LedgerKind | None = None) -> tuple[str, ...]:
    """Return the names of the providers of prices, for ledgers of `kind` (None: any), in the order of the list."""
    return tuple(one.name for one in descriptions() if one.has_sessions and kind in {None, one.kind})


def action_names(kind: LedgerKind | None = None) -> tuple[str, ...]:
    """Return the names of those that tell of actions, for ledgers of `kind` (None: any), in the order of the list."""
    return tuple(one.name for one in descriptions() if one.names_actions and kind in {None, one.kind})


def live_names(kind: LedgerKind | None = None) -> tuple[str, ...]:
    """Return the names of the providers that can be asked, for ledgers of `kind` (None: any); the default first.

    Those of prices come before those of actions alone.
    """
    live = [one for one in descriptions() if one.live and kind in {None, one.kind}]
    return tuple(one.name for one in sorted(live, key=lambda one: not one.has_sessions))


def described(name: str) -> Description:
    """Return the description of the provider `name`.

    Raises: UnknownProviderError.
    """
    found = _by_name(ENTRIES).get(name)
    if found is None:
        raise UnknownProviderError(name)
    return found


def recording(kind: LedgerKind) -> Recording | None:
    """Return the recording that is all that ledgers of `kind` can hold; None where there is more to come."""
    return next((one.recording for one in descriptions() if one.kind == kind), None)


def brought_by_hand(name: str) -> bool:
    """Return whether a person brings the answers of `name`; False for a provider that is not known."""
    found = _by_name(ENTRIES).get(name)
    return found is not None and found.brought_by_hand


def names_actions(name: str) -> bool:
    """Return whether the answers of `name` tell of dividends and splits; False for a provider that is not known."""
    found = _by_name(ENTRIES).get(name)
    return found is not None and found.names_actions


def has_sessions(name: str) -> bool:
    """Return whether the answers of `name` have prices; True for a provider that is not known."""
    found = _by_name(ENTRIES).get(name)
    return found is None or found.has_sessions


def opened(name: str, access: Access) -> Provider:
    """Return the provider `name`, ready to be asked.

    Raises: UnknownProviderError for a name that none has; ValueError for a provider whose answers a person brings.
    """
    live = described(name).live
    if live is None:
        message = f"got provider {name}, want one of {', '.join(live_names())}"
        raise ValueError(message)
    provider: Provider = _loaded(live)(access)
    return provider


def rows(name: str, answer: Answer) -> tuple[RawBar, ...]:
    """Return the raw bars of a recorded answer of the provider `name`, by its own reader.

    Raises: BodyError for an answer that it cannot read; UnknownProviderError.
    """
    read: RowReader = _loaded(described(name).rows)
    return read(evidence.body(answer))


def reading(fetch: FetchSucceeded) -> Reading:
    """Return all that the answer in `fetch` says, by its own provider's reader, as the version that recorded it had it.

    Raises: BodyError for an answer that it cannot read; UnknownProviderError.
    """
    provider = described(fetch.provider)
    path = provider.former_readings.get(fetch.source.version, provider.reading)
    if path is None:
        return Reading(rows=rows(fetch.provider, fetch.answer))
    read: BodyReader = _loaded(path)
    found = read(evidence.body(fetch.answer))
    return found if provider.rank is None else replace(found, rank=_loaded(provider.rank)(fetch))


def lines(name: str, body: bytes, day: date) -> tuple[str, ...]:
    """Return the lines of `body` that hold `day`, as the provider `name` sent them; () where it sends no such text."""
    path = next((one.lines for one in descriptions() if one.name == name), None)
    if path is None:
        return ()
    read: LineReader = _loaded(path)
    return read(body, day)


@cache
def quoting() -> tuple[str, ...]:
    """Return the names of the providers whose answers say more of a session than its bar, in the order of the list."""
    return _quoting(ENTRIES)


def quotations(name: str, answer: Answer, bars: Mapping[date, Bar]) -> Iterator[Quotation]:
    """Yield what a recorded answer of the provider `name`, one of `quoting`, says of each of `bars`.

    Raises: BodyError for an answer that it cannot read; UnknownProviderError.
    """
    read: QuotationReader = _loaded(described(name).quotations or "")
    return read(evidence.body(answer), bars)


def quotation_columns(
    name: str, bodies: Sequence[bytes], of: "NDArray[np.int64]", days: "NDArray[np.int64]"
) -> "QuotationColumns | None":
    """Return what `quotations` yields of sessions of many plain answers of the provider `name`, one of `quoting`.

    Row n is of `days[n]`, since 1970-01-01, in `bodies[of[n]]`. None where each answer has to be read by itself.

    Raises: UnknownProviderError.
    """
    path = described(name).quotation_columns
    if path is None:
        return None
    read: QuotationColumnReader = _loaded(path)
    return read(bodies, of, days)


def closes(name: str, answer: Answer) -> dict[date, frozenset[int]]:
    """Return the closes that a recorded answer gives beside its actions, by day; {} where its provider gives none.

    Raises: BodyError for an answer that it cannot read; UnknownProviderError.
    """
    path = described(name).closes
    if path is None:
        return {}
    read: CloseReader = _loaded(path)
    return read(evidence.body(answer))


def listings(name: str, answer: Answer, bars: Mapping[date, Bar]) -> Mapping[date, Listing]:
    """Return how a recorded answer of the provider `name`, one of `quoting`, describes its instrument bar by bar.

    Raises: BodyError for an answer that it cannot read; UnknownProviderError.
    """
    read: ListingReader = _loaded(described(name).listings or "")
    return read(evidence.body(answer), bars)


def listings_together(name: str, answers: Sequence[Answer]) -> list[DescribedSessions | None]:
    """Return what `listings` does of all sessions of many recorded answers of the provider `name`, one of `quoting`.

    None for an answer that has to be read by itself. Worth its start where they are long.

    Raises: UnknownProviderError.
    """
    path = described(name).listing_columns
    if path is None:
        return [None] * len(answers)
    read: ListingColumnReader = _loaded(path)
    return read([_body_or_none(answer) for answer in answers])


def _body_or_none(answer: Answer) -> bytes:
    """Return the answer's bytes, none where they are others: whoever reads it by itself is told."""
    with suppress(BodyError):
        return evidence.body(answer)
    return b""


@cache  # a fold asks it at every event
def _quoting(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one.name for one in _by_name(entries).values() if one.quotations)


@cache
def _by_name(entries: tuple[str, ...]) -> Mapping[str, Description]:
    described: Iterator[Description] = map(_loaded, entries)
    return {one.name: one for one in described}


@cache
def _loaded(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
