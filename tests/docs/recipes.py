"""The recipes of CONTRIBUTING.md, done as they are written: files made, lines changed, commands typed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.support.cli import REPOSITORY
from tests.support.transcript import Step, fits, play, steps

COPIED = ("cli", "docs", "ledger", "projections", "scripts", "tests", "pyproject.toml", ".env.example")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".venv", "dados", "snapshots", "backups")
REST = "…"

_RECIPE = re.compile(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
# What begins a line and names a file says what the blocks after it are for, until the next that does.
_PART = re.compile(r"^(?:(New|Change) `([^`\n]+)`[^\n]*|```(\w+)\n(.*?)^```)$", re.MULTILINE | re.DOTALL)


def recipes(page: str) -> dict[str, str]:
    """Return the text of each recipe by its title."""
    return dict(_RECIPE.findall(page))


def copy_of_the_repository(folder: Path) -> Path:
    """Return a copy in `folder` of what a recipe changes or runs."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, folder / name)
    return folder


def follow(recipe: str, folder: Path) -> None:
    """Make the files and the changes of `recipe` in `folder`, in order.

    Raises: ValueError for a block that no line introduces, and for a change that fits in no place or in several.
    """
    verb = path = ""
    for part in _PART.finditer(recipe):
        if part[1]:
            verb, path = part[1], part[2]
        elif part[3] == "console":
            continue
        elif verb == "New":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(part[4], encoding="utf-8")
        elif verb == "Change" and part[3] == "diff":
            (folder / path).write_text(changed((folder / path).read_text("utf-8"), part[4]), encoding="utf-8")
        else:
            message = f"got a block of {part[3]} that begins {part[4][:40]!r}, want a line that says which file it is"
            raise ValueError(message)


def changed(text: str, change: str) -> str:
    """Return `text` with the lines of `change`: `+` added, `-` taken out, others found where they are.

    Raises: ValueError where the lines that were there before are not found once.
    """
    marked = [line or " " for line in change.splitlines()]
    before = [line[1:] for line in marked if line[0] != "+"]
    after = [line[1:] for line in marked if line[0] != "-"]
    lines = text.splitlines()
    places = [start for start in range(len(lines)) if lines[start : start + len(before)] == before]
    if len(places) != 1:
        message = f"got {len(places)} places for a change of {before}, want one"
        raise ValueError(message)
    lines[places[0] : places[0] + len(before)] = after
    return "\n".join(lines) + "\n"


def typed(recipe: str, folder: Path) -> list[Step]:
    """Return the commands of `recipe` as they went in `folder`: what was left out is left out of what is returned."""
    script = steps(recipe)
    bare = [Step(step.command, ()) for step in script]
    went = play(bare, cwd=folder, env={"PYTHONPATH": str(folder)})
    return [_as_shown(step, done) for step, done in zip(script, went, strict=True)]


def _as_shown(step: Step, done: Step) -> Step:
    """Return `done` with `…` where the page has it and the lines before and after it fit."""
    return Step(done.command, step.shown if _fit(step.shown, done.shown) else done.shown, done.code)


def _fit(shown: tuple[str, ...], lines: tuple[str, ...]) -> bool:
    """Whether `lines` are what is shown; each `…` stands for any number of lines."""
    if not shown:
        return not lines
    if shown[0] == REST:
        return any(_fit(shown[1:], rest) for rest in _tails(lines))
    return bool(lines) and fits(shown[0], lines[0]) and _fit(shown[1:], lines[1:])


def _tails(lines: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield from (lines[start:] for start in range(len(lines) + 1))
