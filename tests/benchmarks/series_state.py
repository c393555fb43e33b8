"""What a state costs at 500, 2,500 and 10,000 sessions: `python -m tests.benchmarks.series_state`."""

import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice
from statistics import median

import click
import msgspec

from ledger.market.series import Series
from ledger.market.series_state import YearlyBars, state
from ledger.market.sessions import is_session
from ledger.values import Bar

SERIES = Series("PETR4.SA", "yfinance")
BASIS = "split_adjusted"
LAST_DAY = date(2025, 12, 30)
ROUNDS = 200
MICROSECONDS = 1_000_000


def main() -> None:
    """Print, for each length, what a state costs whole, and after a decision that touches one year."""
    for count in (500, 2_500, 10_000):
        held = list(islice(_bars(), count))[::-1]
        encoded = [(bar.date, msgspec.msgpack.encode(bar)) for bar in held]
        yearly = _filled(encoded)

        def whole(encoded: list[tuple[date, bytes]] = encoded) -> object:
            return state(SERIES, BASIS, _filled(encoded).leaves(), ())

        def touched(yearly: YearlyBars = yearly, last: tuple[date, bytes] = encoded[-1]) -> object:
            yearly.put(*last)
            return state(SERIES, BASIS, yearly.leaves(), ())

        click.echo(f"{count:6} sessions: whole {_us(whole):7.1f} us, one year touched {_us(touched):6.1f} us")


def _bars() -> Iterator[Bar]:
    day = LAST_DAY
    while True:
        if is_session(day):
            price = 30_000_000 + day.toordinal() % 1_000 * 10_000
            yield Bar(day, price, price + 10_000, price - 10_000, price, price, 45_000_000)
        day -= timedelta(days=1)


def _filled(encoded: list[tuple[date, bytes]]) -> YearlyBars:
    yearly = YearlyBars()
    for day, bar in encoded:
        yearly.put(day, bar)
    return yearly


def _us(run: Callable[[], object]) -> float:
    def seconds() -> float:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    return median(seconds() for _ in range(ROUNDS)) * MICROSECONDS


if __name__ == "__main__":
    main()
