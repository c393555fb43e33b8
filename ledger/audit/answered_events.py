"""The events of a log that others may answer, by their seq: nearly every answer is to one that came just before."""

import msgspec

from ledger.files.scratch import ScratchMap

RECENT_KEPT = 4_096  # in memory; those before them wait in the scratch map

AnsweredEvent = tuple[str, str, str]  # its type without the version, its ticker and provider

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AnsweredEvent).decode


class AnsweredEvents:
    """What is known of them so far; memory is that of the scratch map, and of the newest."""

    def __init__(self, scratch: ScratchMap) -> None:
        self._scratch = scratch
        self._recent: dict[int, AnsweredEvent] = {}

    def put(self, seq: int, event: AnsweredEvent) -> None:
        """Know the event at `seq`.

        Raises: DiskFullError, UnwritableError of the scratch map.
        """
        recent = self._recent
        if len(recent) >= RECENT_KEPT:
            for other, known in recent.items():
                self._scratch.put(_key(other), _encode(known))
            recent.clear()
        recent[seq] = event

    def get(self, seq: int) -> AnsweredEvent | None:
        """Return the event at `seq`, None where none is known.

        Raises: as `put` does.
        """
        found = self._recent.get(seq)
        if found is not None:
            return found
        stored = self._scratch.get(_key(seq))
        return None if stored is None else _decode(stored)


def _key(seq: int) -> bytes:
    return b"c%d" % seq
