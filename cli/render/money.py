"""Millionths of a real on their way out: what JSON, Parquet and people get of a price."""

from ledger.market.price import AMOUNTS_PER_REAL, MICROS_PER_REAL, price_text
from projections.queries.bar_fields import VOLUME


def number(micros: int) -> float:
    """Return a price in reais as the nearest double, which prints as the price's own decimal up to 15 digits."""
    return micros / MICROS_PER_REAL


def paid(amount: int) -> float:
    """Return an amount per share, 10^-12 of a real, as the nearest double in reais."""
    return amount / AMOUNTS_PER_REAL


def maybe(micros: int | None) -> float | None:
    """Return `number` of a price that may be missing."""
    return None if micros is None else number(micros)


def field_number(field: str, value: int | None) -> float | int | None:
    """Return a bar's field as JSON has it: reais, or whole shares."""
    return value if field == VOLUME else maybe(value)


def field_text(field: str, value: int | None) -> str:
    """Return a bar's field as people read it, `-` where there is none."""
    if value is None:
        return "-"
    return str(value) if field == VOLUME else price_text(value)


def change_text(change: float | None) -> str:
    """Return a relative change in percent with its sign, `-` where there is none."""
    return "-" if change is None else f"{change:+.4%}"
