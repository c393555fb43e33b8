"""A log takes no event that records a head which it does not hold."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain import GENESIS, Head, Link
from ledger.claims import OtherLogError, claimed
from ledger.codec import Draft
from ledger.events import (
    LEDGER_STREAM,
    BackupCreated,
    BackupRestored,
    CheckpointSigned,
    Event,
    HeadAccepted,
    LogVerified,
)
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from tests.support.drafts import JOB, StepClock, connection_tested

HASH = bytes(32)


def backup(head: Head) -> Event:
    """Return the record of a backup of the log at `head`."""
    return BackupCreated(
        name="a.db",
        size=head.size,
        link=head.link,
        archive_bytes=1,
        sha256=HASH,
        types=(),
        providers=(),
        streams=0,
        streams_hash=bytes(32),
    )


def restore(head: Head) -> Event:
    """Return the record of a restore of the log at `head`."""
    return BackupRestored(
        name="a.db",
        size=head.size,
        link=head.link,
        sha256=HASH,
        replaced_folder=None,
        replaced_size=99,
        replaced_link=HASH,
        rollback=False,
    )


def checkpoint(head: Head) -> Event:
    """Return the record of a signature over the log at `head`."""
    return CheckpointSigned(origin="o", size=head.size, link=head.link, root=HASH, key_id=bytes(4), note="n")


def verification(head: Head) -> Event:
    """Return the record of a verification of the log at `head`."""
    return LogVerified(verdict="intact", size=head.size, link=head.link, witnesses=(), seconds=0.0)


def acceptance(head: Head) -> Event:
    """Return the record of a person's decision for the log at `head`; what was expected instead is another log's."""
    return HeadAccepted(
        reason="r",
        verdict="forked",
        witness="anchor",
        expected_size=99,
        expected_link=HASH,
        found_size=head.size,
        found_link=head.link,
    )


@pytest.mark.parametrize("make", [backup, restore, checkpoint, verification, acceptance])
@given(st.integers(0, 5), st.integers(0, 255))
def test_a_head_that_the_log_does_not_hold_is_refused(make: Callable[[Head], Event], size: int, bit: int) -> None:
    """By any bit of its link, or past the log's end; every head that it went through is taken, the empty one too."""
    log = MemoryLog(now=StepClock())
    grown = [log.append([connection_tested(number)], append_id=append_id(f"n/{number}")).head for number in range(4)]
    heads = [Head(0, GENESIS), *grown]
    right = heads[min(size, 4)].link
    flipped = bytearray(right)
    flipped[bit // 8] ^= 1 << bit % 8
    for wrong in (Head(size, Link(bytes(flipped))), Head(size + 5, right)):
        with pytest.raises(OtherLogError):
            log.append([Draft(job_id=JOB, stream=LEDGER_STREAM, event=make(wrong))], append_id=append_id("wrong"))
    assert 4 == log.head().size
    event = make(heads[min(size, 4)])
    assert heads[min(size, 4)] == claimed(event)
    log.append([Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)], append_id=append_id("right"))
    assert 5 == log.head().size


def test_an_event_of_anything_else_claims_nothing() -> None:
    """A probe, say."""
    assert None is claimed(connection_tested(1).event)
