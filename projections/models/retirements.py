"""Which series a person recorded as ended, and as what they go on.

Table `retired`, of the read model `metrics`: (ticker, seq) -> retirement, a row per record; a ticker's newest holds.
"""

from collections.abc import Iterator
from datetime import date

import msgspec

from ledger.codec import Envelope
from ledger.events import SeriesRetired
from projections.fold.keys import last_seq, seq_key, text_key
from projections.fold.tables import Tables

TABLE = "retired"


class Retirement(msgspec.Struct, frozen=True, array_like=True):
    """No session of `ticker` is due after `on`; it goes on as `into`, `numerator` of those for `denominator` shares."""

    ticker: str
    on: date
    into: str | None
    numerator: int
    denominator: int
    reason: str
    undone: bool = False


_decode = msgspec.msgpack.Decoder(Retirement).decode


def put(tables: Tables, envelope: Envelope, fact: SeriesRetired) -> None:
    """Add what was recorded; one row."""
    tables[TABLE].store(text_key(fact.ticker) + seq_key(envelope.seq), retirement(fact))


def retirement(fact: SeriesRetired) -> Retirement:
    """Return what the event records; half a ratio is none, and none is one for one."""
    new, old = fact.numerator, fact.denominator
    if new is None or old is None:
        new = old = 1
    return Retirement(fact.ticker, fact.on, fact.into, new, old, fact.reason, fact.undone)


def recorded(tables: Tables, start: int, position: int) -> Iterator[tuple[int, Retirement]]:
    """Yield what events [start, position) recorded with its seq, by ticker and seq; costs every record."""
    for key, value in tables[TABLE].scan():
        if start <= (seq := last_seq(key)) < position:
            yield seq, _decode(value)


def is_recorded(tables: Tables, ticker: str) -> bool:
    """Return whether anything is on record of the ticker's end, be it that it did not end."""
    return next(tables[TABLE].scan(text_key(ticker)), None) is not None


def in_force(tables: Tables, position: int | None = None) -> dict[str, Retirement]:
    """Return what holds of each retired ticker once `position` events are read (None: all); costs every record."""
    found: dict[str, Retirement] = {}
    for key, value in tables[TABLE].scan():
        if position is None or last_seq(key) < position:
            row = _decode(value)
            found[row.ticker] = row
    return {ticker: row for ticker, row in found.items() if not row.undone}
