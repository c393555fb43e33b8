"""A file's quotes as columns of numpy, in blocks: read where every line is as the layout has it, or not at all.

What is unusual about a file, refused or not, is told line by line by `Text.batches`: whoever meets UnusualFileError
begins again with `Text.again`. So nothing here words a refusal, and whatever is read here is read the same there.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.file import LINE_ENDS, READING_ERRORS, Text
from ledger.ingest.providers.cotahist.layout import CENTAVO_MICROS, LINE_BYTES, LayoutError

Bytes = NDArray[np.uint8]  # of lines: one a row, line ends included
Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BLOCK_LINES = 8_192
WORD_BYTES = 8
ZERO, NINE = ord("0"), 9


class UnusualFileError(Exception):
    """A file with something in it that only a look at each line can tell; it may be sound all the same."""


def blocks(text: Text) -> Iterator[Bytes]:
    """Yield the quotes of `text`, up to 8,192 lines at a time, and check its trailer at the end.

    Raises: UnusualFileError.
    """
    width, quotes, left_bytes = text.line_bytes, 0, text.limit_bytes - text.line_bytes
    days: set[int] = set()
    whole = True
    while whole:
        data = _read(text, BLOCK_LINES * width)
        left_bytes -= len(data)
        lines = np.frombuffer(data, np.uint8, len(data) // width * width).reshape(-1, width)
        is_quote = (lines[:, 0] == layout.QUOTE[0]) & (lines[:, 1] == layout.QUOTE[1])
        count = len(lines) if is_quote.all() else int(is_quote.argmin())
        whole = count == BLOCK_LINES
        _check(text, lines[:count], data, left_bytes)
        days.update(changes(words(lines[:count, layout.DAY])).tolist())
        quotes += count
        if count:
            yield lines[:count]
    rest = _read(text, LINE_BYTES + width)
    if len(rest) > left_bytes:
        raise UnusualFileError
    _end(text, data[count * width :] + rest, quotes, days)


def words(columns: Bytes) -> Words:
    """Return up to 8 columns of each line as one number each, such that equal text is an equal number."""
    padded = np.zeros((len(columns), WORD_BYTES), np.uint8)
    padded[:, : columns.shape[1]] = columns
    found: Words = padded.view(np.uint64).ravel()
    return found


def changes(values: Words) -> Words:
    """Return the first of each run of equal `values`: all that differ, and few where a file runs by them."""
    if not len(values):
        return values
    begins = np.ones(len(values), np.bool_)
    begins[1:] = values[1:] != values[:-1]
    found: Words = values[begins]
    return found


def are_digits(columns: Bytes) -> bool:
    """Return whether there are digits alone in all of the columns."""
    return bool(((columns - ZERO) <= NINE).all())


def number(columns: Bytes) -> Ints:
    """Return the number that each line has in up to 18 columns of digits, exactly."""
    found = np.zeros(len(columns), np.int64)
    # One copy by columns: a look at one byte of each line costs as much as at all of them.
    for digits in np.ascontiguousarray(columns.T) - ZERO:
        found *= 10
        found += digits
    return found


def micros_a_share(centavos: Ints, factor: Ints) -> Ints:
    """Return `layout.micros_a_share` of each price."""
    micros = centavos * CENTAVO_MICROS
    if (factor == 1).all():
        return micros
    micros, rest = np.divmod(micros, factor)
    rounded: Ints = micros + ((2 * rest > factor) | ((2 * rest == factor) & (micros % 2 == 1)))
    return rounded


def _read(text: Text, size: int) -> bytes:
    try:
        return text.stream.read(size)
    except READING_ERRORS as error:
        raise UnusualFileError from error


def _check(text: Text, lines: Bytes, data: bytes, left_bytes: int) -> None:
    """Refuse lines that are not all of one length, or not of the year of their file."""
    count, width = lines.shape
    end = data[LINE_BYTES:width] if count else b""
    # Below a space are line ends, and what no field has.
    sound = not count or (end in LINE_ENDS and (lines[:, LINE_BYTES:] == np.frombuffer(end, np.uint8)).all())
    if left_bytes < 0 or not sound or np.count_nonzero(lines < ord(" ")) != count * len(end):
        raise UnusualFileError
    for day in changes(words(lines[:, layout.DAY])):
        try:
            layout.session(layout.QUOTE + day.tobytes(), text.header)
        except LayoutError as error:
            raise UnusualFileError from error


def _end(text: Text, tail: bytes, quotes: int, days: set[int]) -> None:
    """Take over what was read, once `tail` is the trailer and nothing else."""
    if tail[LINE_BYTES:] not in (b"\r\n", b"\n", b"") or len(tail) < LINE_BYTES or b"\n" in tail[:LINE_BYTES]:
        raise UnusualFileError
    known = [layout.day(np.uint64(day).tobytes()) for day in days]
    try:
        text.read_elsewhere(quotes, known, trailer=tail)
    except LayoutError as error:
        raise UnusualFileError from error
