"""What does not hold in a log, in the words that are printed of it. Pure."""

import msgspec


class Flaw(msgspec.Struct, frozen=True):
    """The first thing that does not hold; `seq` None where it is not one of the events."""

    seq: int | None
    kind: str
    expected: str
    found: str
