"""The pages speak of files that exist."""

import re
from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY

PAGES = sorted({*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")})
_PATH = re.compile(r"(?<![\w/.<-])((?:ledger|projections|cli|tests|scripts|docs)/[\w./-]*\w)")
_OF_A_LEDGER = {"projections/CURRENT"}  # in the folder of a ledger, which has a folder of that name too
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    """Files and folders of the product, its tests and its scripts."""
    named = set(_PATH.findall(prose(page)))
    assert set() == {path for path in named - _OF_A_LEDGER if not (REPOSITORY / path).exists()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Relative to the page that it is on."""
    assert [] == [link for link in _LINK.findall(prose(page)) if not (page.parent / link).exists()]


def test_nothing_beside_the_rooms_was_left_by_a_command() -> None:
    """A path that a command was given by mistake is a folder with a name that nobody would choose."""
    names = {path.name for path in REPOSITORY.iterdir()}
    assert set() == {name for name in names if not re.fullmatch(r"[\w.][\w.@+-]*", name)}


def prose(page: Path) -> str:
    """Return the page without its blocks of code, and without the lines that name a file still to be made."""
    return re.sub(r"^```.*?^```$|^New `[^\n]*", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
