"""Arbitrary bytes for the archive reader and the event decoder: out comes a value or an error of ours, nothing else.

`atheris` goes on from the same corpus where it is installed: `python -m tests.faults.fuzz archive`.
"""

import io
import random
import sys
from collections.abc import Callable
from pathlib import Path

from ledger.backup.frames import FRAME, HEADER, check_header, records
from ledger.chain import GENESIS, Head, link
from ledger.codec import BODY_LIMIT_BYTES, decode_created, decode_envelope, decode_event, encode_body
from ledger.errors import LedgerError
from projections.fold.event_readers import decode_fact
from tests.faults.tally import Tally

CORPUS = Path(__file__).parent / "corpus"
INPUTS_A_ROUND = 100
LONG_ROUNDS = 3_000


def read_archive(content: bytes) -> Head | None:
    """Read `content` as an archive; return its head, None when it was refused. Nothing else may come out."""
    try:
        check_header(content, Path("fuzzed"))
        file = io.BytesIO(content)
        file.seek(len(HEADER))
        head = Head(0, GENESIS)
        for record in records(file):
            if record.seq == 0:
                decode_created(record.body)
            head = Head(record.seq + 1, record.link)
    except LedgerError:
        return None
    return head


def parsed_archive(content: bytes) -> Head | None:
    """Return the same by another way, from docs/format.md: the reference that the reader is held against."""
    if not content.startswith(HEADER):
        return None
    at, head = len(HEADER), Head(0, GENESIS)
    while at < len(content):
        body = content[at + FRAME.size : at + FRAME.size + int.from_bytes(content[at : at + 4], "big")]
        whole = len(body) == int.from_bytes(content[at : at + 4], "big") <= BODY_LIMIT_BYTES
        if not whole or link(head.link, body) != content[at + 4 : at + FRAME.size]:
            return None
        at, head = at + FRAME.size + len(body), Head(head.size + 1, link(head.link, body))
    return head


def decode(content: bytes) -> None:
    """Decode `content` as a body, then its event. What decodes says the same when it is written out again."""
    try:
        envelope = decode_envelope(0, content)
        decode_event(envelope)
        decode_fact(envelope)
    except LedgerError:
        return
    again = decode_envelope(0, encode_body(envelope))
    assert envelope == again
    assert decode_event(envelope) == decode_event(again) or b"\xcb" in content  # a NaN equals nothing


def check_archive(content: bytes) -> None:
    """Assert that the reader takes nothing that the reference refuses; it also asks what the bodies are."""
    head = read_archive(content)
    assert head is None or head == parsed_archive(content)


TARGETS: dict[str, Callable[[bytes], None]] = {"archive": check_archive, "event": decode}


def corpus(target: str) -> list[bytes]:
    """Return the inputs that are kept for `target`: one good one of each kind, and those that once broke something."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def campaign(seed: int, rounds: int, _folder: Path, tally: Tally) -> None:
    """Mutate the corpus; any exception but ours is a violation."""
    seeds = {target: corpus(target) for target in TARGETS}
    for number in range(seed, seed + rounds):
        rng = random.Random(number)
        for target, check in TARGETS.items():
            with tally.holding(number, target):
                for _ in range(INPUTS_A_ROUND):
                    tally.count(f"inputs to the {target} reader")
                    check(_mutated(rng, seeds[target]))


def _mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at, stop = sorted((rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)))
        match rng.randrange(5):
            case 0:
                content[at : at + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xC1, 0xFF, rng.randrange(256)))])
            case 1:
                del content[at:stop]
            case 2:
                content[at:at] = content[at:stop]
            case 3:
                content[at:stop] = rng.choice(seeds)[at:stop]
            case 4:
                content[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xdd\xff\xff\xff", b"\0\1\0\0"))
    return bytes(content)


if __name__ == "__main__":
    import atheris  # of its own accord: no part of the development environment

    atheris.instrument_all()
    atheris.Setup([*sys.argv[:1], *sys.argv[2:], str(CORPUS / sys.argv[1])], TARGETS[sys.argv[1]])
    atheris.Fuzz()
