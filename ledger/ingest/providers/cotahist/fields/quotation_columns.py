"""Every field of many recorded answers at once: what `quotations` yields of them session by session. Pure.

What is unusual about an answer is read line by line there, and never here: an answer that is none, two lines of one
session, a number that 64 bits do not hold.
"""

from collections.abc import Sequence

import numpy as np

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.columns import NINE, ZERO, Bytes, Flags, Ints, are_digits, micros_a_share, number
from ledger.ingest.providers.cotahist.fields import quotations
from ledger.ingest.providers.cotahist.layout import CENTAVO_MICROS, LINE_BYTES, LayoutError
from ledger.market.quotation_columns import Numbers, QuotationColumns

DAY_NUMBERS = 10**8  # AAAAMMDD is below it
CENTAVOS_MAX = (2**63 - 1) // CENTAVO_MICROS


def columns(bodies: Sequence[bytes], of: Ints, days: Ints) -> QuotationColumns | None:
    """Return what is said of some sessions: row n is of `days[n]`, since 1970-01-01, in the answer `bodies[of[n]]`.

    None where only a look at each line can tell.
    """
    parts = [_lines(body) for body in bodies]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    lines = np.concatenate(known)
    written = lines[:, layout.DAY]
    if (lines < ord(" ")).any() or (lines[:, :2] != np.frombuffer(layout.QUOTE, np.uint8)).any():
        return None
    if not are_digits(written) or not _are_days(dates := number(written)):
        return None
    keys = np.repeat(np.arange(len(known)), [len(part) for part in known]) * DAY_NUMBERS + dates
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    wanted = of * DAY_NUMBERS + _written(days)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    if (keys[1:] == keys[:-1]).any() or (keys[places] != wanted).any():
        return None
    return _decoded(lines[order[places]])


def _lines(body: bytes) -> Bytes | None:
    """Return the lines of an answer less their ends, None where these differ or the lines are of another length."""
    end = b"\r\n" if body[LINE_BYTES : LINE_BYTES + 1] == b"\r" else b"\n"
    whole = body if body.endswith(b"\n") else body + end
    if len(whole) % (LINE_BYTES + len(end)):
        return None
    lines = np.frombuffer(whole, np.uint8).reshape(-1, LINE_BYTES + len(end))
    return lines[:, :LINE_BYTES] if (lines[:, LINE_BYTES:] == np.frombuffer(end, np.uint8)).all() else None


def _are_days(dates: Ints) -> bool:
    try:
        for one in np.unique(dates).tolist():
            layout.day(b"%08d" % one)
    except LayoutError:
        return False
    return True


def _written(days: Ints) -> Ints:
    """Return days since 1970-01-01 as the number AAAAMMDD."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years, month = np.divmod(months.astype(np.int64), 12)
    found: Ints = ((years + 1970) * 100 + month + 1) * 100 + (dates - months).astype(np.int64) + 1
    return found


def _decoded(lines: Bytes) -> QuotationColumns | None:
    describing = np.concatenate([lines[:, one] for one in quotations.DESCRIBING], axis=1)
    begins = np.ones(len(lines), np.bool_)
    begins[1:] = (describing[1:] != describing[:-1]).any(axis=1)
    described = [quotations.described(line.tobytes()) for line in lines[begins]]
    of = np.cumsum(begins) - 1
    factor = np.array([one.listing.factor for one in described], np.int64)[of]
    average, bid, ask, trades, value = (
        _numbers(lines[:, one])
        for one in (quotations.AVERAGE, quotations.BID, quotations.ASK, quotations.TRADES, quotations.VALUE)
    )
    if (value.values > CENTAVOS_MAX).any():
        return None
    average, bid, ask = (Numbers(micros_a_share(one.values, factor), one.missing) for one in (average, bid, ask))
    value = Numbers(value.values * CENTAVO_MICROS, value.missing)
    return QuotationColumns(average, bid, ask, trades, value, described, of)


def _numbers(digits: Bytes) -> Numbers:
    missing: Flags = np.any(digits - ZERO > NINE, axis=1)
    return Numbers(np.where(missing, 0, number(digits)), missing)
