"""Millionths of a real and relative changes on their way out."""

from ledger.market.price import MICROS_PER_REAL
from projections.queries.bar_fields import VOLUME


def field_number(field: str, value: int | None) -> float | int | None:
    """Return a bar's field as JSON has it: whole shares, or reais as the nearest double.

    That prints as the price's own decimal up to 15 digits.
    """
    return value if value is None or field == VOLUME else value / MICROS_PER_REAL


def change_text(change: float | None) -> str:
    """Return a relative change in percent with its sign, `-` where there is none."""
    return "-" if change is None else f"{change:+.4%}"
