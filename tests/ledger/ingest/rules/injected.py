"""Faults that are put into quiet answers, one kind a row, and exactly what the rules find in each."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge
from ledger.ingest.rules.reading import Offer, Reading
from ledger.ingest.rules.row_rules import exact_bar
from ledger.values import Bar, Identity, RawBar, Window
from tests.ledger.ingest.answers import GOOD, LATER, evidence
from tests.ledger.ingest.rules.walks import YEAR, Walk, calm, walk
from tests.support.actions import paid

TICKERS = 300  # in the quiet year
WALKS = 20  # a fault
DAYS = YEAR[:120]

Letter = Literal["R", "Q", "W", "B"]
Found = tuple[Letter, str, date | None]


class Answer:
    """An answer that a fault may be put into."""

    def __init__(self, quiet: Walk) -> None:
        self.bars = list(quiet.bars)
        self.offers = list(quiet.offers)
        self.window = Window(self.bars[0].date, self.bars[-1].date)
        self.identity: Identity = GOOD
        self.granularity: str | None = "1d"
        self.foreign: dict[date, str] = {}
        self.held = Held({})
        self.finished = LATER

    def edit(self, number: int, **cells: Any) -> None:
        """Change one row."""
        self.bars[number] = replace(self.bars[number], **cells)

    def scale(self, numbers: range, factor: float) -> None:
        """Multiply the prices of some rows."""
        for number in numbers:
            one = self.bars[number]
            names = ("open", "high", "low", "close", "adj_close")
            self.edit(number, **{name: getattr(one, name) * factor for name in names})

    def level(self, numbers: range, factor: float) -> None:
        """Multiply the adjusted closes alone."""
        for number in numbers:
            self.edit(number, adj_close=(self.bars[number].adj_close or 0.0) * factor)

    def offer(self, number: int, **fields: Any) -> None:
        """Add an action on the day of a row; a dividend unless a kind is given."""
        self.offers.append(Offer(**{"date": self.bars[number].date, "kind": "dividend", **fields}))

    def pay(self, number: int, fraction: float) -> None:
        """Pay a fraction of the close before, adjusted closes and all."""
        self.offer(number, amount=round(self.bars[number - 1].close * fraction, 6))
        self.level(range(number), 1 - fraction)

    def part(self, number: int, new: int, old: int) -> None:
        """List a split."""
        self.offer(number, kind="split", numerator=new, denominator=old)

    def found(self) -> list[Found]:
        """Return all that the rules find, in order."""
        fetch = evidence(self.bars, window=self.window, finished=self.finished, identity=self.identity)
        reading = Reading(
            rows=tuple(self.bars),
            offers=tuple(self.offers),
            granularity=self.granularity,
            names_currency=True,
            foreign=self.foreign,
        )
        decision = judge(fetch, self.held, basis="split_adjusted", exchange="SAO", reading=reading)
        assert isinstance(decision, ValidationCompleted)
        listed: tuple[tuple[Letter, Any], ...] = (
            ("R", decision.rejected), ("Q", decision.flagged), ("W", decision.warned)
        )  # fmt: skip
        return sorted(
            (
                (letter if letter != "R" or one.date is not None else "B", one.rule, one.date)
                for letter, findings in listed
                for one in findings
            ),
            key=str,
        )


class Fault(msgspec.Struct, frozen=True):
    """A kind of fault: `inject` puts it on the session of that number, and returns the day if that is another.

    `findings` are (severity, rule, sessions after that day); None is the whole answer.
    """

    text: str
    inject: Callable[[Answer, int], date | None]
    findings: tuple[tuple[Letter, str, int | None], ...]

    def summary(self) -> str:
        """Return the findings as the page has them."""
        counts = Counter((letter, rule) for letter, rule, _ in self.findings)
        many = {key: "" if count == 1 else f" ({count} times)" for key, count in counts.items()}
        return ", ".join(f"**{letter}** `{rule}`{many[letter, rule]}" for letter, rule in counts)


def outcome(fault: Fault, seed: int) -> tuple[list[Found], list[Found]]:
    """Return what is to be found of the fault in the walk of a seed, and what is."""
    quiet = walk(seed, actions=False, days=DAYS)
    number = calm(quiet.bars, random.Random(seed))
    answer = Answer(quiet)
    elsewhere = fault.inject(answer, number)
    expected: list[Found] = []
    for letter, rule, offset in fault.findings:
        day = None if offset is None else elsewhere or DAYS[number + offset]
        expected.append((letter, rule, day))
    return sorted(expected, key=str), answer.found()


def missed(fault: Fault, seeds: Iterable[int]) -> dict[int, object]:
    """Return what was to be found of the fault and what was, by seed, where that differs."""
    both = {seed: outcome(fault, seed) for seed in seeds}
    return {seed: (expected, found) for seed, (expected, found) in both.items() if expected != found}


def disturbed(seeds: Iterable[int]) -> dict[int, object]:
    """Return what is found in the quiet years of the seeds, where anything is."""
    found = {seed: Answer(walk(seed, actions=True)).found() for seed in seeds}
    return {seed: findings for seed, findings in found.items() if findings}


def edited(**cells: Any) -> Callable[[Answer, int], None]:
    """Return what sets cells of a row."""
    return lambda answer, number: answer.edit(number, **cells)


def of_row(change: Callable[[RawBar], dict[str, Any]]) -> Callable[[Answer, int], None]:
    """Return what changes cells of a row by what it holds."""
    return lambda answer, number: answer.edit(number, **change(answer.bars[number]))


def identified(**fields: str | None) -> Callable[[Answer, int], None]:
    """Return what makes the answer say something else of itself."""

    def inject(answer: Answer, _: int) -> None:
        answer.identity = replace(answer.identity, **fields)

    return inject


def with_split(new: int, old: int, *, scaled: float, later: int = 0) -> Callable[[Answer, int], None]:
    """Return what leaves history `scaled` against what it ought to be, and lists a split so many sessions later."""

    def inject(answer: Answer, number: int) -> None:
        answer.part(number + later, new, old)
        answer.scale(range(number), scaled)

    return inject


def offered(**fields: Any) -> Callable[[Answer, int], None]:
    """Return what adds an action."""
    return lambda answer, number: answer.offer(number, **fields)


def stepped(factor: float) -> Callable[[Answer, int], None]:
    """Return what multiplies prices from a row on."""
    return lambda answer, number: answer.scale(range(number, len(answer.bars)), factor)


def once(factor: float) -> Callable[[Answer, int], None]:
    """Return what multiplies the prices of one row."""
    return lambda answer, number: answer.scale(range(number, number + 1), factor)


def frozen(sessions: int, *, volume: int | None, flat: bool) -> Callable[[Answer, int], None]:
    """Return what repeats a row."""

    def inject(answer: Answer, number: int) -> None:
        one = answer.bars[number]
        same = {"open": one.close, "high": one.close, "low": one.close} if flat else {}
        like = replace(one, volume=one.volume if volume is None else volume, **same)
        for later in range(number, number + sessions):
            answer.bars[later] = replace(like, date=answer.bars[later].date)

    return inject


def removed(answer: Answer, number: int) -> None:
    """Take a row out."""
    del answer.bars[number]


def twice(answer: Answer, number: int) -> None:
    """Send a row again, with another close."""
    one = answer.bars[number]
    answer.bars.insert(number, replace(one, close=(one.high + one.low) / 2 * 1.0001))


def last_twice(answer: Answer, _: int) -> date:
    """Send the last row again, with another volume."""
    answer.bars.append(replace(answer.bars[-1], volume=77))
    return answer.bars[-1].date


def on_day(pick: Callable[[Answer, date], date]) -> Callable[[Answer, int], date]:
    """Return what adds a row on a day that is none."""

    def inject(answer: Answer, number: int) -> date:
        one = answer.bars[number]
        extra = replace(one, date=pick(answer, one.date))
        answer.bars = sorted([*answer.bars, extra], key=lambda bar: bar.date)
        return extra.date

    return inject


def saturday(_: Answer, day: date) -> date:
    """Return the Saturday after a day."""
    return day + timedelta(days=5 - day.weekday())


def future(answer: Answer, _: date) -> date:
    """Return the day after the answer came, which is the last one's evening."""
    answer.finished = f"{answer.bars[-1].date}T23:00:00+00:00"
    answer.window = Window(answer.window.start, answer.window.end + timedelta(days=4))
    return answer.bars[-1].date + timedelta(days=1)


def many_bad(answer: Answer, number: int) -> None:
    """Make 13 of 120 rows worthless."""
    for later in range(number, number + 13):
        answer.edit(later, close=0.0)


def foreign(answer: Answer, number: int) -> None:
    """Put a row into another currency."""
    answer.foreign = {answer.bars[number].date: "BRR"}


def held_action(answer: Answer, number: int) -> None:
    """Hold an action that the answer lacks."""
    answer.held = Held({}, actions=(paid(answer.bars[number].date, 1000),))


def held_closes(factor: Callable[[int], float]) -> Callable[[Answer, int], date]:
    """Return what holds every session as it came, and sends each again at its `factor` times the prices."""

    def inject(answer: Answer, _: int) -> date:
        answer.held = Held({one.date: bar for one in answer.bars if isinstance(bar := exact_bar(one), Bar)})
        for number in range(len(answer.bars)):
            answer.scale(range(number, number + 1), factor(number))
        return answer.bars[-1].date

    return inject


def weekly(answer: Answer, _: int) -> None:
    """Call the bars weekly."""
    answer.granularity = "1wk"


def unnamed_length(answer: Answer, _: int) -> None:
    """Leave out how long a bar is."""
    answer.granularity = None


def large_dividend(answer: Answer, number: int) -> None:
    """Pay 30 % of the close, which falls by as much."""
    answer.scale(range(number, len(answer.bars)), 0.7)
    answer.pay(number, 0.3)


def centavos_beside_a_fall(answer: Answer, number: int) -> None:
    """Pay under 1 % on the day of a tenfold fall."""
    answer.scale(range(number, len(answer.bars)), 0.1)
    answer.pay(number, 0.008)


def equal_payments(answer: Answer, number: int) -> None:
    """Pay the same amount two sessions apart."""
    amount = round(answer.bars[number].close * 0.005, 6)
    for later in (number, number + 2):
        answer.offer(later, amount=amount)
        answer.level(range(later), 1 - amount / answer.bars[later - 1].close)


def both(rule: str) -> tuple[tuple[Letter, str, int], ...]:
    """Return a row's rejection, and the session that is missing without it."""
    return (("R", rule, 0), ("W", "GAP", 0))


def flags(*rules: str, at: int = 0) -> tuple[tuple[Letter, str, int], ...]:
    """Return flags on one day."""
    return tuple(("Q", rule, at) for rule in rules)


IDENTITY: tuple[tuple[Letter, str, None], ...] = (("B", "IDENTITY", None),)
STEP = flags("JUMP", "SPLIT_SUSPECT")
SLIP = (*STEP, *flags("UNIT_100X"), *flags("JUMP", "SPLIT_SUSPECT", at=1))

FAULTS: tuple[Fault, ...] = (
    Fault("a close is missing", edited(close=math.nan), both("OHLC_NAN")),
    Fault("an open is infinite", edited(open=math.inf), both("OHLC_NAN")),
    Fault(
        "a row without any price",
        edited(open=math.nan, high=math.nan, low=math.nan, close=math.nan),
        (("W", "GAP", 0),),
    ),
    Fault("a close of 0", edited(close=0.0), both("NONPOS")),
    Fault("a low below 0", edited(low=-0.01), both("NONPOS")),
    Fault("high and low change places", of_row(lambda one: {"high": one.low, "low": one.high}), both("OHLC_ORDER")),
    Fault("a close 2 centavos above high", of_row(lambda one: {"close": one.high + 0.02}), both("OHLC_ORDER")),
    Fault("a volume is missing", edited(volume=None), both("VOLUME")),
    Fault("a volume below 0", edited(volume=-1), both("VOLUME")),
    Fault("half a share of volume", edited(volume=100.5), both("VOLUME")),
    Fault("no volume, and the price moved", edited(volume=0), flags("VOLUME")),
    Fault("no volume, and the price stood", frozen(1, volume=0, flat=True), (("W", "VOLUME", 0),)),
    Fault("a day twice, with two closes", twice, both("DUPLICATE")),
    Fault("the last day twice, with two volumes", last_twice, flags("DUPLICATE")),
    Fault("a bar on a Saturday", on_day(saturday), (("R", "NOT_SESSION", 0),)),
    Fault("a bar on a holiday", on_day(lambda *_: date(2025, 4, 21)), (("R", "NOT_SESSION", 0),)),
    Fault("a bar of tomorrow", on_day(future), (("R", "FUTURE", 0),)),
    Fault("a bar from before the window", on_day(lambda *_: date(2024, 12, 30)), (("R", "WINDOW", 0),)),
    Fault("a bar stamped 1970", on_day(lambda *_: date(1970, 1, 1)), (("R", "WINDOW", 0),)),
    Fault("a session is missing", removed, (("W", "GAP", 0),)),
    Fault("three sessions alike", frozen(3, volume=None, flat=False), (("W", "STALE", 2),)),
    Fault(
        "four sessions frozen without a trade",
        frozen(4, volume=0, flat=True),
        (*flags("STALE", at=3), *(("W", "VOLUME", number) for number in range(4))),
    ),
    Fault("a high a hundred times as high", of_row(lambda one: {"high": one.high * 100}), flags("RANGE")),
    Fault("a low of a hundredth", of_row(lambda one: {"low": one.low / 100}), flags("RANGE")),
    Fault("a high 1.4 times as high", of_row(lambda one: {"high": max(one.open, one.close) * 1.4}), flags("RANGE")),
    Fault("prices half as high again from a day on", stepped(1.5), flags("JUMP")),
    Fault("one day 1.4 times as high", once(1.4), (*flags("JUMP"), *flags("JUMP", at=1))),
    Fault("prices halve, and nothing is listed", stepped(0.5), STEP),
    Fault("prices are ten times as high, and nothing is listed", stepped(10.0), STEP),
    Fault("a listed grouping of 25, history as it was", with_split(1, 25, scaled=1 / 25), STEP),
    Fault("a listed split of 40, history as it was", with_split(40, 1, scaled=40.0), STEP),
    Fault("a listed split of 6, history as it was", with_split(6, 1, scaled=6.0), STEP),
    Fault("a listed split of 3 for 2, history as it was", with_split(3, 2, scaled=1.5), STEP),
    Fault("a listed bonus of 10 %, history as it was", with_split(11, 10, scaled=1.1), flags("SPLIT_SUSPECT")),
    Fault("a listed split of 2, history adjusted twice", with_split(2, 1, scaled=0.5), STEP),
    Fault(
        "a listed split of 4, history adjusted in part",
        with_split(4, 1, scaled=4.0, later=10),
        STEP,
    ),
    Fault("one day in hundredfold prices", once(100.0), SLIP),
    Fault("one day in prices of a hundredth", once(0.01), SLIP),
    Fault("a dividend of 30 % of the close, paid in full", large_dividend, flags("EVENT")),
    Fault("a tenfold fall beside a dividend of centavos", centavos_beside_a_fall, STEP),
    Fault("a dividend in dollars", offered(amount=0.26, currency="USD"), flags("EVENT")),
    Fault("a dividend of no amount", offered(amount=None), flags("EVENT")),
    Fault("a dividend of 0", offered(amount=0.0), flags("EVENT")),
    Fault("equal dividends two sessions apart", equal_payments, flags("EVENT", at=2)),
    Fault("a split of 1 for 1", offered(kind="split", numerator=1, denominator=1), flags("EVENT")),
    Fault("a split into no shares", offered(kind="split", numerator=0, denominator=1), flags("EVENT")),
    Fault("a held dividend that the answer lacks", held_action, flags("EVENT")),
    Fault(
        "one adjusted close above its close",
        of_row(lambda one: {"adj_close": one.close * 1.01}),
        (*flags("ADJ", "ADJ"), *flags("ADJ", at=1)),
    ),
    Fault("an adjusted close of 0", edited(adj_close=0.0), flags("ADJ")),
    Fault("an adjusted close that is no number", edited(adj_close=math.inf), flags("ADJ")),
    Fault(
        "adjusted closes step, and nothing was paid",
        lambda answer, number: answer.level(range(number), 0.97),
        flags("ADJ"),
    ),
    Fault(
        "adjusted closes fall against their closes",
        lambda answer, number: answer.level(range(number, len(answer.bars)), 0.97),
        flags("ADJ"),
    ),
    Fault(
        "closes held are sent again with others, which no one ratio makes of them",
        held_closes(lambda number: 1.001 + 0.0003 * number),
        flags("REWRITTEN"),
    ),
    Fault("all that is held is sent again, a hundred times as high", held_closes(lambda _: 100.0), flags("REWRITTEN")),
    Fault("another symbol", identified(symbol="PETR3.SA"), IDENTITY),
    Fault("another currency", identified(currency="USD"), IDENTITY),
    Fault("no currency", identified(currency=None), IDENTITY),
    Fault("another exchange", identified(exchange="NYQ"), IDENTITY),
    Fault("another time zone", identified(timezone="America/New_York"), IDENTITY),
    Fault("weekly bars", weekly, IDENTITY),
    Fault("bars of a length that is not named", unnamed_length, IDENTITY),
    Fault("a row in a former currency", foreign, both("IDENTITY")),
    Fault(
        "13 of 120 rows without a close",
        many_bad,
        (("B", "THRESHOLD", None), *(("R", "NONPOS", number) for number in range(13))),
    ),
)
