"""Whoever begins at the README comes to every page."""

import re
from pathlib import Path

from tests.docs.test_paths import PAGES, prose
from tests.support.cli import REPOSITORY

_LINK = re.compile(r"\]\(([^)#:\s]+\.md)(?:#[\w-]+)?\)")


def test_every_page_is_reached_by_links_from_the_readme() -> None:
    """A page that none names is read by nobody."""
    reached: set[Path] = set()
    left = [REPOSITORY / "README.md"]
    while left:
        page = left.pop()
        if page not in reached:
            reached.add(page)
            left += [(page.parent / link).resolve() for link in _LINK.findall(prose(page))]
    assert set() == set(PAGES) - reached
