"""The mutation check reports mutants that were run, and nothing as a success that was not."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.mutation import GROUPS, REPOSITORY, Group
from tests.support.cli import environment

CHECK = "import sys; from pathlib import Path; from scripts.mutation import check; check(Path(sys.argv[1]), jobs=1)"
# Stands where mutmut is looked for first, and says what mutmut would.
MUTMUT = """
import sys
said = {{"run": {run!r}, "results": {results!r}, "show": "a diff"}}
print(said[sys.argv[1]])
sys.exit({code} if sys.argv[1] == "run" else 0)
"""


def checked(folder: Path, *, run: str, results: str, code: int) -> subprocess.CompletedProcess[str]:
    """Return how the check ends in `folder` where mutmut says that."""
    (folder / "mutmut.py").write_text(MUTMUT.format(run=run, results=results, code=code))
    # In a process of its own: it limits its memory for good.
    words = [sys.executable, "-c", CHECK, str(folder)]
    return subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)


def test_survivors_are_counted_and_shown(tmp_path: Path) -> None:
    """After the last line of the run."""
    done = checked(tmp_path, run="x\n2/2 done", results="    a__1: killed\n    a__2: survived", code=0)
    shown = "2/2 done\n2 mutants: 1 killed, 1 survived\n50.0 % lived\na diff\n\n"
    assert (0, shown, "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("results", "counted"),
    [("    a__1: not checked\n    a__2: not checked", "0 of 2"), ("    a__1: killed\n    a__2: not checked", "1 of 2")],
)
@pytest.mark.parametrize("code", [0, 1])
def test_a_run_without_an_end_fails_with_what_was_said_of_it(
    results: str, counted: str, code: int, tmp_path: Path
) -> None:
    """As where the tests fail without any mutant: no count looks like a good one."""
    done = checked(tmp_path, run="FAILED test_a", results=results, code=code)
    said = f"FAILED test_a\n\ngot {counted} mutants checked, want all, and at least one\n"
    assert (1, "", said) == (done.returncode, done.stdout, done.stderr)


def test_nothing_to_mutate_is_a_failure(tmp_path: Path) -> None:
    """Modules that were renamed would be held by no test."""
    done = checked(tmp_path, run="nothing", results="", code=0)
    said = "nothing\n\ngot 0 of 0 mutants checked, want all, and at least one\n"
    assert (1, "", said) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_a_group_names_what_is_there(group: Group) -> None:
    """A module or a test that moved would be left out without a word."""
    assert [] == [name for name in (*group.modules, *group.tests) if not (REPOSITORY / name).is_file()]
    left_out = [name.split("::") for name in group.left_out]
    assert [] == [test for path, test in left_out if f"def {test}(" not in (REPOSITORY / path).read_text("utf-8")]
