"""What a log says about its checkpoints does not hang on how it is read."""

from ledger.checkpoint.rereading import Known, look
from ledger.codec import Draft
from ledger.events import (
    LEDGER_STREAM,
    CheckpointCosigned,
    CheckpointSigned,
    CheckpointTimestamped,
    Event,
    LedgerCreated,
)
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from tests.support.drafts import JOB, StepClock, connection_tested


def put(log: MemoryLog, *drafts: Draft) -> None:
    """Append."""
    log.append(drafts, append_id=append_id(f"put/{log.head().size}"))


def about(event: Event) -> Draft:
    """Return the draft of an event of the ledger's own stream."""
    return Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)


def test_known_is_the_same_wherever_batches_end() -> None:
    """Of checkpoints alone in a later batch too, and of what others said of one: nothing new to sign."""
    log = MemoryLog(now=StepClock())
    put(log, about(LedgerCreated(ledger_id=JOB, kind="real", software="test")), *map(connection_tested, (1, 2)))
    for size in (3, 4, 5):
        link = log.head().link
        put(log, about(CheckpointSigned(origin="o", size=size, link=link, root=link, key_id=bytes(4), note="")))
    root = bytes(32)
    put(log, about(CheckpointTimestamped(size=3, root=root, authority="a", token=b"", time=0)))
    cosigned = CheckpointCosigned(size=3, root=root, url="u", witness="w", key_id=bytes(4), cosignature="", time=0)
    put(log, about(cosigned))
    values = [record.link + record.body for record in log.read()]
    found: list[Known] = [look([values[:at], values[at:]]) for at in range(1, len(values) + 1)]
    assert [3] * len(values) == [known.others for known in found]
    assert [(3, 4, 5)] * len(values) == [tuple(one.event.size for one in known.signed) for known in found]
