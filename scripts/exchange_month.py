"""A month of a whole synthetic exchange, as `make_cotahist.py --month` writes it; every name and price is invented.

Shares of both classes, units, funds, ETFs, BDRs, odd lots, subscription rights, forwards at several terms, monthly and
weekly options on the most traded papers, an exercise, an auction and a block, a dividend and a split that show in
DISMES, a paper that moves to judicial recovery, and a company that changes its name and code in the middle.
"""

import random
from calendar import FRIDAY, monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import msgspec

from ledger.market.sessions import sessions
from ledger.values import Window
from scripts.make_cotahist import LINGERS, Line, letters

KINDS = "oooppuffffeebbbr"  # share ON, share PN, unit, fund, ETF, BDR, right
FORMS = {  # the number of the code, ESPECI, ISIN type and kind, CODBDI
    "o": ("3", "ON", "ACNOR", "02"),
    "p": ("4", "PN", "ACNPR", "02"),
    "u": ("11", "UNT", "CDAM1", "02"),
    "f": ("11", "CI", "CTF00", "12"),
    "e": ("11", "CI", "CTF00", "14"),
    "b": ("34", "DRN", "BDR00", "34"),
    "r": ("1", "DIR", "D01OR", "10"),
}
OPTIONED = 20  # one paper in so many has options, the most traded ones
STRIKES = 12
TERMS = ("030", "060", "090")
WEEKS = {1: "W1", 2: "W2", 3: "", 4: "W4", 5: "W5"}  # by the Friday of the month


class Paper(msgspec.Struct):
    """A paper's walk through the month; prices in centavos."""

    root: str
    kind: str
    close: int
    trades: int  # on a usual day
    odds: float  # of a trade on a day
    distribution: int = 100
    marked_until: int = -1
    bdi: str = ""

    @property
    def code(self) -> str:
        """Its cash code."""
        return self.root + FORMS[self.kind][0]

    @property
    def isin(self) -> str:
        """Its ISIN, without a check digit that checks."""
        return f"BR{self.root}{FORMS[self.kind][2]}0"

    def lines(self, rng: random.Random, day: date, number: int) -> Iterator[Line]:
        """Yield the session's quotes: the lot, and the odd lot of a share."""
        if rng.random() > self.odds:
            return
        opened, close = self.close, max(1, round(self.close * rng.uniform(0.97, 1.03)))
        self.close, trades = close, max(1, round(self.trades * rng.uniform(0.3, 1.7)))
        specification = FORMS[self.kind][1] + ("  ED" if number <= self.marked_until else "")
        high, low = max(opened, close) + rng.randrange(5), max(1, min(opened, close) - rng.randrange(5))
        quote = Line(
            day=day,
            code=self.code,
            open=opened,
            high=high,
            low=low,
            close=close,
            mean=(high + low + close) // 3,
            bid=max(1, close - 1),
            ask=close + 1,
            trades=trades,
            shares=trades * 100 * rng.randrange(1, 9),
            bdi=self.bdi or FORMS[self.kind][3],
            name=f"SINT {self.root}",
            specification=f"{specification:<8}NM" if self.kind in "op" else specification,
            isin=self.isin,
            distribution=self.distribution,
        )
        yield quote
        if self.kind in "op":
            few = max(1, trades // 9)
            yield msgspec.structs.replace(
                quote, code=f"{self.code}F", market="020", bdi="96", trades=few, shares=few * 17, value=None
            )


def month_lines(
    first: date, *, papers: int, seed: int, renamed: bool = True, every_kind: bool = False
) -> Iterator[bytes]:
    """Yield the quotes of the month that begins with `first`, day by day, the same for the same seed.

    A company changes its name and code in the middle where `renamed`. With `every_kind` there are subscription
    receipts and exercises of options too.
    """
    rng = random.Random(seed)  # noqa: S311 - reproducible data, not secrets
    days = sessions(Window(first, first.replace(day=monthrange(first.year, first.month)[1])))
    listed = [
        Paper(
            letters(number), KINDS[number % len(KINDS)], rng.randrange(300, 9_000), max(1, 40_000 // (number + 1)), odds
        )
        for number in range(papers)
        for odds in [1.0 if number < papers // 2 else rng.uniform(0.2, 1.0)]
    ]
    listed[3].kind = "p"
    contracts = [(paper, *one) for paper in listed[: max(1, papers // OPTIONED)] for one in options(paper, first)]
    for number, day in enumerate(days):
        events(listed, number)
        if renamed and number == len(days) // 2:
            listed[0].root, listed[0].distribution = "ZNEW", 100
        for paper in listed:
            yield from (line.text() for line in paper.lines(rng, day, number))
        for paper in listed[:5]:
            yield from (line.text() for line in beside(paper, rng, day))
        for paper, code, market, strike, expiry in contracts:
            if day <= expiry and rng.random() < 0.7:
                yield option_line(paper, rng, day, (code, market, strike, expiry)).text()
        if every_kind:
            yield from (line.text() for line in seldom(listed[0], contracts, day))


def seldom(paper: Paper, contracts: Iterable[tuple[Paper, str, str, int, date]], day: date) -> Iterator[Line]:
    """Yield what draws no number, so that all else stays as it is: a receipt of `paper`, exercises on their day."""
    flat = {"day": day, "open": paper.close, "high": paper.close, "low": paper.close, "close": paper.close}
    yield Line(**flat, code=f"{paper.root}9", bdi="10", specification="REC", isin=f"BR{paper.root}R01OR0", trades=1)
    for of, code, market, strike, expiry in contracts:
        is_call = market == "070"
        if day == expiry and (of.close > strike) is is_call:
            yield Line(
                day=day,
                code=f"{code}E",
                open=strike,
                high=strike,
                low=strike,
                close=strike,
                trades=1,
                bdi="38" if is_call else "42",
                market="012" if is_call else "013",
                isin=of.isin,
                strike=strike,
                expiry=f"{expiry:%Y%m%d}",
            )


def events(listed: list[Paper], number: int) -> None:
    """Let happen what the session of that number brings: a dividend, a split, a recovery."""
    if number == 5:
        listed[1].distribution += 1
        listed[1].marked_until = number + LINGERS - 1
    if number == 8:
        listed[2].distribution += 1
        listed[2].close = max(1, listed[2].close // 2)
    if number == 10:
        listed[4].bdi = "08"


def options(paper: Paper, first: date) -> Iterator[tuple[str, str, int, date]]:
    """Yield code, market, strike and expiry of the options of this month and the next, monthly and weekly."""
    step = max(25, paper.close // 40)
    for month in (first, (first + timedelta(days=32)).replace(day=1)):
        to_friday = (FRIDAY - month.weekday()) % 7
        fridays = [month + timedelta(days=to_friday + 7 * week) for week in range(5)]
        for week, expiry in enumerate((one for one in fridays if one.month == month.month), start=1):
            if WEEKS[week] and month != first:
                continue
            for number in range(STRIKES):
                strike = paper.close + step * (number - STRIKES // 2)
                for market, letter in (("070", "ABCDEFGHIJKL"), ("080", "MNOPQRSTUVWX")):
                    code = f"{paper.root}{letter[month.month - 1]}{strike // 10}{WEEKS[week]}"
                    yield code, market, strike, expiry


def option_line(paper: Paper, rng: random.Random, day: date, contract: tuple[str, str, int, date]) -> Line:
    """Return the session's quote of an option, worth what it would bring now and a little."""
    code, market, strike, expiry = contract
    inner = max(0, paper.close - strike if market == "070" else strike - paper.close)
    price = inner + rng.randrange(1, 60)
    return Line(
        day=day,
        code=code,
        open=price,
        high=price + 3,
        low=max(1, price - 3),
        close=price,
        trades=rng.randrange(1, 200),
        shares=rng.randrange(1, 900) * 100,
        bdi="78" if market == "070" else "82",
        market=market,
        name=f"{paper.root}E",
        specification=FORMS[paper.kind][1],
        isin=paper.isin,
        distribution=paper.distribution,
        strike=strike,
        expiry=f"{expiry:%Y%m%d}",
    )


def beside(paper: Paper, rng: random.Random, day: date) -> Iterator[Line]:
    """Yield what trades beside a large paper's lot: forwards, and now and then an auction and a block of it."""
    flat = {"day": day, "open": paper.close, "high": paper.close, "low": paper.close, "close": paper.close}
    described = {"name": f"SINT {paper.root}", "specification": FORMS[paper.kind][1], "isin": paper.isin}
    for term in TERMS:
        yield Line(**flat, **described, code=f"{paper.code}T", market="030", bdi="62", term=term, trades=3)
    if rng.random() < 0.2:
        yield Line(**flat, **described, code=paper.code, market="017", bdi="46", trades=1, shares=100_000)
    if rng.random() < 0.2:
        yield Line(**flat, **described, code=f"{paper.code}Q", market="021", bdi="93", trades=1, shares=500_000)
