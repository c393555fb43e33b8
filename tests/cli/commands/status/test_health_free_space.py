"""How much room is left is told before an append finds out."""

import os
from pathlib import Path

import pytest

from cli.app.exit_codes import Exit
from cli.commands.status.health.free_space import complaint, free_bytes, severity

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("free", "code", "words"),
    [
        (0, Exit.CRITICAL, "got 0.0 MiB free on the ledger's disk, want 64 or more"),
        (MIB - 1, Exit.CRITICAL, "got 1.0 MiB free on the ledger's disk, want 64 or more"),
        (MIB, Exit.WARNING, "got 1.0 MiB free on the ledger's disk, want 64 or more"),
        (64 * MIB - 1, Exit.WARNING, "got 64.0 MiB free on the ledger's disk, want 64 or more"),
        (64 * MIB, Exit.OK, None),
    ],
)
def test_room_for_large_appends_then_for_any(free: int, code: Exit, words: str | None) -> None:
    """Just inside and just outside."""
    assert (code, words) == (severity(free), complaint(free))


def test_what_is_free_is_what_this_user_may_write(tmp_path: Path) -> None:
    """Less than what the file system says is free to root, on the file system of that folder."""
    found = os.statvfs(tmp_path)
    assert free_bytes(tmp_path) <= found.f_bfree * found.f_frsize
    assert free_bytes(Path("/proc")) == 0
