"""The rules that daily bars are held to, with every threshold. A changed rule is a new `RULES_VERSION`.

A rule that answers differently by degree is listed once per severity, under one id.
`APPLIED_BY` ties each rule to the one function that applies it.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

RULES_VERSION = 2
# Of the sessions that this version knows: a calendar of another digest is another version.
CALENDAR_SHA256 = "94e0eafdf63c4ddb047d33230dbfc4f0d4c96b4cc74c17054116f2a27d4aa5b8"

Severity = Literal["R", "Q", "W", "B"]
Applying = TypeVar("Applying", bound=Callable[..., Any])

JUMP_FACTOR = 1.30
SPLIT_SIZES = (2, 3, 4, 5, 8, 10, 20, 50, 100)
SPLIT_TOLERANCE = 1.05  # what a share may move on the day of its split and still look like one
UNIT_FACTOR = 100
UNIT_TOLERANCE = JUMP_FACTOR  # once put right by the factor, no jump is left
STALE_SESSIONS = 3
ADJ_TOLERANCE = 1.0001
ADJ_SAME = 1e-6  # relative: adjusted closes this near are one, whatever the last bits of a float say
DIVIDEND_FRACTION_MAX = 0.25
DIVIDEND_APART_DAYS = 7
CENTAVO = 0.01
CENTAVOS_FROM = 0.10  # reais: a price below it is told apart at its own precision, a millionth
THRESHOLD_PERCENT = 10.0
THRESHOLD_ROWS_MIN = 20
SCALE_TOLERANCE = 1e-4
REWRITTEN_SHARE = 0.5
REWRITTEN_SESSIONS_MIN = 10  # the overlap of a daily answer is corrected now and then
EXPLAINED_TOLERANCE = 1.01  # how near a rescale is to the ratio of a split: prices are rounded


class Rule(msgspec.Struct, frozen=True):
    """One rule: `id` is stored with what it finds.

    Severity R rejects the row, Q accepts it with a flag, W warns, B rejects the whole answer.
    `threshold` is the number in `text` that draws the line, None where the rule has none.
    """

    id: str
    severity: Severity
    text: str
    threshold: float | None = None


APPLIED_BY: dict[Rule, Callable[..., Any]] = {}  # complete once `judge` is imported


def applies(*rules: Rule) -> Callable[[Applying], Applying]:
    """Tie `rules` to the decorated function, which is returned as it is.

    Raises: ValueError where one of them is tied to another function already.
    """

    def tie(function: Applying) -> Applying:
        for rule in rules:
            if (first := APPLIED_BY.setdefault(rule, function)) is not function:
                message = f"got {rule.id} applied by {function.__name__} and {first.__name__}, want one function"
                raise ValueError(message)
        return function

    return tie


FUTURE = Rule("FUTURE", "R", "the day is later than the day of the fetch in São Paulo")
NOT_SESSION = Rule("NOT_SESSION", "R", "the day is a weekend or B3 was closed")
CALENDAR_END = Rule("NOT_SESSION", "W", "the day lies outside the calendar table, so only weekends are known")
PARTIAL = Rule("PARTIAL", "R", "the day's session was not final when fetched: left for a later run, not counted")
WINDOW = Rule("WINDOW", "R", "the day lies outside the window that was asked for")
DUPLICATE = Rule("DUPLICATE", "R", "the day came more than once, with different values")
DUPLICATE_LAST = Rule("DUPLICATE", "Q", "the answer's last day came more than once: the last copy is kept")
OHLC_NAN = Rule(
    "OHLC_NAN",
    "R",
    "open, high, low or close is missing or not a number that can be held; a row without any of them is no row",
)
NONPOS = Rule("NONPOS", "R", "open, high, low or close is not above the threshold, to a millionth of a real", 0)
OHLC_ORDER = Rule(
    "OHLC_ORDER",
    "R",
    "rounded to the threshold in reais, open or close lies outside low to high; "
    f"a bar below {CENTAVOS_FROM:.2f} is not rounded",
    CENTAVO,
)
VOLUME = Rule("VOLUME", "R", "volume is not a whole number of at least the threshold", 0)
VOLUME_MOVED = Rule("VOLUME", "Q", "no share was traded, yet high and low differ; not for indices", 0)
VOLUME_IDLE = Rule("VOLUME", "W", "no share was traded, and the price stood still; not for indices", 0)
GAP = Rule(
    "GAP",
    "W",
    "a session due in the window (from the first day of the series on, where that is known) has no bar; "
    "asked for again, never interpolated; not for files that list trades alone",
)
STALE_IDLE = Rule("STALE", "Q", "prices repeat without a trade for the threshold of sessions or more", STALE_SESSIONS)
STALE = Rule("STALE", "W", "prices and volume repeat for the threshold of sessions or more", STALE_SESSIONS)
JUMP = Rule(
    "JUMP",
    "Q",
    "close moved by more than the threshold as a factor, once what each action of the day explains by its own size "
    "is taken out; on a split-adjusted series a split explains nothing; not for contracts",
    JUMP_FACTOR,
)
RANGE = Rule(
    "RANGE",
    "Q",
    "high or low lies more than the threshold, as a factor, from open and close; not for contracts",
    JUMP_FACTOR,
)
SPLIT_SUSPECT = Rule(
    "SPLIT_SUSPECT",
    "Q",
    "what is left of a step is within the threshold, as a factor, of a listed split of any ratio (of one below the "
    f"factor of JUMP: within a third of it, at the open too), or a jump of 1 to n or n to 1, n in {SPLIT_SIZES}: "
    "a split missed or made twice; not for contracts",
    SPLIT_TOLERANCE,
)
UNIT_100X = Rule(
    "UNIT_100X",
    "Q",
    "one day is off by the threshold as a factor, and the next is back; not for contracts",
    UNIT_FACTOR,
)
ADJ = Rule(
    "ADJ",
    "Q",
    "adjusted close is unreadable, not above 0, above close by more than the threshold as a factor, "
    "or its ratio to close falls with time or rises with no action",
    ADJ_TOLERANCE,
)
EVENT = Rule(
    "EVENT",
    "Q",
    "a dividend above the threshold as a fraction of the previous close, or not above 0, "
    f"or equal to another within {DIVIDEND_APART_DAYS} days; a split of no ratio, or of 1; an action that cannot be "
    "read or is in another currency (not held); one held that a whole answer lacks (kept)",
    DIVIDEND_FRACTION_MAX,
)
REWRITTEN = Rule(
    "REWRITTEN",
    "Q",
    "the closes of more than this share of the sessions held that an answer covers are others, "
    "by no one ratio, or a hundredfold that is no split's; not for series as traded",
    REWRITTEN_SHARE,
)
IDENTITY = Rule(
    "IDENTITY",
    "B",
    "the answer is of another symbol, currency, exchange, time zone or length of bar, or names no currency or length",
)
IDENTITY_ROW = Rule("IDENTITY", "R", "the row is in another currency than its series; not counted by THRESHOLD")
EMPTY = Rule("EMPTY", "B", "the answer has no row, though the window holds a final session")
THRESHOLD = Rule(
    "THRESHOLD",
    "B",
    f"the days rejected exceed this percentage (by default) of the rows received, {THRESHOLD_ROWS_MIN} at least, "
    "or no day is left",
    THRESHOLD_PERCENT,
)

RULES = (
    FUTURE,
    NOT_SESSION,
    CALENDAR_END,
    PARTIAL,
    WINDOW,
    DUPLICATE,
    DUPLICATE_LAST,
    OHLC_NAN,
    NONPOS,
    OHLC_ORDER,
    VOLUME,
    VOLUME_MOVED,
    VOLUME_IDLE,
    GAP,
    STALE_IDLE,
    STALE,
    JUMP,
    RANGE,
    SPLIT_SUSPECT,
    UNIT_100X,
    ADJ,
    EVENT,
    REWRITTEN,
    IDENTITY,
    IDENTITY_ROW,
    EMPTY,
    THRESHOLD,
)
