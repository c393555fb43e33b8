"""Yahoo's chart answer, read from its bytes. Pure.

yfinance removes duplicate days and turns a null volume into 0; the body still has what was sent.

Source: the answer of `v8/finance/chart/{symbol}?interval=1d`.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ledger.ingest.providers.port import BodyError
from ledger.ingest.providers.yahoo.shapes import (
    NO_EVENTS,
    AnswerBody,
    ChartEvents,
    ChartMeta,
    ChartQuote,
    ChartRow,
    ChartSeries,
    Dated,
    Payment,
    Prices,
    RefusalBody,
    Split,
)
from ledger.ingest.rules.reading import Offer, Reading
from ledger.values import Identity, RawAction, RawActionKind, RawBar

# yfinance reads a daily bar stamped one or two hours before midnight as the day after: the exchange's
# summer time was forgotten by whoever stamped it. The same dates must come out here.
BEFORE_MIDNIGHT_HOURS = (22, 23)
# No exchange has a session outside them, and looking for what is missing in between would take minutes.
FIRST_YEAR, LAST_YEAR = 1900, 2199
DAYS_KEPT = 16_384  # of a zone, or as many more as one answer has
SHARES_LIMIT = 2**63  # an event holds none that are more


# What decoding raises on bytes that are no chart; JSON nested thousands deep is a RecursionError.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ChartError(BodyError):
    """A body is not an answer of the chart format."""


_decoder = msgspec.json.Decoder(AnswerBody)
_refusal_decoder = msgspec.json.Decoder(RefusalBody)
_decode_events = msgspec.json.Decoder(ChartEvents | None).decode
_decode_keyed = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_decode_split = msgspec.json.Decoder(Split).decode
_decode_payment = msgspec.json.Decoder(Payment).decode
_decode_dated = msgspec.json.Decoder(Dated).decode


def rows(body: bytes) -> tuple[ChartRow, ...]:
    """Return every row of the answer in its order, duplicates and nulls kept; () when it holds none.

    Raises: ChartError for a body of another shape, columns of unequal length among them.
    """
    series = _series(body)
    zone = _zone(series.meta)
    days = [_day(stamp, zone) for stamp in series.timestamp]
    return tuple(ChartRow(*cells) for cells in zip(days, *_columns(series), strict=True))


def raw_bars(body: bytes) -> tuple[RawBar, ...]:
    """Return every row of the answer as a raw bar: a price that is null is NaN, a volume that is null None.

    Raises: ChartError for a body of another shape.
    """
    series = _series(body)
    return _raw_bars(series, _zone(series.meta))


def identity(body: bytes) -> Identity:
    """Return how the answer identifies its series.

    Raises: ChartError for a body of another shape.
    """
    return _identity(_series(body).meta)


def reading(body: bytes) -> Reading:
    """Return all that the answer says, every event of it on its own.

    Raises: ChartError for a body of another shape.
    """
    series = _series(body)
    zone, first = _zone(series.meta), series.meta.first_trade_date
    return Reading(
        rows=_raw_bars(series, zone),
        offers=tuple(_offers(series.events, zone)),
        names_currency=True,
        granularity=series.meta.data_granularity,
        first_day=None if first is None else _day(first, zone),
        identity=_identity(series.meta),
    )


def actions(body: bytes) -> tuple[RawAction, ...]:
    """Return the corporate actions of the answer that are a number, by date, those of days without a row too.

    A split of no shares has the value 0.

    Raises: ChartError for a body of another shape.
    """
    series = _series(body)
    found = [
        RawAction(offer.date, cast("RawActionKind", offer.kind), _value(offer))
        for offer in _offers(series.events, _zone(series.meta))
        if offer.date is not None and offer.fault is None
    ]
    return tuple(sorted(found, key=lambda action: (action.date, action.kind)))


def trips_library(body: bytes) -> bool:
    """Return whether the answer has what yfinance gives up on and the rules speak of, so that its rows are judged.

    No currency, or an event that cannot be read, lost its own stamp, or is no ratio.

    Raises: ChartError for a body of another shape.
    """
    series = _series(body)
    if series.meta.currency is None:
        return True
    with suppress(*UNREADABLE):
        events = msgspec.json.decode(series.events, type=dict[str, dict[str, Dated]])
        dated = all(one.date is not None for of_kind in events.values() for one in of_kind.values())
        return not dated or any(one.fault or _value(one) <= 0 for one in _offers(series.events, _zone(series.meta)))
    return True


def complaint(body: bytes) -> str | None:
    """Return Yahoo's own description of what went wrong, None where the body has none."""
    error = None
    with suppress(*UNREADABLE):
        error = _decoder.decode(body).chart.error
    if error is None:
        with suppress(*UNREADABLE):
            error = _refusal_decoder.decode(body).finance.error
    return None if error is None else error.description or error.code


def _raw_bars(series: ChartSeries, zone: tzinfo) -> tuple[RawBar, ...]:
    days = _days(series.timestamp, zone)
    *prices, adj_close, volume = _columns(series)
    # Nulls are rare, and a column without one is taken as it is.
    quoted = (column if None not in column else [_price(cell) for cell in column] for column in prices)
    # Nothing but integers that an event can hold, in nearly every answer.
    whole = set(map(type, volume)) == {int} and max(map(abs, cast("tuple[int, ...]", volume))) < SHARES_LIMIT
    volumes = volume if whole else map(_volume, volume)
    return tuple(map(RawBar, days, *quoted, adj_close, volumes))


def _identity(meta: ChartMeta) -> Identity:
    return Identity(
        symbol=meta.symbol,
        currency=meta.currency,
        exchange=meta.exchange_name,
        timezone=meta.exchange_timezone_name,
    )


def _volume(cell: float | None) -> float | int | None:
    """Return a volume that an event can hold: an integer past 63 bits as the double nearest to it."""
    if not isinstance(cell, int) or abs(cell) < SHARES_LIMIT:
        return cell
    try:
        return float(cell)
    except OverflowError as error:
        raise ChartError("got a volume of more than 308 digits, want a number of shares") from error


def _offers(sent: msgspec.Raw, zone: tzinfo) -> Iterator[Offer]:
    """Yield every event; where all of them, or all of a kind, have no shape, that is one at fault."""
    if sent is NO_EVENTS:
        return
    try:
        events = _decode_events(sent) or ChartEvents()
    except UNREADABLE as error:
        yield Offer(date=None, kind="dividend", fault=f"got events that are none ({error})")
        return
    kinds: tuple[tuple[RawActionKind, msgspec.Raw], ...] = (
        ("dividend", events.dividends),
        ("split", events.splits),
        ("capital_gain", events.capital_gains),
    )
    for kind, of_kind in kinds:
        if of_kind is NO_EVENTS:
            continue
        try:
            keyed = _decode_keyed(of_kind) or {}
        except UNREADABLE as error:
            yield Offer(date=None, kind=kind, fault=f"got events of the kind {kind} that are none ({error})")
            continue
        for key, one in keyed.items():
            yield _offer(kind, key, one, zone)


def _offer(kind: RawActionKind, key: str, sent: msgspec.Raw, zone: tzinfo) -> Offer:
    day, undated = _event_day(key, sent, zone)
    if undated is not None:
        return Offer(date=day, kind=kind, fault=f"got {kind} of no day ({undated})")
    try:
        if kind == "split":
            split = _decode_split(sent)
            if not max(abs(split.numerator), abs(split.denominator)) < SHARES_LIMIT:
                return Offer(date=day, kind=kind, fault="got a split of 2⁶³ shares or more, want a number of shares")
            return Offer(date=day, kind=kind, numerator=split.numerator, denominator=split.denominator)
        payment = _decode_payment(sent)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Offer(date=day, kind=kind, fault=f"got {kind} that is none ({error})")
    # An empty currency is how Yahoo says the series' own.
    return Offer(date=day, kind=kind, amount=payment.amount, currency=payment.currency or None)


def _event_day(key: str, sent: msgspec.Raw, zone: tzinfo) -> tuple[date | None, Exception | None]:
    """Return the day of an event, and why its own stamp is none: the key repeats the stamp of one that lost it."""
    trouble: Exception | None = None
    try:
        stamp = _decode_dated(sent).date
        if stamp is not None:
            return _day(stamp, zone), None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # One that is no map is no event at all, which is said of the whole of it.
        trouble = error if bytes(sent).startswith(b"{") else None
    except ChartError as error:
        trouble = error
    with suppress(ValueError, ChartError):
        return _day(int(key), zone), trouble
    return None, trouble


def _value(offer: Offer) -> float:
    if offer.kind != "split":
        return float(offer.amount or 0)
    return offer.numerator / offer.denominator if offer.numerator and offer.denominator else 0.0


def _price(cell: float | None) -> float:
    return math.nan if cell is None else cell


def _series(body: bytes) -> ChartSeries:
    try:
        chart = _decoder.decode(body).chart
    except UNREADABLE as error:
        raise ChartError(f"got a body that is no chart ({error}), want Yahoo's chart JSON") from error
    return chart.result[0] if chart.result else ChartSeries()


def _columns(series: ChartSeries) -> Iterator[Prices]:
    """Yield open, high, low, close, adjusted close and volume, each as long as the timestamps."""
    rows_wanted = len(series.timestamp)
    quote = series.indicators.quote[0] if series.indicators.quote else ChartQuote()
    adjusted = series.indicators.adjclose[0].adjclose if series.indicators.adjclose else (None,) * rows_wanted
    for name, column in (
        ("open", quote.open),
        ("high", quote.high),
        ("low", quote.low),
        ("close", quote.close),
        ("adjclose", adjusted),
        ("volume", quote.volume),
    ):
        if column is None and rows_wanted:
            raise ChartError(f"got no {name} column, want one of {rows_wanted} values")
        if len(column or ()) != rows_wanted:
            raise ChartError(f"got {len(column or ())} values in the {name} column, want {rows_wanted}")
        yield column or ()


def _zone(meta: ChartMeta) -> tzinfo:
    """Return the exchange's zone: its rules through the years where they are known, else today's offset."""
    try:
        return ZoneInfo(meta.exchange_timezone_name or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The system's own word for a name that is too long for a file, among others.
        offset_s = meta.gmtoffset or 0
    try:
        return timezone(timedelta(seconds=offset_s))
    except (ValueError, OverflowError) as error:
        raise ChartError(f"got a gmtoffset of {offset_s} s, want less than a day") from error


def _days(stamps: tuple[int, ...], zone: tzinfo) -> Sequence[date]:
    known = _known_days(zone)
    if len(known) > DAYS_KEPT:
        known.clear()
    return list(map(known.__getitem__, stamps))


class _KnownDays(dict[int, date]):
    """The days of a time zone that were read lately, by their stamps: every answer about a day stamps it alike."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, stamp: int) -> date:
        day = self[stamp] = _day(stamp, self._zone)
        return day


_known_days = lru_cache(maxsize=16)(_KnownDays)


def _day(stamp: int, zone: tzinfo) -> date:
    try:
        local = datetime.fromtimestamp(stamp, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError) as error:
        raise ChartError(f"got the timestamp {stamp}, want seconds since 1970") from error
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise ChartError(f"got a row of {local.date()}, want one from {FIRST_YEAR} to {LAST_YEAR}")
    before_midnight = local.minute == 0 and local.hour in BEFORE_MIDNIGHT_HOURS
    return local.date() + timedelta(days=before_midnight)
