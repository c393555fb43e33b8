"""Check that the events of a b3-ledger archive follow from each other, from docs/format.md alone.

    python verify_states.py FILE

Needs the blake3 package and a MessagePack library (here msgspec), nothing else. `verify_archive.py` checks the chain
and each event by itself; this checks which event each answers, and what the decisions commit to.
Prints one JSON object; exits 0 when all hold, 2 at the first that does not.
"""

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec.msgpack import decode, encode

HEADER = b"b3-ledger archive 1\n"
FRAME_START_BYTES = 4 + 32  # length of the body, link
ACCEPTED = ("success", "warning")
FETCH, DECISION = "fetch.succeeded", "validation.completed"
# By an event's type without the version: what it answers, where it names a cause.
ANSWERS = {DECISION: FETCH, "ingest.failed": FETCH, "snapshot.written": DECISION}


class Series:
    """What is held of one ticker by one provider, in plain values."""

    def __init__(self) -> None:
        self.bars: dict[str, list[Any]] = {}
        self.actions: list[list[Any]] = []
        self.basis: str | None = None

    def state(self, provider: str, ticker: str, basis: str) -> bytes:
        """Return the state: leaves of the years, then one hash over them and the actions."""
        years: dict[int, list[list[Any]]] = {}
        for day in sorted(self.bars):
            years.setdefault(int(day[:4]), []).append(self.bars[day])
        leaves = [[year, blake3(encode(bars)).digest()] for year, bars in sorted(years.items())]
        fields = [provider, ticker, basis, leaves, sorted(self.actions, key=encode)]
        return blake3(b"b3-ledger series v1" + encode(fields)).digest()

    def take(self, decision: dict[str, Any]) -> None:
        """Hold what an accepted decision of version 2 accepts: it replaces days, and kinds of action on a day."""
        self.bars |= {bar[0]: bar for bar in decision["bars"]}
        named = [action[:2] for action in decision["actions"]]
        self.actions = [held for held in self.actions if held[:2] not in named] + decision["actions"]

    def take_version_1(self, decision: dict[str, Any]) -> None:
        """Hold what an accepted decision of version 1 accepts: it is complete for its window, if it has any row."""
        start, end = decision["window"]
        named = [action[:2] for action in decision["actions"]]
        complete = decision["received"] > 0
        self.bars |= {bar[0]: bar for bar in decision["bars"]}
        self.actions = [
            held for held in self.actions if held[:2] not in named and not (complete and start <= held[0] <= end)
        ] + [lifted(action) for action in decision["actions"]]


def lifted(action: list[Any]) -> list[Any]:
    """Return an action of version 1 in the form of version 2: 10^-12 for 10^-6, reais, what is not used nil."""
    day, kind, amount, numerator, denominator = action
    exact = [None, numerator, denominator] if kind == "split" else [amount * 1_000_000, None, None]
    return [day, kind, *exact, "BRL", None, None, None, None, None]


def events(archive: bytes) -> Iterator[list[Any]]:
    """Yield the envelopes of an archive."""
    at = len(HEADER)
    while at < len(archive):
        (size,) = struct.unpack_from(">I", archive, at)
        at += FRAME_START_BYTES
        yield decode(archive[at : at + size])
        at += size


def answers(kind: str, data: dict[str, Any], cause: int | None, answered: dict[int, tuple[str, str, str]]) -> bool:
    """Return whether an event may name that cause: a decision names one always, a snapshot's may be any provider's."""
    if cause is None:
        return kind != DECISION
    found, wanted = answered.get(cause), (ANSWERS[kind], data["ticker"], data["provider"])
    return found is not None and (found == wanted or (kind == "snapshot.written" and found[:2] == wanted[:2]))


def verify(path: Path) -> dict[str, Any]:
    """Return how many decisions commit and hold, and the seq of the first event that does not follow."""
    held: dict[tuple[str, str], Series] = {}
    answered: dict[int, tuple[str, str, str]] = {}
    committed = 0
    for seq, _, _, _, cause, _, tag, data in events(path.read_bytes()):
        kind = tag.partition("/")[0]
        if kind in ANSWERS and not answers(kind, data, cause, answered):
            return {"decisions": committed, "first_bad": seq, "field": "cause"}
        if kind in (FETCH, DECISION):
            answered[seq] = kind, data["ticker"], data["provider"]
        if kind != DECISION:
            continue
        name = data["provider"], data["ticker"]
        series = held.setdefault(name, Series())
        basis, commits = data["basis"], tag.endswith("/2")
        if commits and series.state(*name, series.basis or basis) != data["before"]:
            return {"decisions": committed, "first_bad": seq, "field": "before"}
        if data["verdict"] in ACCEPTED:
            (series.take if commits else series.take_version_1)(data)
        if commits:
            if series.state(*name, basis) != data["after"]:
                return {"decisions": committed, "first_bad": seq, "field": "after"}
            committed += 1
        series.basis = basis
    return {"decisions": committed, "first_bad": None, "field": None}


if __name__ == "__main__":
    found = verify(Path(sys.argv[1]))
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.exit(0 if found["first_bad"] is None else 2)
