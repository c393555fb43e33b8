"""Write a synthetic COTAHIST file: `python scripts/make_cotahist.py --records 500000 --out FILE.ZIP`.

The layout is B3's, every name, code and price is invented, and the same seed gives the same bytes.
In it: quotation factors 1, 10 and 1000, fractional lots, options, a code of no known form, splits that show in
DISMES and in the price, with the marker in ESPECI lingering for 8 sessions; before July 1994, the currency of the day.
"""

import argparse
import random
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import msgspec

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from ledger.market.sessions import sessions  # noqa: E402 - the same
from ledger.values import Window  # noqa: E402 - the same

LINGERS = 8  # sessions for which the marker of an action stays
MIX = "sfsosfosof"  # spot, fractional and option codes, as they come by tens
OPTION_STRIKES = 5
FACTORS = {1: 1000, 2: 10}  # by the number of the spot code; the others quote one share
UNKNOWN = 3  # the number of the spot code that is no ticker
SPLIT_EVERY = 7  # one spot code in so many splits in the year
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


FORMER_MONEY = (  # from which day on prices are written how; a year before 1994 is in the money of its days
    (date(1994, 7, 1), "R$"),
    (date(1994, 3, 1), "URV"),
    (date(1990, 3, 16), "CR$"),
    (date(1989, 1, 16), "NCZ$"),
    (date(1986, 2, 28), "CZ$"),
    (date.min, "CR$"),
)


def money(day: date) -> str:
    """Return the currency that prices of a day are written in."""
    return next(written for first, written in FORMER_MONEY if day >= first)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One quote before it is written; prices are centavos for `factor` shares."""

    day: date
    code: str
    open: int
    high: int
    low: int
    close: int
    mean: int = 0
    shares: int = 1_000
    bdi: str = "02"
    market: str = "010"
    name: str = "SINTETICA"
    specification: str = "ON      NM"
    currency: str = "R$"
    factor: int = 1
    distribution: int = 100
    isin: str = "BRSINTACNOR0"
    bid: int | None = None
    ask: int | None = None
    trades: int = 7
    value: int | None = None
    term: str = ""
    strike: int = 0
    correction: str = "0"
    expiry: str = "99991231"
    strike_points: int = 0

    def text(self) -> bytes:
        """Return the quote's line, with its end."""
        value = self.close * self.shares // self.factor if self.value is None else self.value
        bid, ask = (self.close if price is None else price for price in (self.bid, self.ask))
        prices = (self.open, self.high, self.low, self.mean or self.close, self.close, bid, ask)
        return (
            f"01{self.day:%Y%m%d}{self.bdi}{self.code:<12}{self.market}{self.name:<12}{self.specification:<10}"
            f"{self.term:<3}{self.currency:<4}{''.join(f'{price:013d}' for price in prices)}"
            f"{self.trades:05d}{self.shares:018d}{value:018d}"
            f"{self.strike:013d}{self.correction}{self.expiry}{self.factor:07d}{self.strike_points:013d}"
            f"{self.isin:<12}{self.distribution:03d}\r\n"
        ).encode("latin-1")


class Code(msgspec.Struct):
    """A code's walk through the year."""

    name: str
    bdi: str
    market: str
    factor: int
    close: int
    split_on: int | None = None  # the number of the session
    distribution: int = 100

    def trade(self, rng: random.Random, day: date, number: int) -> Line:
        """Return the session's quote and move on to its close."""
        if number == self.split_on:
            self.close = max(self.close // 2, 1)
            self.distribution += 1
        opened, close = self.close, max(1, round(self.close * rng.uniform(0.97, 1.03)))
        self.close = close
        return Line(
            day=day,
            code=self.name,
            open=opened,
            high=max(opened, close) + rng.randrange(5),
            low=max(1, min(opened, close) - rng.randrange(5)),
            close=close,
            shares=rng.randrange(1, 9_000) * 100,
            bdi=self.bdi,
            market=self.market,
            specification="ON  ED  NM" if self.marked(number) else "ON      NM",
            currency=money(day),
            factor=self.factor,
            distribution=self.distribution,
        )

    def marked(self, number: int) -> bool:
        """Return whether the split's marker still shows in session `number`."""
        return self.split_on is not None and self.split_on <= number < self.split_on + LINGERS


def header(year: int, made_on: date) -> bytes:
    """Return the first line of a file."""
    return f"00COTAHIST.{year}BOVESPA {made_on:%Y%m%d}".ljust(245).encode() + b"\r\n"


def trailer(year: int, made_on: date, count: int) -> bytes:
    """Return the last line of a file; `count` is of quotes alone, or with header and trailer."""
    return f"99COTAHIST.{year}BOVESPA {made_on:%Y%m%d}{count:011d}".ljust(245).encode() + b"\r\n"


def whole(quotes: Iterable[bytes], *, year: int, made_on: date | None = None) -> Iterator[bytes]:
    """Yield every line of a file of `quotes`, counted with header and trailer."""
    made, count = made_on or date(year, 12, 31), 2
    yield header(year, made)
    for line in quotes:
        count += 1
        yield line
    yield trailer(year, made, count)


def quotes(*, records: int, year: int, seed: int) -> Iterator[bytes]:
    """Yield `records` quotes over the sessions of `year`, day by day, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - reproducible data, not secrets
    days = sessions(Window(date(year, 1, 1), date(year, 12, 31)))
    fewest, more = divmod(records, len(days))
    codes = make_codes(fewest + bool(more), rng, len(days))
    for number, day in enumerate(days):
        for code in codes[: fewest + (number < more)]:
            yield code.trade(rng, day, number).text()


def make_codes(count: int, rng: random.Random, days: int) -> Sequence[Code]:
    """Return `count` codes of all markets, mixed alike in every ten."""
    made = {"s": 0, "f": 0, "o": 0}
    codes = []
    for index in range(count):
        market = MIX[index % len(MIX)]
        codes.append(MAKERS[market](made[market], rng, days))
        made[market] += 1
    return codes


def spot_code(number: int, rng: random.Random, days: int) -> Code:
    """Return the spot code of that number: one in 7 splits, numbers 1 and 2 quote many shares, 3 is no ticker."""
    factor = FACTORS.get(number, 1)
    name = "ZSEMNUM" if number == UNKNOWN else f"{letters(number)}3"
    split_on = rng.randrange(days) if number % SPLIT_EVERY == 0 else None
    close = rng.randrange(500, 9_000) * factor
    return Code(name, "97" if number == UNKNOWN else "02", "010", factor, close, split_on)


def fractional_code(number: int, rng: random.Random, _days: int) -> Code:
    """Return the fractional lot of the spot code of that number."""
    return Code(f"{letters(number)}3F", "96", "020", 1, rng.randrange(500, 9_000))


def option_code(number: int, rng: random.Random, _days: int) -> Code:
    """Return a call on the spot code that the number belongs to."""
    underlying, strike = divmod(number, OPTION_STRIKES)
    return Code(f"{letters(underlying)}A{20 + strike}", "78", "070", 1, rng.randrange(5, 300))


MAKERS = {"s": spot_code, "f": fractional_code, "o": option_code}


def letters(number: int) -> str:
    """Return four letters that name `number`, Z the first: no code of B3's is meant."""
    name = ""
    for _ in range(3):
        number, digit = divmod(number, len(ALPHABET))
        name = ALPHABET[digit] + name
    return f"Z{name}"


def write(path: Path, lines: Iterable[bytes], *, member: str) -> None:
    """Write `lines` to `path`: inside a ZIP, as its `member`, when the name ends so."""
    if path.suffix.lower() != ".zip":
        with path.open("wb") as file:
            file.writelines(lines)
        return
    entry = zipfile.ZipInfo(member)  # its time is fixed, so that the same seed gives the same bytes
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive, archive.open(entry, "w", force_zip64=True) as file:
        for line in lines:
            file.write(line)


def main() -> None:
    """Write the file that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000, help="of a year of a few markets")
    parser.add_argument("--year", type=int, default=2025)
    parser.add_argument("--month", metavar="YYYY-MM", help="a month of the whole exchange, in place of a year")
    parser.add_argument("--papers", type=int, default=400, help="how many papers that exchange lists")
    parser.add_argument("--every-kind", action="store_true", help="with --month: receipts and exercises of options too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if given.month is None:
        lines = whole(quotes(records=given.records, year=given.year, seed=given.seed), year=given.year)
        write(given.out, lines, member=f"COTAHIST_A{given.year}.TXT")
        return
    # Imported here: it makes its lines of this module's.
    from scripts.exchange_month import month_lines

    first = date.fromisoformat(f"{given.month}-01")
    lines = whole(
        month_lines(first, papers=given.papers, seed=given.seed, every_kind=given.every_kind), year=first.year
    )
    write(given.out, lines, member=f"COTAHIST_M{first:%m%Y}.TXT")


if __name__ == "__main__":
    main()
