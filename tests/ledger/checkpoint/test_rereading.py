"""What a log says about its checkpoints does not hang on how it is read."""

from ledger.checkpoint.rereading import Known, look
from ledger.codec import Draft
from ledger.events import LEDGER_STREAM, CheckpointSigned, LedgerCreated
from ledger.memory_log import MemoryLog
from tests.support.drafts import JOB, StepClock, connection_tested


def checkpointed() -> MemoryLog:
    """Return a log of which events 3 to 5 are checkpoints, each of the head before it, and nothing else came after."""
    created = LedgerCreated(ledger_id=JOB, kind="real", software="test")
    log = MemoryLog(now=StepClock())
    first = Draft(job_id=JOB, stream=LEDGER_STREAM, event=created)
    log.append([first, connection_tested(1), connection_tested(2)], append_id=bytes(16))
    for number in (1, 2, 3):
        head = log.head()
        signed = CheckpointSigned(origin="o", size=head.size, link=head.link, root=bytes(32), key_id=bytes(4), note="")
        log.append([Draft(job_id=JOB, stream=LEDGER_STREAM, event=signed)], append_id=bytes([number]) * 16)
    return log


def test_known_is_the_same_wherever_batches_end() -> None:
    """Of checkpoints alone in a later batch too, which count as nothing new to sign."""
    log = checkpointed()
    values = [record.link + record.body for record in log.read()]
    found: list[Known] = [look([values[:at], values[at:]]) for at in range(1, len(values) + 1)]
    assert [3] * len(values) == [known.others for known in found]
    assert [(3, 4, 5)] * len(values) == [tuple(one.event.size for one in known.signed) for known in found]
