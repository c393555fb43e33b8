"""The events of a log that others may answer, by their seq: nearly every answer is to one that came just before."""

from itertools import islice

import msgspec

from ledger.files.scratch import ScratchMap

# Events wait in the scratch map a block of neighbours at a time: one each would cost more than all else about them.
BLOCK_BITS = 8  # the seqs of a block differ in these alone
BLOCKS_KEPT = 16  # in memory, those that began last

AnsweredEvent = tuple[str, str, str]  # its type without the version, its ticker and provider

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, AnsweredEvent]).decode


class AnsweredEvents:
    """What is known of them so far; memory is that of the scratch map, and of the newest."""

    def __init__(self, scratch: ScratchMap) -> None:
        self._scratch = scratch
        self._blocks: dict[int, dict[int, AnsweredEvent]] = {}

    def put(self, seq: int, event: AnsweredEvent) -> None:
        """Know the event at `seq`; none that comes later has a lower one.

        Raises: DiskFullError, UnwritableError of the scratch map.
        """
        block = self._blocks.get(seq >> BLOCK_BITS)
        if block is None:
            block = self._began(seq >> BLOCK_BITS)
        block[seq] = event

    def get(self, seq: int) -> AnsweredEvent | None:
        """Return the event at `seq`, None where none is known.

        Raises: as `put` does.
        """
        block = self._blocks.get(seq >> BLOCK_BITS)
        if block is not None:
            return block.get(seq)
        stored = self._scratch.get(_key(seq >> BLOCK_BITS))
        return None if stored is None else _decode(stored).get(seq)

    def _began(self, number: int) -> dict[int, AnsweredEvent]:
        """Return a block without events; those that began first wait in the scratch map from now on."""
        for other in list(islice(self._blocks, max(len(self._blocks) + 1 - BLOCKS_KEPT, 0))):
            self._scratch.put(_key(other), _encode(self._blocks.pop(other)))
        block = self._blocks[number] = {}
        return block


def _key(block: int) -> bytes:
    return b"c%d" % block
