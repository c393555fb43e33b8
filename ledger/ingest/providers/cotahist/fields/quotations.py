"""Every field of the exchange's file, decoded from a recorded answer when it is asked for. Pure.

Nothing here is stored or judged: a field that cannot be read is None, and the bar beside it stands as it was accepted.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from struct import Struct

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.market.price import price_micros
from ledger.market.quotation import Described, Listing, Quotation
from ledger.values import Bar

NO_EXPIRY = b"99991231"

BDI = slice(10, 12)
_CODE = slice(12, 24)
DESCRIBED = slice(24, 56)  # TPMERC, NOMRES, ESPECI, PRAZOT, MODREF
_OPEN, _HIGH, _LOW = slice(56, 69), slice(69, 82), slice(82, 95)
AVERAGE, _CLOSE, BID, ASK = slice(95, 108), slice(108, 121), slice(121, 134), slice(134, 147)
TRADES, _VOLUME, VALUE = slice(147, 152), slice(152, 170), slice(170, 188)
CONTRACT = slice(188, 245)  # PREEXE, INDOPC, DATVEN, FATCOT, PTOEXE, CODISI, DISMES
_CORRECTION, _STRIKE_POINTS = slice(201, 202), slice(217, 230)
_DAY = slice(2, 10)
_LISTED = Struct("2x8s2s12x32s132x57s2x")  # DATA, CODBDI, DESCRIBED and CONTRACT of a line with its end
_END_COLUMNS = (245, 246)
_FIXED = tuple(zip((0, 1, *_END_COLUMNS), layout.QUOTE + b"\r\n", strict=True))  # what stands where in every line
DESCRIBING = BDI, DESCRIBED, CONTRACT  # the columns of all that `described` reads


def quotations(body: bytes, bars: Mapping[date, Bar]) -> Iterator[Quotation]:
    """Yield what a recorded answer says of each of `bars` that it has a line of, in the file's order.

    Raises: LayoutError for a body of another format.
    """
    for day, line in _lines(body, bars):
        listed = _listing(line)
        factor = listed.factor
        yield Quotation(
            date=day,
            code=_text(line[_CODE]),
            listing=listed,
            open=_price(line[_OPEN], factor),
            high=_price(line[_HIGH], factor),
            low=_price(line[_LOW], factor),
            average=_price(line[AVERAGE], factor),
            close=_price(line[_CLOSE], factor),
            bid=_price(line[BID], factor),
            ask=_price(line[ASK], factor),
            trades=_whole(line[TRADES]),
            volume=_whole(line[_VOLUME]),
            value=_price(line[VALUE], 1),
            correction=_text(line[_CORRECTION]),
            strike_points=_whole(line[_STRIKE_POINTS]),
        )


def listings(body: bytes, bars: Mapping[date, Bar]) -> Mapping[date, Listing]:
    """Return how a recorded answer describes the instrument in each session that `quotations` yields, in that order.

    Raises: LayoutError for a body of another format.
    """
    if (found := _listed(body)) is None:
        return {day: _listing(line) for day, line in _lines(body, bars)}
    if found.keys() <= bars.keys():  # nearly always: asked once of all
        return found
    return {day: listed for day, listed in found.items() if day in bars}


def _listed(body: bytes) -> dict[date, Listing] | None:
    """Return how each session is described, where all lines are cut and compared at once; None for an unusual body.

    Unusual are lines of another length, kind or end, and two of one session: `_lines` tells what they are.
    Raises: LayoutError for a day that does not exist.
    """
    lines, rest = divmod(len(body), _LISTED.size)
    if rest or any(body[at :: _LISTED.size].count(one) != lines for at, one in _FIXED):
        return None
    inside = bytearray(body)
    for at in _END_COLUMNS:
        inside[at :: _LISTED.size] = bytes(lines)
    if b"\r" in inside or b"\n" in inside:  # a line would end there; to find none is cheaper than to count all
        return None
    found: dict[date, Listing] = {}
    # A line described as the one before it is not decoded, nor looked up.
    for described, alike in groupby(_LISTED.iter_unpack(body), key=itemgetter(1, 2, 3)):
        found.update(dict.fromkeys([layout.day(one[0]) for one in alike], listing(*described)))
    return found if len(found) == lines else None


def described(line: bytes) -> Described:
    """Return what a line says of its instrument, and of a contract on it."""
    return Described(_listing(line), _text(line[_CORRECTION]), _whole(line[_STRIKE_POINTS]))


def _lines(body: bytes, bars: Mapping[date, Bar]) -> Iterator[tuple[date, bytes]]:
    """Yield the line behind each of `bars`, in the file's order; of several of a session, the last with its prices."""
    found: dict[date, list[bytes]] = {}
    for line in body.splitlines():
        if line[:2] != layout.QUOTE or len(line) != layout.LINE_BYTES:
            raise LayoutError(repr(line[:20].decode("latin-1")), "the quote 01")
        if (day := layout.day(line[_DAY])) in bars:
            found.setdefault(day, []).append(line)
    for day, lines in found.items():
        several = len(lines) > 1 and [line for line in lines if _is_of(line, bars[day])]
        yield day, (several or lines)[-1]


def _is_of(line: bytes, bar: Bar) -> bool:
    raw = layout.quote(line).bar
    prices = tuple(price_micros(price) for price in (raw.open, raw.high, raw.low, raw.close))
    return (*prices, raw.volume) == (bar.open, bar.high, bar.low, bar.close, bar.volume)


def _listing(line: bytes) -> Listing:
    return listing(line[BDI], line[DESCRIBED], line[CONTRACT])


@lru_cache(maxsize=4096)  # an instrument is described alike for weeks
def listing(bdi: bytes, described: bytes, contract: bytes) -> Listing:
    """Return the listing in the columns that describe an instrument: CODBDI, TPMERC to MODREF, PREEXE to DISMES."""
    factor = _whole(contract[22:29]) or 1  # a line without one is never accepted
    expiry = contract[14:22]
    return Listing(
        isin=_text(contract[42:54]),
        name=_text(described[3:15]),
        specification=_text(described[15:25]),
        market=_text(described[0:3]),
        bdi=_text(bdi),
        factor=factor,
        currency=_text(described[28:32]),
        distribution=_whole(contract[54:57]),
        strike=_price(contract[0:13], factor) or None,
        expiry=None if expiry == NO_EXPIRY else _day(expiry),
        term=_whole(described[25:28]) or None,
    )


def _price(digits: bytes, factor: int) -> int | None:
    centavos = _whole(digits)
    return None if centavos is None else layout.micros_a_share(centavos, factor)


def _whole(digits: bytes) -> int | None:
    return int(digits) if digits.isdigit() else None


def _day(digits: bytes) -> date | None:
    try:
        return layout.day(digits)
    except LayoutError:
        return None


def _text(field: bytes) -> str:
    return field.rstrip(b" ").decode("latin-1")
