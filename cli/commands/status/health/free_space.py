"""How much room a ledger's disk has left, and how bad that is."""

import os
from pathlib import Path

from cli.app.exit_codes import Exit
from ledger.codec import BODY_LIMIT_BYTES

MIB = 1024 * 1024
# A run appends evidence and decision, each as large as one event may be, and writes read models and a snapshot.
AMPLE_BYTES = 4 * BODY_LIMIT_BYTES
# Two years of sessions take a few hundred kilobytes: below this the next append fails.
SCARCE_BYTES = MIB


def free_bytes(folder: Path) -> int:
    """Return how many bytes this user may still write on the disk of `folder`; a quota is not seen."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def severity(free: int) -> Exit:
    """Return 2 when the next append does not fit into `free` bytes, 1 when a large one does not, else 0."""
    if free < SCARCE_BYTES:
        return Exit.CRITICAL
    return Exit.WARNING if free < AMPLE_BYTES else Exit.OK


def complaint(free: int) -> str | None:
    """Return the complaint about `free` bytes, None where they are ample."""
    if severity(free) == Exit.OK:
        return None
    return f"got {free / MIB:.1f} MiB free on the ledger's disk, want {AMPLE_BYTES // MIB} or more"
