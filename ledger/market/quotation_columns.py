"""What the exchange's own record says of many sessions, field by field, as columns of numpy. Pure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.market.quotation import Described


class Numbers(NamedTuple):
    """A whole number a session; 0 where it is `missing`."""

    values: NDArray[np.int64]
    missing: NDArray[np.bool_]


class QuotationColumns(NamedTuple):
    """What a `Quotation` has beyond the bar, of one session a row; money in millionths of the listing's currency.

    How an instrument is described repeats: row n is under `described[of[n]]`.
    """

    average: Numbers
    bid: Numbers
    ask: Numbers
    trades: Numbers
    value: Numbers
    described: list[Described]
    of: NDArray[np.int64]
