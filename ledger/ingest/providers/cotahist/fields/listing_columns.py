"""How many recorded answers describe their instruments, by columns: what `listings` says of each by itself. Pure.

Columns never word a fault: what is unusual about an answer is left to a look at its lines.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise, starmap
from struct import Struct

import numpy as np

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.columns import WORD_BYTES, Bytes, Flags, Ints, words
from ledger.ingest.providers.cotahist.fields import quotations
from ledger.ingest.providers.cotahist.layout import LINE_BYTES, LayoutError
from ledger.market.quotation import DescribedSessions

_END = b"\r\n"
_ENDED_BYTES = LINE_BYTES + len(_END)
_WIDTHS = [one.stop - one.start for one in quotations.DESCRIBING]
_REST_BYTES = -sum(_WIDTHS) % WORD_BYTES
_DESCRIBING = Struct("".join(f"{width}s" for width in _WIDTHS) + f"{_REST_BYTES}x")


def sessions(bodies: Sequence[bytes]) -> list[DescribedSessions | None]:
    """Return what each of `bodies` describes; None where only a look at its lines can tell what that is.

    Plain are lines of one length and end, days one after the other, and all of them of one year.
    """
    plain = [bool(body) and len(body) % _ENDED_BYTES == 0 for body in bodies]
    whole = [body for body, one in zip(bodies, plain, strict=True) if one]
    found = iter(_described(whole) if whole else ())
    return [next(found) if one else None for one in plain]


def _described(bodies: Sequence[bytes]) -> Sequence[DescribedSessions | None]:
    lines = np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, _ENDED_BYTES)
    bounds = np.cumsum([0, *(len(body) // _ENDED_BYTES for body in bodies)])
    try:
        values, of = np.unique(words(lines[:, layout.DAY]), return_inverse=True)
        days = zip(*map(_day, values.view(f"V{WORD_BYTES}").tolist()), strict=True)
        dates, *ordinals = map(np.array, days, (object, np.int64, np.int64))
    except LayoutError:
        return [None] * len(bodies)
    if not _are_quotes(lines):
        return [None] * len(bodies)
    years, numbers = (one[of] for one in ordinals)
    rest = np.zeros((len(lines), _REST_BYTES), np.uint8)
    describing = np.concatenate([*(lines[:, one] for one in quotations.DESCRIBING), rest], axis=1)
    at = np.flatnonzero(_begins(describing, bounds))
    listings = list(starmap(quotations.listing, _DESCRIBING.iter_unpack(describing[at].tobytes())))
    sizes = np.diff(at, append=len(lines)).tolist()
    packed, each = numbers.astype(">u2").tobytes(), dates[of].tolist()
    runs = np.searchsorted(at, bounds).tolist()
    found: list[DescribedSessions | None] = []
    spans = zip(pairwise(bounds.tolist()), pairwise(runs), _are_ordered(years, numbers, bounds), strict=True)
    for (start, stop), (first, last), is_ordered in spans:
        said = list(zip(listings[first:last], sizes[first:last], strict=True))
        one = DescribedSessions(each[start].year, each[start:stop], packed[2 * start : 2 * stop], said)
        found.append(one if is_ordered else None)
    return found


@lru_cache(maxsize=512)  # the days of a file come with each of its answers
def _day(digits: bytes) -> tuple[date, int, int]:
    """Return the day that `digits` are, its year, and its number within that.

    Raises: LayoutError for what names none.
    """
    day = layout.day(digits)
    return day, day.year, day.timetuple().tm_yday


def _are_quotes(lines: Bytes) -> bool:
    """Return whether each line is a quote with its end, and has no end inside; what is below a space counts as one."""
    fixed = ((0, 1, LINE_BYTES, LINE_BYTES + 1), layout.QUOTE + _END)
    sound = all((lines[:, at] == byte).all() for at, byte in zip(*fixed, strict=True))
    return sound and int(np.count_nonzero(lines < ord(" "))) == len(lines) * len(_END)


def _begins(describing: Bytes, bounds: Ints) -> Flags:
    """Return which lines begin an answer, or are described otherwise than the line before them.

    `describing` has of each line the columns that describe it, in whole words: compared as such, not byte by byte.
    """
    begins = np.zeros(len(describing), np.bool_)
    whole = describing.view(np.uint64)
    begins[1:] = (whole[1:] != whole[:-1]).any(axis=1)
    begins[bounds[:-1]] = True
    return begins


def _are_ordered(years: Ints, numbers: Ints, bounds: Ints) -> list[bool]:
    """Return of which answers each day is of the year of the day before it, and later."""
    later = np.ones(len(years), np.bool_)
    later[1:] = (years[1:] == years[:-1]) & (numbers[1:] > numbers[:-1])
    later[bounds[:-1]] = True
    found: list[bool] = np.logical_and.reduceat(later, bounds[:-1]).tolist()
    return found
