"""What `main compare` prints. Pure."""

from ledger.market.price import MICROS_PER_REAL, price_text
from projections.api.comparing import CompareRow
from projections.queries.compare import VOLUME


def text(one: CompareRow) -> str:
    """Return the comparison as a person reads it: a line of counts, then one per difference."""
    who = f"{one.ticker} {one.a} against {one.b}, {one.start} to {one.end}"
    shared = f"{one.sessions} sessions in both, {one.agreeing} agree, {one.differing} differ"
    alone = f"{one.only_in_a} only in {one.a}, {one.only_in_b} only in {one.b}"
    lines = [f"{who}: {shared}, {alone}"]
    for worst in one.worst:
        a, b, apart = (
            f"{value:.0f}" if worst.field == VOLUME else price_text(round(value * MICROS_PER_REAL))
            for value in (worst.a, worst.b, worst.apart)
        )
        lines.append(f"  {worst.date} {worst.field}: {a} in {one.a}, {b} in {one.b}, {apart} apart")
    return "\n".join(lines)
