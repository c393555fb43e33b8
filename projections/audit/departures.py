"""How an event departs from what is derived of it. Pure."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from ledger.errors import LedgerError
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules import row_rules
from ledger.ingest.rules.reading import Reading
from ledger.values import Identity, RawBar

SHOWN = 200  # characters of a value that is printed


class DepartureError(LedgerError):
    """An event is not what is derived of it: `what` of it is `recorded`, and comes out as `derived`."""

    def __init__(self, what: str, recorded: object, derived: object) -> None:
        self.what, self.recorded, self.derived = what, shown(recorded), shown(derived)
        super().__init__(f"got {what} {self.recorded}, want {self.derived}")


class NotDerivedError(LedgerError):
    """An event cannot be derived again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"got {reason}, want what can be derived again")
        self.reason = reason


def shown(value: object) -> str:
    """Return `value` in a line: text as it is, all else as JSON."""
    if isinstance(value, str):
        text = value
    else:
        text = value.hex() if isinstance(value, bytes) else msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def check_bars(fetch: FetchSucceeded, reading: Reading) -> None:
    """Return quietly when every bar that the library handed over is a row of the answer.

    A library leaves rows out, and puts 0 for a volume that is null; it makes none up.

    Raises: DepartureError.
    """
    if fetch.bars is reading.rows or fetch.bars == reading.rows:
        return
    rows: dict[Any, list[RawBar]] = defaultdict(list)
    for row in reading.rows:
        rows[row.date].append(row)
    for bar in fetch.bars:
        cells = _cells(bar)
        without_volume = [*cells[:-1], None] if bar.volume == 0 else cells
        if not any(_cells(row) == (without_volume if row.volume is None else cells) for row in rows[bar.date]):
            raise DepartureError(f"bar of {bar.date}", cells, [_cells(row) for row in rows[bar.date]])


def check_identity(fetch: FetchSucceeded, reading: Reading) -> None:
    """Return quietly when the series is recorded as the answer names it, in all that it says of it.

    Raises: DepartureError.
    """
    if fetch.identity == reading.identity:
        return
    for name in Identity.__struct_fields__:
        recorded, derived = getattr(fetch.identity, name), getattr(reading.identity, name)
        if derived is not None and recorded != derived:
            raise DepartureError(f"identity {name}", recorded, derived)


def check_actions(fetch: FetchSucceeded, reading: Reading) -> None:
    """Return quietly when every corporate action that was handed over is one that the answer has.

    Raises: DepartureError.
    """
    left = Counter(
        (offer.date, offer.kind, None if offer.kind == "split" else float(offer.amount or 0))
        for offer in reading.offers
    )
    for action in fetch.actions:
        name = action.date, action.kind, None if action.kind == "split" else action.value
        if not left[name]:
            raise DepartureError(f"{action.kind} of {action.date}", action.value, "none in the answer")
        left[name] -= 1


def check_canonical(recorded: ValidationCompleted, reading: Reading) -> None:
    """Return quietly when every accepted bar is the exact value of a row of the answer, whatever the rules are.

    Raises: DepartureError.
    """
    rows = [(row.date, *map(row_rules.micros, (row.open, row.high, row.low, row.close))) for row in reading.rows]
    for number, bar in enumerate(recorded.bars):
        if (bar.date, bar.open, bar.high, bar.low, bar.close) not in rows:
            raise DepartureError(f"bars[{number}]", bar, [row[1:] for row in rows if row[0] == bar.date])


def check_decision(recorded: ValidationCompleted, derived: ValidationCompleted) -> None:
    """Return quietly when the decision is the derived one, field by field.

    Raises: DepartureError of the first field that is not.
    """
    if recorded == derived:
        return
    for name in ValidationCompleted.__struct_fields__:
        one, other = getattr(recorded, name), getattr(derived, name)
        if one == other:
            continue
        if isinstance(one, tuple) and isinstance(other, tuple):
            # Of several items, the first that differs says more than all of them.
            pairs = enumerate(zip(one, other, strict=False))
            number = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
            raise DepartureError(f"{name}[{number}]", _item(one, number), _item(other, number))
        raise DepartureError(name, one, other)


def _item(items: Sequence[object], number: int) -> object:
    return items[number] if number < len(items) else "none"


def _cells(bar: RawBar) -> list[object]:
    # With None for NaN, which equals nothing, itself included.
    return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in astuple(bar)[1:]]
