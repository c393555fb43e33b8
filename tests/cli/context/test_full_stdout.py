"""A stdout that takes nothing, for every command: what its exit code says stays, and where printing was all it is 3."""

import os
from pathlib import Path

import pytest

from cli.app import output
from cli.entry import run
from tests.cli.context.test_reading import READING, to, words
from tests.support.cli import environment
from tests.support.sample_ledger import NOW, kept

# Whose 0 is the answer, or a file that was made.
ANSWERS = ("verify", "audit", "rebuild", "validate", "compare", "snapshot --check")
MAKES = "--out"
GUIDES = [(["help"], 0), (["version"], 0), (["completion", "bash"], 0), (["--help"], 0), (["logs", "--help"], 0)]


@pytest.fixture
def here(sample: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample's folder as the working folder, at the instant at which it was ingested."""
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    for name, value in NOW.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(sample)
    return sample


@pytest.mark.parametrize(("args", "code"), [*READING, *GUIDES], ids=words)
def test_no_row_that_is_lost_is_passed_over(
    args: list[str],
    code: int,
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The code of a command that judges, or makes a file, is its own; any other that would have printed something is 3.

    Either way a line on stderr says that stdout is full, and nothing on disk is touched.
    """
    before, asked = kept(here), to(tmp_path / "out", args)
    found = {}
    for name in (os.devnull, "/dev/full"):
        monkeypatch.setattr(output, "_LOST", [])
        monkeypatch.setattr(output, "_BEGAN", [])
        with monkeypatch.context() as patched, open(name, "w") as stdout:
            patched.setattr("sys.stdout", stdout)
            found[name] = run(asked)
            printed = bool(output._BEGAN) or "help" in " ".join(args)
        for made in tmp_path.glob("out*"):
            made.rename(tmp_path / f"{len(found)}-{made.name}")
        said = capfd.readouterr().err
    judges = code or " ".join(args).startswith(ANSWERS) or MAKES in args or not printed
    assert {os.devnull: code, "/dev/full": code if judges else 3} == found
    assert (printed and code != 3) is ("'No space left on device'" in said)
    assert before == kept(here)
