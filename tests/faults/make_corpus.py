"""Makes the seeds of the corpus again, byte for byte: `python -m tests.faults.make_corpus`.

What a fuzzer finds is put beside them by hand, under a name that says what it is.
"""

import random

from ledger.appending import chain_records
from ledger.chain import EMPTY_HEAD, Record
from ledger.codec import Draft
from ledger.events import EVENT_TYPES, Event, IngestFailed
from tests.faults.fuzz import CORPUS
from tests.faults.some_event import log_of_every_type, some_event
from tests.support.archives import archive

EVENTS = len(EVENT_TYPES)
LOG_SEED, EVENT_SEED = 11, 12
OVER_THE_LIMIT = b"\xff\xff\xff\xff" + bytes(32)  # the head of a frame of 4 GiB


def made() -> dict[str, bytes]:
    """Return the seeds by path below the corpus: a good input of each kind, and one of each way to be wrong."""
    return {f"{target}/{name}.bin": content for target, name, content in (*_archives(), *_events())}


def _archives() -> list[tuple[str, str, bytes]]:
    records = list(log_of_every_type(EVENTS, LOG_SEED).read())
    whole, first = archive(records), archive(records[:1])
    other = archive(_records(some_event(IngestFailed, random.Random(1))))
    named = {
        "every-type": whole,
        "one-event": first,
        "header-only": archive([]),
        "cut-frame": whole[:-7],
        "later-format": whole.replace(b"archive 1\n", b"archive 2\n", 1),
        "length-over-the-limit": first + OVER_THE_LIMIT,
        "first-event-of-another-type": other,
    }
    return [("archive", name, content) for name, content in named.items()]


def _events() -> list[tuple[str, str, bytes]]:
    rng = random.Random(EVENT_SEED)
    bodies = {tag: _records(some_event(kind, rng))[0].body for tag, kind in EVENT_TYPES.items()}
    named = {tag.partition("/")[0].replace(".", "-"): body for tag, body in bodies.items()}
    tag = IngestFailed.TAG.encode()
    body = bodies[IngestFailed.TAG]
    named |= {
        "unknown-tag": body.replace(tag, b"ingest.faked/77"),
        "bytes-after-the-end": body + b"\0",
        "not-utf8": body.replace(b"ledger", b"led\xffer", 1),
        "deep": body[: body.index(tag) + len(tag)] + b"\x81\xa1a" * 2_000 + b"\xc0",
    }
    return [("event", name, content) for name, content in named.items()]


def _records(event: Event) -> list[Record]:
    draft = Draft(job_id=bytes(16), stream="ledger", event=event)
    return chain_records([draft], head=EMPTY_HEAD, recorded_at=1, append_id=bytes(16))


if __name__ == "__main__":
    for path, content in made().items():
        (CORPUS / path).parent.mkdir(parents=True, exist_ok=True)
        (CORPUS / path).write_bytes(content)
