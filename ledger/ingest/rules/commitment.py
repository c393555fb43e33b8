"""What a decision commits to: the state of the series that it finds, and the one that it leads to. Pure."""

from datetime import date

from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules import actions
from ledger.ingest.rules.held import Held
from ledger.market.series import Series
from ledger.market.series_state import leaf_of, leaves_of, state
from ledger.values import ACCEPTED, Bar


def committed(decision: ValidationCompleted, held: Held, *, threshold_percent: float) -> ValidationCompleted:
    """Return the decision over what is `held`, with both states and the threshold that it was made under.

    Costs the years that the decision touches, and, where `held` has no leaves, the bars held once.
    """
    series = Series(decision.ticker, decision.provider)
    known = held.leaves
    leaves = leaves_of(held.bars[day] for day in sorted(held.bars)) if known is None else dict(known)
    before = after = state(series, held.basis or decision.basis, leaves, held.actions)
    if decision.verdict in ACCEPTED:
        # Year by year, since most decisions touch one, and the others' bars need no look but at their day.
        touched: dict[int, dict[date, Bar]] = {bar.date.year: {} for bar in decision.bars}
        for day, bar in held.bars.items():
            if (of_year := touched.get(day.year)) is not None:
                of_year[day] = bar
        for bar in decision.bars:
            touched[bar.date.year][bar.date] = bar
        for year, bars in touched.items():
            leaves[year] = leaf_of([bars[day] for day in sorted(bars)])
        after = state(series, decision.basis, leaves, actions.in_force(held.actions, decision.actions))
    # A whole number would be stored as an integer: the field is a float64.
    return replace(decision, before=before, after=after, threshold_percent=float(threshold_percent))
