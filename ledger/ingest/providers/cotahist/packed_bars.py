"""Bars of many sessions written as msgpack by columns, byte for byte what the encoder writes of each struct. Pure.

Source: MessagePack specification, "Formats"; docs/format.md, "Events".
"""

from typing import NamedTuple

import numpy as np

from ledger.ingest.providers.cotahist.columns import Bytes, Flags, Ints, Words
from ledger.market.price import MICROS_PER_REAL, reais
from ledger.market.series_state import array_of

ARRAY_OF_7, TEXT_OF_10, FLOAT, NIL = b"\x97", b"\xaa", b"\xcb", b"\xc0"
INTEGER_BYTES = 9  # a mark and eight bytes, of which a small number shows the last ones alone
LIMITS = np.array([2**7, 2**8, 2**16, 2**32], np.uint64)  # from which on a number takes one size more
MARKS = np.array([0, 0xCC, 0xCD, 0xCE, 0xCF], np.uint8)
SHOWN = np.array(
    [[size != 0, *[place >= 8 - width for place in range(8)]] for size, width in enumerate((1, 1, 2, 4, 8))]
)
EXACT_MICROS = 10**10  # below it, a float32 of whole centavos has no shorter name
MICROS_PER_CENTAVO = 10_000


class SessionColumns(NamedTuple):
    """Sessions in columns, one a row: prices in millionths of the currency, `written` the day as AAAAMMDD."""

    written: Bytes
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


class PackedBars(NamedTuple):
    """Bars in msgpack, one after another: that of line n ends at `ends[n]`."""

    items: bytes
    ends: list[int]

    def array(self, start: int, stop: int) -> bytes:
        """Return the msgpack array of the bars in [start, stop)."""
        begin = self.ends[start - 1] if start else 0
        return array_of(stop - start, self.items[begin : self.ends[stop - 1]])


def bars(sessions: SessionColumns) -> PackedBars:
    """Return each session as an accepted `Bar`, without an adjusted close."""
    prices = [_integer(price) for price in (sessions.open, sessions.high, sessions.low, sessions.close)]
    return _packed([_head(sessions), *prices, _same(NIL, sessions), _integer(sessions.volume)])


def raw_bars(sessions: SessionColumns) -> PackedBars:
    """Return each session as the `RawBar` that `layout.quote` reads, without an adjusted close."""
    prices = [_float(floats(price)) for price in (sessions.open, sessions.high, sessions.low, sessions.close)]
    return _packed([_head(sessions), *prices, _same(NIL, sessions), _integer(sessions.volume)])


def floats(micros: Ints) -> Words:
    """Return what `reais` does of each price, as the bits of a float64."""
    values = micros / MICROS_PER_REAL
    # Of a float32 the shortest name counts, which may have a digit less; of no other float64 with 15 digits.
    inexact = (micros >= EXACT_MICROS) | (micros % MICROS_PER_CENTAVO != 0)
    odd = inexact & ((values.astype(np.float32) == values) | (micros >= 10**15))
    if odd.any():
        values[odd] = [reais(price) for price in micros[odd].tolist()]
    return values.view(np.uint64)


def _head(sessions: SessionColumns) -> tuple[Bytes, None]:
    written = sessions.written
    begin = np.frombuffer(ARRAY_OF_7 + TEXT_OF_10 + b"YYYY-MM-DD", np.uint8)
    found = np.tile(begin, (len(written), 1))
    found[:, 2:6], found[:, 7:9], found[:, 10:12] = written[:, :4], written[:, 4:6], written[:, 6:]
    return found, None


def _same(text: bytes, sessions: SessionColumns) -> tuple[Bytes, None]:
    return np.full((len(sessions.volume), 1), text[0], np.uint8), None


def _float(bits: Words) -> tuple[Bytes, None]:
    found = np.empty((len(bits), INTEGER_BYTES), np.uint8)
    found[:, 0] = FLOAT[0]
    found[:, 1:] = bits.astype(">u8").view(np.uint8).reshape(-1, 8)
    return found, None


def _integer(values: Ints) -> tuple[Bytes, Flags]:
    """Return the columns of whole numbers, none below 0, and which of them are written."""
    size = np.searchsorted(LIMITS, values.astype(np.uint64), side="right")
    found = np.empty((len(values), INTEGER_BYTES), np.uint8)
    found[:, 0] = MARKS[size]
    found[:, 1:] = values.astype(">u8").view(np.uint8).reshape(-1, 8)
    return found, SHOWN[size]


def _packed(columns: "list[tuple[Bytes, None] | tuple[Bytes, Flags]]") -> PackedBars:
    whole = np.concatenate([found for found, _ in columns], axis=1)
    shown = np.ones(whole.shape, np.bool_)
    at = 0
    for found, mask in columns:
        if mask is not None:
            shown[:, at : at + found.shape[1]] = mask
        at += found.shape[1]
    return PackedBars(whole[shown].tobytes(), np.cumsum(shown.sum(axis=1)).tolist())
