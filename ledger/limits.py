"""What a new event may hold, over and above its types: names that can be printed and be file names. Pure.

Ranges of numbers and lengths of ids are in the types of `ledger.events`; what leaves them is damage.
An event of an older version may hold other names: that is a remark, and no damage.

Source: docs/format.md, "Limits".
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from operator import attrgetter

from ledger.errors import LedgerError
from ledger.events import Event

NAME_BYTES = 255
NAMES = frozenset({"ticker", "provider", "name", "stage", "replaced_folder", "witness", "into", "keeper"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class OutOfRangeError(LedgerError):
    """An event holds a value that the log takes no more; nothing was appended."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


@lru_cache(maxsize=1024)  # the events of an append hold the same names, several times each
def name_fault(name: str) -> str | None:
    """Return what keeps `name` from being a name, None when nothing does."""
    if len(name) <= NAME_BYTES and name.isascii() and name.isprintable():
        return None
    if found := _CONTROL.search(name):
        return f"a name with the control character {found.group()!a}"
    size_bytes = len(name) if name.isascii() else len(name.encode("utf-8", "surrogatepass"))
    return f"a name of {size_bytes} bytes" if size_bytes > NAME_BYTES else None


def check_name(name: str) -> None:
    """Return quietly when `name` may be recorded as one.

    Raises: OutOfRangeError.
    """
    if fault := name_fault(name):
        raise OutOfRangeError(fault, wanted=f"at most {NAME_BYTES} bytes without control characters")


def names(stream: str, event: Event) -> list[str]:
    """Return every name that the event holds, that of its stream first."""
    return [stream, *[name for name in reader_of_names(type(event))(event) if name is not None]]


@cache
def reader_of_names(kind: type[Event]) -> Callable[[Event], tuple[str | None, ...]]:
    """Return what reads the names that an event of the kind holds, None where it leaves one out."""
    fields = [field for field in kind.__struct_fields__ if field in NAMES]
    if len(fields) > 1:
        return attrgetter(*fields)
    return lambda event: tuple(getattr(event, field) for field in fields)
