"""The log as it grows: what is appended is given on, and a restore is told of in one line.

Woken once a second at most, and at once when whoever reads hangs up.
"""

import select
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from cli.app import output
from cli.commands.evidence.events.search import Wanted, first_of
from ledger.chain import Record
from ledger.log_source import LogSource, link_at, sound
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

WAKE_MS = 1_000


def follow(home: LedgerHome, opened: Callable[[], EventLog], wanted: Wanted) -> Iterator[Record]:
    """Yield what the ledger of `home` holds from `wanted.since` on (None: from its head on), then what is appended.

    Ends when the reader of stdout is gone. After a restore it goes on in the restored ledger, with the first event
    that was not in the one before; `opened` opens the one in use.

    Raises: as `opened` and `sound` do.
    """
    logs = ExitStack()
    try:
        log = logs.enter_context(opened())
        size = log.head().size
        seq = size if wanted.since is None else first_of(log, wanted.since, size)
        while True:
            size = log.head().size
            if size > seq:
                yield from filter(wanted.takes, sound(log, seq, size))
                seq = size
            if not _waited():
                return
            if home.current() != log.folder:
                restored = opened()
                seq = min(seq, apart(log, restored))
                logs.close()
                log = logs.enter_context(restored)
                output.say(f"note: the ledger was replaced by {log.folder.name}, followed from seq {seq} on")
    finally:
        logs.close()


def apart(one: LogSource, other: LogSource) -> int:
    """Return the first seq at which the two logs hold different events, or one of them none; O(log n) reads."""
    # Each link covers all before it: where two are the same, so is everything up to there.
    sizes = range(min(one.head().size, other.head().size))
    return bisect_left(sizes, x=True, key=lambda seq: link_at(one, seq) != link_at(other, seq))


def _waited() -> bool:
    """Give on what was printed and wait until it is time to look again; False once nobody reads any more."""
    sys.stdout.flush()
    stdout = select.poll()
    stdout.register(sys.stdout.fileno(), 0)  # of an end whose reader is gone the kernel tells unasked
    return not any(event & select.POLLERR for _, event in stdout.poll(WAKE_MS))
