"""Keys that sort in the order of what they encode: texts, then trading days, then seqs. Pure."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from struct import Struct

TEXT_END = b"\0"
SEQ_BYTES = 8
DAY_BYTES = 4


@lru_cache(maxsize=4096)  # a log has few tickers and needs their keys at every event
def text_key(*texts: str) -> bytes:
    """Return the texts one after another, each ended by a zero byte, so that no text's key begins another's.

    Raises: ValueError for a text with a zero byte inside.
    """
    key = "\0".join((*texts, ""))
    if key.count("\0") != len(texts):
        message = f"got {texts!r}, want texts without a zero byte"
        raise ValueError(message)
    return key.encode()


# Returns a seq as u64 big-endian; the bound method itself, since each event needs several.
seq_key: Callable[[int], bytes] = Struct(">Q").pack


@lru_cache(maxsize=16_384)  # forty years of sessions, which all series share
def day_key(day: date) -> bytes:
    """Return `day` as the u32 big-endian of its proleptic ordinal."""
    return day.toordinal().to_bytes(DAY_BYTES, "big")


def last_seq(key: bytes) -> int:
    """Return the seq that `key` ends with."""
    return int.from_bytes(key[-SEQ_BYTES:], "big")


def two_texts(key: bytes) -> tuple[str, str]:
    """Return the first two texts of `key`."""
    first, second, _ = key.split(TEXT_END, 2)
    return first.decode(), second.decode()


def past_prefix(prefix: bytes) -> bytes | None:
    """Return the least key above every key that begins with `prefix`; None when there is none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
