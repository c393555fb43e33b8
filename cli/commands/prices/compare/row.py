"""What `main compare` prints. Pure."""

from datetime import date

import msgspec

from ledger.market.price import MICROS_PER_REAL, price_text
from projections.queries.compare import Comparison, Field


class DifferenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price on which the providers differ, in reais on the split-adjusted basis where one of them has it."""

    date: date
    field: Field
    a: float
    b: float
    apart: float


class CompareRow(msgspec.Struct, frozen=True, kw_only=True):
    """How two providers agree on a ticker; counts are of sessions, `start` and `end` the first and last in both.

    `tolerance` is in reais of the prices as they were traded, from R$ 0.10 on.
    """

    ticker: str
    a: str
    b: str
    start: date
    end: date
    sessions: int
    agreeing: int
    differing: int
    only_in_a: int
    only_in_b: int
    tolerance: float
    worst: tuple[DifferenceRow, ...]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Who is compared on what, and how far apart is still the same."""

    ticker: str
    a: str
    b: str
    tolerance_micros: int


def row(pair: Pair, found: Comparison, *, limit: int) -> CompareRow:
    """Return what is printed of a comparison of at least one session, with the `limit` worst differences."""
    return CompareRow(
        ticker=pair.ticker,
        a=pair.a,
        b=pair.b,
        start=found.both[0],
        end=found.both[-1],
        sessions=len(found.both),
        agreeing=found.agreeing,
        differing=len(found.differing),
        only_in_a=len(found.only_a),
        only_in_b=len(found.only_b),
        tolerance=pair.tolerance_micros / MICROS_PER_REAL,
        worst=tuple(
            DifferenceRow(
                date=one.date,
                field=one.field,
                a=one.a / MICROS_PER_REAL,
                b=one.b / MICROS_PER_REAL,
                apart=one.apart / MICROS_PER_REAL,
            )
            for one in found.differences[:limit]
        ),
    )


def text(one: CompareRow) -> str:
    """Return the comparison as a person reads it: a line of counts, then one per difference."""
    who = f"{one.ticker} {one.a} against {one.b}, {one.start} to {one.end}"
    shared = f"{one.sessions} sessions in both, {one.agreeing} agree, {one.differing} differ"
    alone = f"{one.only_in_a} only in {one.a}, {one.only_in_b} only in {one.b}"
    lines = [f"{who}: {shared}, {alone}"]
    for worst in one.worst:
        a, b, apart = (price_text(round(price * MICROS_PER_REAL)) for price in (worst.a, worst.b, worst.apart))
        lines.append(f"  {worst.date} {worst.field}: {a} in {one.a}, {b} in {one.b}, {apart} apart")
    return "\n".join(lines)
