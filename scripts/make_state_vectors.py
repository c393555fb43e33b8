"""Write archives whose decisions lead where they say, and some that do not: `python scripts/make_state_vectors.py`.

From docs/format.md and not from the code, as `make_vectors.py` does, whose helpers these are: every chain holds.
"""

import json
import struct
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from zlib import compress

from blake3 import blake3

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from scripts import make_vectors as by_hand  # noqa: E402 - the repository is on the path only now
from scripts.make_vectors import array, binary, held_action, held_bar, text, unsigned  # noqa: E402 - the same

FOLDER = REPOSITORY / "tests" / "vectors" / "states"
TICKER, PROVIDER, BASIS = "PETR4.SA", "yfinance", "split_adjusted"
NIL = b"\xc0"
NOTHING = array()
ANSWER = b"{}"
BEFORE = -1  # as a decision's cause: the event before it

Years = dict[int, list[bytes]]


class Decision(NamedTuple):
    """A decision of the log: its verdict, what it accepts, and the states that it says it finds and leads to."""

    verdict: str
    bars: list[bytes]
    actions: list[bytes]
    before: bytes
    after: bytes
    cause: int | None = BEFORE


def wide_table(pairs: dict[str, bytes]) -> bytes:
    """Return a MessagePack map of more than 15 encoded values."""
    return b"\xde" + struct.pack(">H", len(pairs)) + b"".join(text(name) + value for name, value in pairs.items())


def state(years: Years, actions: list[bytes]) -> bytes:
    """Return the state of a series of these bars by year, each year as the array is to have it, and actions."""
    leaves = [array(unsigned(year), binary(blake3(array(*bars)).digest())) for year, bars in sorted(years.items())]
    fields = [text(PROVIDER), text(TICKER), text(BASIS), array(*leaves), array(*sorted(actions))]
    return blake3(b"b3-ledger series v1" + array(*fields)).digest()


def body(seq: int, tag: str, data: bytes, *, cause: int | None = None) -> bytes:
    """Return a stored envelope of the ticker's stream."""
    whole = by_hand.body(seq, by_hand.natural(f"{tag}/{seq}"), tag, data)
    none = NIL + text("ledger") + text(tag)
    return whole.replace(none, (NIL if cause is None else unsigned(cause)) + text(TICKER) + text(tag), 1)


def fetch(seq: int) -> bytes:
    """Return evidence: an answer of two bytes, of which a library made nothing."""
    at = unsigned(by_hand.RECORDED_AT + seq)
    answer = {"body": binary(compress(ANSWER)), "body_bytes": unsigned(2), "sha256": binary(sha256(ANSWER).digest())}
    request = {"ticker": text(TICKER), "window": window(), "params": by_hand.table({})}
    data = {
        "ticker": text(TICKER),
        "provider": text(PROVIDER),
        "attempt": unsigned(1),
        "started_at": at,
        "finished_at": at,
        "request": by_hand.table(request),
        "source": by_hand.table({"library": text("by hand"), "version": text("1")}),
        "answer": by_hand.table(answer),
        "identity": by_hand.table({}),
        "bars": NOTHING,
        "actions": NOTHING,
    }
    return body(seq, "fetch.succeeded/1", by_hand.table(data))


def window() -> bytes:
    """Return the days that are asked for."""
    return array(text("2025-12-29"), text("2026-01-06"))


def failed(seq: int, cause: int | None) -> bytes:
    """Return that evidence could not be read."""
    at = unsigned(by_hand.RECORDED_AT + seq)
    named = {"ticker": TICKER, "provider": PROVIDER, "stage": "read", "error_kind": "internal", "message": "by hand"}
    data = {
        **{name: text(value) for name, value in named.items()},
        "attempt": unsigned(1),
        "started_at": at,
        "finished_at": at,
    }
    return body(seq, "ingest.failed/1", by_hand.table(data), cause=cause)


def written(seq: int, cause: int | None, provider: str = PROVIDER, ticker: str = TICKER) -> bytes:
    """Return that a snapshot reached the disk."""
    named = {"ticker": ticker, "provider": provider, "name": "PETR4-20260105.csv"}
    data = {
        **{name: text(value) for name, value in named.items()},
        "format_version": unsigned(1),
        "position": unsigned(3),
        "sha256": binary(bytes(32)),
        "rows": unsigned(2),
    }
    return body(seq, "snapshot.written/1", by_hand.table(data), cause=cause)


def decided(seq: int, one: Decision) -> bytes:
    """Return a decision over the event before it, or over the one that it says."""
    zero = dict.fromkeys(("received", "added", "revised", "unchanged"), unsigned(0))
    none = dict.fromkeys(("withdrawn", "partial", "rejected", "flagged", "warned"), NOTHING)
    named = {"ticker": TICKER, "provider": PROVIDER, "interval": "1d", "currency": "BRL", "basis": BASIS}
    data = {
        **{name: text(value) for name, value in named.items()},
        "rules_version": unsigned(2),
        "verdict": text(one.verdict),
        "window": window(),
        **zero,
        "bars": array(*one.bars),
        "actions": array(*one.actions),
        **none,
        "rescale": NIL,
        "before": binary(one.before),
        "after": binary(one.after),
        "threshold_percent": b"\xcb" + struct.pack(">d", 10.0),
        "rank": NIL,
        "outranked": NOTHING,
    }
    return body(seq, "validation.completed/2", wide_table(data), cause=one.cause if one.cause != BEFORE else seq - 1)


def log(decisions: list[Decision], *others: bytes) -> list[bytes]:
    """Return the bodies of a log: its creation, then evidence and decision in turn, then `others`."""
    found = [by_hand.bodies()[0]]
    for one in decisions:
        found += [fetch(len(found)), decided(len(found) + 1, one)]
    return [*found, *others]


def caused() -> Iterator[tuple[str, list[bytes], int | None, str | None]]:
    """Yield each log of which the causes decide, as `cases` yields those of its decisions."""
    none = state({}, [])
    one = Decision("rejected", [], [], none, none)
    answered = [failed(3, 1), failed(4, None), written(5, 2), written(6, 2, "another"), written(7, None)]
    yield "causes", log([one], *answered), None, None
    for name, cause in (("none", None), ("of-a-creation", 0), ("of-a-decision", 2)):
        yield f"decision-by-cause-{name}", log([one, one._replace(cause=cause)]), 4, "cause"
    yield "failure-by-cause-of-a-decision", log([one], failed(3, 2)), 3, "cause"
    yield "snapshot-by-cause-of-evidence", log([one], written(3, 1)), 3, "cause"
    yield "snapshot-of-another-ticker", log([one], written(3, 2, ticker="VALE3.SA")), 3, "cause"


def cases() -> Iterator[tuple[str, list[Decision], int | None, str | None]]:
    """Yield each log by name, with the seq of the first decision that does not hold, and the field that shows it."""
    old = held_bar("2025-12-30", 30_500_000, 31_000_000, 30_250_000, 30_750_000, 29_812_345, 1_234_500)
    new = held_bar("2026-01-02", 30_750_000, 30_990_000, 30_500_000, 30_600_000, None, 900)
    dearer = held_bar("2026-01-02", 30_750_000, 30_990_000, 30_500_000, 30_610_000, None, 900)
    last = held_bar("2026-01-05", 30_600_000, 30_600_000, 30_600_000, 30_600_000, 30_600_000, 0)
    paid = held_action("2026-01-05", "dividend", 550_157_870_000, None, None)
    none, wrong = state({}, []), bytes(32)
    one = state({2025: [old], 2026: [new]}, [])
    two = state({2025: [old], 2026: [dearer, last]}, [paid, paid])
    first = Decision("success", [old, new], [], none, one)
    second = Decision("warning", [dearer, last], [paid, paid], one, two)
    third = Decision("rejected", [], [], two, two)
    whole = [first, second, third]
    yield "whole", whole, None, None
    yield "before-wrong", [first, second._replace(before=wrong), third], 4, "before"
    yield "after-wrong", [first, second._replace(after=wrong), third], 4, "after"
    yield "decision-taken-out", [second, third], 2, "before"
    yield "decision-doubled", [first, second, second], 6, "before"
    yield "decisions-swapped", [second, first, third], 2, "before"
    backwards = state({2025: [old], 2026: [last, dearer]}, [paid, paid])
    yield "leaf-out-of-order", [first, second._replace(after=backwards), third], 4, "after"
    one_leaf = state({2025: [old, dearer, last]}, [paid, paid])
    yield "leaf-of-two-years", [first, second._replace(after=one_leaf), third], 4, "after"
    once = state({2025: [old], 2026: [dearer, last]}, [paid])
    yield "action-counted-once", [first, second._replace(after=once), third], 4, "after"
    forged = Decision("success", [old, dearer], [], none, state({2025: [old], 2026: [dearer]}, []))
    yield "bar-changed", [forged, second, third], 4, "before"
    yield "rejected-leads-elsewhere", [first, second, third._replace(after=one)], 6, "after"
    elsewhere = [first, second, third._replace(verdict="superseded", before=one)]
    yield "superseded-finds-another", elsewhere, 6, "before"


def main(folder: Path = FOLDER) -> None:
    """Write every archive and the index into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    index: list[dict[str, Any]] = []
    decided = ((name, log(decisions), *found) for name, decisions, *found in cases())
    for name, bodies, first_bad, field in (*decided, *caused()):
        content = b"b3-ledger archive 1\n" + b"".join(by_hand.chained(bodies))
        (folder / f"{name}.bin").write_bytes(content)
        index.append(
            {
                "file": f"{name}.bin",
                "sha256": sha256(content).hexdigest(),
                "verdict": "intact" if first_bad is None else "tampered",
                "events": len(bodies) if first_bad is None else first_bad,
                "first_bad": first_bad,
                "field": field,
            }
        )
    (folder / "index.json").write_text(json.dumps(index, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
