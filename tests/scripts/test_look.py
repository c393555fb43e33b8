"""scripts/look.sh checks nothing where there is no browser, says so by name, and fails where it must not be skipped."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "look.sh"
NEEDED = ("dirname", "mktemp", "mkdir")


@pytest.mark.parametrize(
    ("tools", "missing"), [((), "chromium"), (("chromium",), "node"), (("chromium", "node"), "npm")]
)
@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_what_is_not_there_is_named(
    tools: tuple[str, ...], missing: str, required: str, code: int, tmp_path: Path
) -> None:
    """Whatever is missing first; nothing is written."""
    programs, folder = tmp_path / "bin", tmp_path / "out"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in tools:
        (programs / name).symlink_to("/bin/true")
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT), str(folder)],
        env={"PATH": str(programs), "LOOK_REQUIRED": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (code, f"skipped: no {missing} on this machine\n", False) == (done.returncode, done.stderr, folder.exists())
