"""What the operating system reports becomes an error of ours."""

import errno
import os
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, UnwritableError, is_disk_full, unwritable


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_or_a_quota_that_takes_no_more_is_full(number: int) -> None:
    """Whichever of the two it was."""
    error = OSError(number, os.strerror(number))
    assert (True, DiskFullError) == (is_disk_full(error), type(unwritable(Path("a"), error)))


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), OSError("of no number")])
def test_any_other_failure_is_no_full_disk(error: OSError) -> None:
    """It is named with the file."""
    assert (False, UnwritableError) == (is_disk_full(error), type(unwritable(Path("a"), error)))
