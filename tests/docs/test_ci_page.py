"""docs/operations/ci.md is true: its commands are typed, and its workflow's steps are run where there is no network."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.scenes import Scene, committed
from tests.docs.sections import Section, played, sections
from tests.support.cli import REPOSITORY
from tests.support.transcript import Step, play, steps

PAGE = (REPOSITORY / "docs" / "operations" / "ci.md").read_text("utf-8")
PLAYED = [section for section in sections(PAGE) if section.script]
NO_NETWORK = ("unshare", "-rn")
INSTALLS = "python -m pip install ."

_WORKFLOW = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"^ +- run: (.*)$", re.MULTILINE)


@pytest.fixture
def alone() -> None:
    """Skip where this user may not leave the network."""
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")


def run_steps() -> list[str]:
    """Return the commands of the workflow, but for the one that needs a package registry."""
    (workflow,) = _WORKFLOW.findall(PAGE)
    first, *rest = _RUN.findall(workflow)
    assert (INSTALLS, 4) == (first, len(rest))
    return rest


def codes(scene: Scene) -> list[int]:
    """Return how each step ends, typed as a runner does: in a shell of its own that stops at the first failure."""
    script = [Step(f"(set -eo pipefail; {command})", ()) for command in run_steps()]
    return [step.code for step in play(script, cwd=scene.cwd, env=scene.env, under=NO_NETWORK)]


@pytest.mark.parametrize("section", PLAYED, ids=[section.anchor for section in PLAYED])
def test_a_section_happens_as_it_is_told(section: Section, tmp_path: Path) -> None:
    """Command by command, from the scene that it names."""
    assert section.script == played(section, tmp_path)


def test_every_console_block_is_played() -> None:
    """None stands before the first section."""
    assert steps(PAGE) == [step for section in PLAYED for step in section.script]


@pytest.mark.usefixtures("alone")
def test_the_workflow_passes_on_what_the_ledger_wrote(tmp_path: Path) -> None:
    """Without a network, a database or a setting; it writes nothing either."""
    with committed(tmp_path) as scene:
        before = sorted(path.name for path in scene.cwd.rglob("*"))
        assert [0, 0, 0, 0] == codes(scene)
        assert before == sorted(path.name for path in scene.cwd.rglob("*"))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("snapshots/PETR4-20260213.csv", b"31.55", b"31.56", [0, 2, 1, 1]),
        ("snapshots/PETR4-20260213.csv.checksum", b"PETR4", b"VALE3", [0, 0, 1, 0]),
        ("ci/ledger.db", b"PETR4", b"PETR3", [2, 2, 0, 1]),
    ],
)
def test_the_workflow_fails_on_anything_else(
    name: str, old: bytes, new: bytes, expected: list[int], tmp_path: Path
) -> None:
    """A price edited, a checksum that is another file's, a backup changed: by the steps that the page says."""
    with committed(tmp_path) as scene:
        file = scene.cwd / name
        file.write_bytes(file.read_bytes().replace(old, new, 1))
        assert expected == codes(scene)
