"""Re-hashes a stored log, in child processes: mapping a damaged database can kill the process.

The link before any event is stored, so any range can be checked alone and two cores share the work.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import msgspec

from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EventsRead, Meaning, first_false
from ledger.audit.succession import Succession
from ledger.chain import GENESIS, LINK_BYTES, Link, link, links
from ledger.errors import SURROUNDINGS, LedgerError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.store.engine import Engine, key

WORTH_A_SECOND_PROCESS = 20_000
# Few enough to stay near the processor while they are hashed, decoded and held against each other.
CHUNK_BYTES = 64 * 1024
ARRAY_OF_8 = b"\x98"
SEQ_BYTES = {2: 1, 3: 1, 4: 2, 6: 4, 10: 8}  # how many bytes of a seq are in a prefix of so many
U64_BYTES = 8

_encode = msgspec.msgpack.Encoder().encode
_link, _body = itemgetter(slice(LINK_BYTES)), itemgetter(slice(LINK_BYTES, None))


class RangeReport(msgspec.Struct, frozen=True):
    """What re-hashing [start, stop) found: how many events hold from `start` on, their bytes, the first flaw.

    `found` is what was read of those events.
    """

    start: int
    stop: int
    good: int
    body_bytes: int
    flaw: Flaw | None
    found: EventsRead = EventsRead()


def seq_prefix(seq: int) -> bytes:
    """Return how every body stored at `seq` begins: an array of 8, the seq first.

    Source: MessagePack specification, "int format family".
    """
    return ARRAY_OF_8 + _encode(seq)


def seqs_follow(heads: bytes, start: int, events: int) -> bool:
    """Return whether `heads`, as many first bytes of each of so many bodies, are theirs if stored from seq `start` on.

    False too where not all of their seqs take as many bytes. Compared by columns, which costs next to nothing.
    """
    first, width = seq_prefix(start), len(heads) // events
    if len(first) != len(seq_prefix(start + events - 1)) or len(heads) != width * events or width < len(first):
        return False
    seqs = array("Q", range(start, start + events))
    if sys.byteorder == "little":
        seqs.byteswap()
    digits, mark_bytes = seqs.tobytes(), len(first) - SEQ_BYTES[len(first)]
    marks = all(heads[at::width] == first[at : at + 1] * events for at in range(mark_bytes))
    return marks and all(
        heads[at::width] == digits[U64_BYTES - len(first) + at :: U64_BYTES] for at in range(mark_bytes, len(first))
    )


def count_good(values: Sequence[bytes], *, start: int, prev: Link, bodies: Iterable[bytes] | None = None) -> int:
    """Return how many of `values` (link ‖ body), stored from seq `start` on after the link `prev`, are sound.

    A value is sound when its link follows from the one before it and its body says its seq. `bodies` are those in
    `values`, where the caller has them cut off.
    """
    following = links(prev, map(_body, values) if bodies is None else bodies)
    # All at once, as nearly always; one by one where some seq is longer than the first, or to know which is not sound.
    if list(map(_link, values)) == following and values:
        seq_stop = LINK_BYTES + len(seq_prefix(start))
        if seqs_follow(b"".join([value[LINK_BYTES:seq_stop] for value in values]), start, len(values)):
            return len(values)
    for seq, (value, want) in enumerate(zip(values, following, strict=True), start):
        if not value.startswith(want + seq_prefix(seq)):
            return seq - start
    return len(values)


def flaw_of(value: bytes, *, seq: int, prev: Link) -> Flaw:
    """Return what is wrong with a value that `count_good` did not count."""
    found, body = value[:LINK_BYTES], value[LINK_BYTES:]
    want = link(prev, body)
    if found != want:
        return Flaw(seq, "link", want.hex(), found.hex())
    prefix = seq_prefix(seq)
    return Flaw(seq, "seq", prefix.hex(), body[: len(prefix)].hex())


class Followed(msgspec.Struct, frozen=True):
    """The first event that does not follow from those before it, None where all do."""

    flaw: Flaw | None


def rehash_range(engine: Engine, start: int, stop: int, succession: Succession | None = None) -> RangeReport:
    """Re-hash and read events [start, stop) of an open ledger and return what was found.

    With a `succession`, which begins at seq 0, they are held against each other too.
    Reads `CHUNK_BYTES` per transaction: a long reader would make a live file grow.
    """
    before, _ = engine.values_to_hole(start - 1, start) if start else ([], None)
    if start and not before:
        return RangeReport(start, stop, 0, 0, Flaw(start - 1, "missing event", f"seq {start - 1}", "none"))
    prev, meaning = (Link(before[0][:LINK_BYTES]), Meaning(_body(before[0]), start)) if before else (GENESIS, Meaning())
    seq, body_bytes, flaw = start, 0, None
    while seq < stop and flaw is None:
        values, hole = engine.values_to_hole(seq, stop, CHUNK_BYTES)
        bodies = list(map(_body, values))
        hashed = count_good(values, start=seq, prev=prev, bodies=bodies)
        flaw = meaning.read(bodies[:hashed], seq, None if succession is None else succession.take)
        flaw = first_false(meaning.claims(), engine.link_at) or flaw
        good = hashed if flaw is None or flaw.seq is None else flaw.seq - seq
        seq += good
        body_bytes += sum(map(len, values[:good])) - LINK_BYTES * good
        prev = Link(values[good - 1][:LINK_BYTES]) if good else prev
        if flaw is None and hashed < len(values):
            flaw = flaw_of(values[hashed], seq=seq, prev=prev)
        elif flaw is None and hole is not None:
            # Reported with the key that was found, byte for byte.
            error = hole.error()
            found = f"key {hole.found_key.hex()}" if hole.found_key not in {b"", key(seq)} else error.found
            flaw = Flaw(seq, error.kind, error.expected, found)
    return RangeReport(start, stop, seq - start, body_bytes, flaw, meaning.found())


def first_of(flaw: Flaw | None, other: Flaw | None) -> Flaw | None:
    """Return the flaw of the earlier event; of one event, the former."""
    if flaw is None or other is None:
        return flaw or other
    return other if (other.seq or 0) < (flaw.seq or 0) else flaw


def follow(engine: Engine, stop: int) -> Followed:
    """Hold events [0, stop) of an open ledger against each other, unhashed, up to the first that is damaged."""
    seq = 0
    with Succession() as succession:
        while seq < stop and not succession.ended:
            values, hole = engine.values_to_hole(seq, stop)
            if (flaw := succession.read(list(map(_body, values)), seq)) or hole is not None:
                return Followed(flaw)
            seq += len(values)
    return Followed(None)


def rehash_ledger(folder: Path, size: int, *, workers: int) -> list[RangeReport]:
    """Re-hash events [0, size) of the ledger in `folder`, in up to `workers` processes at once.

    Never maps the file in this process, so no damage can end it; a child that crashes is a flaw of its range.

    Raises: UnreadableError, ShortageError and their like, which are no verdict.
    """
    parts = workers if size >= WORTH_A_SECOND_PROCESS else 1
    if parts == 1:
        return _reports(folder, [(0, size)])
    bounds = list(pairwise(size * part // parts for part in range(parts + 1)))
    following = IsolatedProcess(lambda: follow(Engine(folder, readonly=True), size), Followed)
    try:
        reports = _reports(folder, bounds)
    finally:
        try:
            followed = following.result().flaw
        except IsolatedProcessError:
            followed = None  # damage that ends a process ends the one that re-hashes it too
    bad = next((report.flaw for report in reports if report.flaw), None)
    if followed is not None and first_of(bad, followed) == followed:
        # Found in passing: read in order, in one process, it is the end of what holds.
        return _reports(folder, [(0, size)])
    return reports


def _reports(folder: Path, bounds: Sequence[tuple[int, int]]) -> list[RangeReport]:
    """Return what a process per range finds; one that reads everything holds events against each other too."""
    children = [
        IsolatedProcess(partial(_open_and_rehash, folder, *one, follow=len(bounds) == 1), RangeReport) for one in bounds
    ]
    reports: list[RangeReport] = []
    lacking: LedgerError | None = None
    for child, (start, stop) in zip(children, bounds, strict=True):
        try:
            reports.append(child.result())
        except IsolatedProcessError as error:
            flaw = Flaw(None, "database", "a readable database", error.how)
            reports.append(RangeReport(start, stop, 0, 0, flaw))
        except SURROUNDINGS as error:
            lacking = error  # raised once every child is reaped
    if lacking is not None:
        raise lacking
    return reports


def _open_and_rehash(folder: Path, start: int, stop: int, *, follow: bool = False) -> RangeReport:
    engine = Engine(folder, readonly=True)
    if not follow:
        return rehash_range(engine, start, stop)
    with Succession() as succession:
        return rehash_range(engine, start, stop, succession)
