"""Made-up years of daily prices: fat-tailed walks on three price scales, dividends and splits properly adjusted."""

import random
from collections.abc import Sequence
from datetime import date
from functools import cache
from math import exp, sqrt

import msgspec

from ledger.ingest.rules.reading import Offer
from ledger.market.sessions import sessions
from ledger.values import RawBar, Window
from tests.support.yahoo_series import widened

YEAR = sessions(Window(date(2025, 1, 2), date(2025, 12, 30)))
SCALES = (1.2, 30.0, 2500.0)  # reais
DEGREES = 3  # of freedom: Student's t has tails as fat as a share's
SPREAD = 0.011  # a day, times Student's t
MOVE_MAX = 0.20  # a share may move more in a quiet year, and is to be looked at when it does
RATIOS = ((2, 1), (3, 1), (4, 1), (1, 10), (1, 5), (11, 10), (21, 20), (3, 2))  # new shares for old ones
CALM = 0.02
CENTAVO = 0.01
QUARTER = 60  # sessions between payments


class Walk(msgspec.Struct, frozen=True):
    """A year of one ticker as a split-adjusted answer has it."""

    bars: tuple[RawBar, ...]
    offers: tuple[Offer, ...]

    @property
    def payments(self) -> int:
        """How many dividends there were."""
        return sum(offer.kind == "dividend" for offer in self.offers)


@cache
def walk(seed: int, *, actions: bool, days: tuple[date, ...] = YEAR) -> Walk:
    """Return the walk of a seed; seeds in turn are of the three scales. Some pay dividends and some split."""
    rng = random.Random(seed)
    split = rng.randrange(20, len(days) - 20) if actions and rng.random() < 0.3 else None
    new, old = rng.choice(RATIOS)
    paid = set(range(rng.randrange(QUARTER), len(days), QUARTER)) - {0} if actions and rng.random() < 0.6 else set()
    price, made, offers = SCALES[seed % len(SCALES)], list[RawBar](), list[Offer]()
    for number, day in enumerate(days):
        # Before a split there were fewer shares, traded in centavos of their own.
        shares = new / old if split is not None and number < split else 1.0
        if number in paid:
            amount = round(price * rng.uniform(0.003, 0.03), 6)
            offers.append(Offer(date=day, kind="dividend", amount=amount))
            price -= amount
        if number == split:
            offers.append(Offer(date=day, kind="split", numerator=new, denominator=old))
        opened, price = price, price * exp(_move(rng))
        made.append(_bar(rng, day, opened * shares, price * shares, shares))
    return Walk(_adjusted(made, offers), tuple(offers))


def calm(bars: Sequence[RawBar], rng: random.Random, *, margin: int = 16) -> int:
    """Return the number of a session around which little happens, so that whatever is found was put there."""
    moves = [abs(one.close / other.close - 1) for one, other in zip(bars[1:], bars, strict=False)]
    quiet = [number for number in range(margin, len(bars) - margin) if max(moves[number - 2 : number + 2]) < CALM]
    return rng.choice(quiet)


def _move(rng: random.Random) -> float:
    while True:
        chi = sum(rng.gauss(0, 1) ** 2 for _ in range(DEGREES))
        move = SPREAD * rng.gauss(0, 1) / sqrt(chi / DEGREES)
        if abs(move) < MOVE_MAX:
            return move


def _bar(rng: random.Random, day: date, opened: float, close: float, shares: float) -> RawBar:
    """Return a session in centavos as traded, on the scale of today's shares."""
    high = max(opened, close) * (1 + rng.uniform(0.001, 0.01)) + CENTAVO
    low = min(opened, close) * (1 - rng.uniform(0.001, 0.01)) - CENTAVO
    o, h, l, c = (widened(max(round(price, 2), CENTAVO) / shares) for price in (opened, high, low, close))  # noqa: E741
    return RawBar(day, o, h, l, c, c, rng.randrange(100, 900_000) * 100)


def _adjusted(bars: Sequence[RawBar], offers: Sequence[Offer]) -> tuple[RawBar, ...]:
    """Return the bars with adjusted closes: each payment takes its share of the close before it from all before it."""
    factor, found = 1.0, list[RawBar]()
    amounts = {offer.date: offer.amount for offer in offers if offer.amount is not None}
    for number in reversed(range(len(bars))):
        found.append(msgspec.structs.replace(bars[number], adj_close=widened(bars[number].close * factor)))
        if number and (amount := amounts.get(bars[number].date)):
            factor *= 1 - amount / bars[number - 1].close
    return tuple(reversed(found))
