"""The names of objects, and whether they make one archive. Pure.

A segment is `<ledger id>-<from>-<to>.segment`: the archive's bytes of the events [from, to), the first one with its
header. A checksum is `<ledger id>-<to>.checksum`: the SHA-256 of the archive up to there, as `sha256sum` prints it.
"""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger.objects.errors import SegmentsError

SEQ_DIGITS = 15
CHECKPOINTS = "checkpoints"
SEGMENT = ".segment"

_SEGMENT = re.compile(r"([0-9a-f]{32})-([0-9]{15})-([0-9]{15})\.segment")
_CHECKSUM = re.compile(r"([0-9a-f]{32})-([0-9]{15})\.checksum")
# A checkpoint, what dates it, the claim of the next one, and the object that names the newest.
_CHECKPOINT = re.compile(rf"checkpoint|{CHECKPOINTS}/(?:[1-9][0-9]*(?:\.next|\.[0-9a-f]+\.tsr)?|0\.next)")
_TILE = re.compile(r"tile/(?:entries|[0-9]+)/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[0-9]+)?")

PlacedStatus = Literal["segment", "checksum", "checkpoint", "tile", "gap", "overlap", "foreign"]


class StoredObject(msgspec.Struct, frozen=True):
    """An object at a place: its name below it, and its length."""

    name: str
    size_bytes: int


class Placed(msgspec.Struct, frozen=True):
    """An object and what it is: `gap` where events before it, or up to it, are missing, `overlap` where all are had.

    `foreign` is none of ours. `start` and `stop` are the events that a segment or checksum is about, else 0.
    """

    name: str
    size_bytes: int
    status: PlacedStatus
    ledger_id: str = ""
    start: int = 0
    stop: int = 0


def segment_name(ledger_id: str, start: int, stop: int) -> str:
    """Return the name of the segment of the events [start, stop)."""
    return f"{ledger_id}-{start:0{SEQ_DIGITS}d}-{stop:0{SEQ_DIGITS}d}{SEGMENT}"


def checksum_name(ledger_id: str, stop: int) -> str:
    """Return the name of the checksum of the archive of the events [0, stop)."""
    return f"{ledger_id}-{stop:0{SEQ_DIGITS}d}.checksum"


def placed(objects: Iterable[StoredObject]) -> list[Placed]:
    """Return what each object is: the segments of each ledger, one after the other, then the rest by name."""
    segments, others, ends = list[Placed](), list[Placed](), dict[str, int]()
    for one in objects:
        if match := _SEGMENT.fullmatch(one.name):
            start, stop = int(match[2]), int(match[3])
            known: PlacedStatus = "segment" if start < stop else "foreign"
            segments.append(Placed(one.name, one.size_bytes, known, match[1], start, stop))
        elif match := _CHECKSUM.fullmatch(one.name):
            others.append(Placed(one.name, one.size_bytes, "checksum", match[1], 0, int(match[2])))
        else:
            known = "tile" if _TILE.fullmatch(one.name) else "foreign"
            known = "checkpoint" if _CHECKPOINT.fullmatch(one.name) else known
            others.append(Placed(one.name, one.size_bytes, known))
    # Of two that begin alike, as two uploads at once leave them, the longer one counts.
    segments.sort(key=lambda one: (one.ledger_id, one.start, -one.stop))
    for at, segment in enumerate(segments):
        end = ends.get(segment.ledger_id, 0)
        if segment.status == "segment" and segment.start == end:
            ends[segment.ledger_id] = segment.stop
        elif segment.status == "segment":
            segments[at] = replace(segment, status="gap" if segment.start > end else "overlap")
    for at, other in enumerate(others):
        if other.status == "checksum" and other.stop > ends.get(other.ledger_id, 0):
            others[at] = replace(other, status="gap")
    return [*segments, *sorted(others, key=lambda one: one.name)]


def chain(url: str, objects: Iterable[Placed]) -> tuple[Placed, ...]:
    """Return the segments that make the archive, in order; of no ledger where there are none.

    Raises: SegmentsError where segments are of several ledgers, or one lies behind events that no segment has.
    """
    segments = [one for one in objects if one.status in {"segment", "gap"} and one.name.endswith(SEGMENT)]
    ledgers = sorted({one.ledger_id for one in segments})
    if len(ledgers) > 1:
        raise SegmentsError(url, f"segments of the ledgers {', '.join(ledgers)}", wanted="those of one")
    whole = tuple(one for one in segments if one.status == "segment")
    if gap := next((one for one in segments if one.status == "gap"), None):
        end = whole[-1].stop if whole else 0
        raise SegmentsError(url, f"no segment of the events {end} to {gap.start - 1}", wanted=f"one before {gap.name}")
    return whole
