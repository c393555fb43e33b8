"""CONTRIBUTING.md is true: each recipe, done as it is written, works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.recipes import changed, copy_of_the_repository, follow, recipes, typed
from tests.support.cli import REPOSITORY
from tests.support.transcript import steps

PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = recipes(PAGE)


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_works_as_it_is_written(title: str, tmp_path: Path) -> None:
    """Its files, its changes and its commands, in a copy of the repository; what it makes is as clean as the rest."""
    folder = copy_of_the_repository(tmp_path)
    follow(RECIPES[title], folder)
    assert steps(RECIPES[title]) == typed(RECIPES[title], folder)
    for check in (["check"], ["format", "--check"]):
        lint = [sys.executable, "-m", "ruff", *check, "--no-cache", "."]
        done = subprocess.run(lint, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert 0 == done.returncode, done.stdout


def test_there_is_a_recipe_for_each_usual_change() -> None:
    """Those that the page announces."""
    assert {"A provider", "An event type", "A projection", "A command", "A rule"} == set(RECIPES)


def test_the_set_up_is_the_readmes() -> None:
    """Without its last step, which runs the tests."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^```sh\n(.+)\n```$", PAGE, re.MULTILINE)
    assert f"{command} && .venv/bin/python -m pytest" in readme


@pytest.mark.parametrize("change", [" a\n+b\n", " c\n+b\n"])
def test_a_change_without_its_one_place_is_refused(change: str) -> None:
    """A recipe that no longer fits the code fails; it does not guess."""
    with pytest.raises(ValueError, match="want one"):
        changed("a\na\n", change)
