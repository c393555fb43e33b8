"""What the exchange's own record says of one instrument in one session, field by field. Pure.

Money is in millionths of `currency`: prices for one share, each exact where the quotation factor divides it, else
half-even. What a file leaves blank, or writes as no number, is None.

Source: B3, layout of the historical quotations file (COTAHIST).
"""

from datetime import date
from typing import NamedTuple

import msgspec


class Listing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What describes an instrument: it changes seldom. The exchange's own name of each field stands beside it.

    `strike` is for one share, or in points where the contract's strike is an index. `term` is in days.
    """

    isin: str  # CODISI; before 15 May 1995 a code of the exchange's own
    name: str  # NOMRES
    specification: str  # ESPECI: class, ex mark, segment
    market: str  # TPMERC
    bdi: str  # CODBDI
    factor: int  # FATCOT: shares that a price in the file is for
    currency: str  # MODREF
    distribution: int | None  # DISMES: grows by one with each change of rights
    strike: int | None  # PREEXE
    expiry: date | None  # DATVEN
    term: int | None  # PRAZOT


class Described(msgspec.Struct, frozen=True, gc=False):
    """All that a session's record says of its instrument, whatever was traded; the fields are those of `Quotation`."""

    listing: Listing
    correction: str
    strike_points: int | None


class DescribedSessions(NamedTuple):
    """All sessions of one answer, in order and of one year, and how their instrument was described.

    `numbers` are those of `days` in the year, of two bytes each, big-endian. `runs` are listings, each with how many
    sessions in a row are under it.
    """

    year: int
    days: list[date]
    numbers: bytes
    runs: list[tuple[Listing, int]]


class Quotation(msgspec.Struct, frozen=True, kw_only=True):
    """One session of one instrument: how it was traded, and under which listing.

    A `bid` or `ask` of 0 is none. `value` is of all that was traded, `average` its price per share.
    """

    date: date  # DATA
    code: str  # CODNEG
    listing: Listing
    open: int | None  # PREABE
    high: int | None  # PREMAX
    low: int | None  # PREMIN
    average: int | None  # PREMED
    close: int | None  # PREULT
    bid: int | None  # PREOFC
    ask: int | None  # PREOFV
    trades: int | None  # TOTNEG
    volume: int | None  # QUATOT: shares
    value: int | None  # VOLTOT
    correction: str  # INDOPC: what corrects the strike, or the term's price
    strike_points: int | None  # PTOEXE: in millionths of a point
