"""docs/adr/README.md lists every decision, in order, by its own title."""

import re

from tests.support.cli import REPOSITORY

FOLDER = REPOSITORY / "docs" / "adr"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))


def title(page: str) -> tuple[str, str]:
    """Return the number and the title in a page's first line."""
    first = page.splitlines()[0]
    found = re.fullmatch(r"# (\d+)\. (.+)", first)
    assert found, first
    return found[1], found[2]


def test_every_decision_is_listed_in_order() -> None:
    """A line per page: its number, its title, its file."""
    titles = [(*title(page.read_text("utf-8")), page.name) for page in PAGES]
    index = (FOLDER / "README.md").read_text("utf-8")
    assert titles == re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", index, re.MULTILINE)


def test_decisions_are_numbered_without_holes() -> None:
    """By the file's name and by its title."""
    assert [f"{number:04}" for number in range(1, len(PAGES) + 1)] == [page.name[:4] for page in PAGES]
    assert [int(page.name[:4]) for page in PAGES] == [int(title(page.read_text("utf-8"))[0]) for page in PAGES]
