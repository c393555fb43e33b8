"""docs/architecture.md names every room of the product, once, and ends with the invariants."""

import re

from tests.support.cli import REPOSITORY
from tests.test_architecture import FRONT_DOORS, PURE_ROOMS, room_of, rooms

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
ROOMS = re.findall(r"^\| `([a-z0-9_/]+)` \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)


def test_every_folder_of_the_product_is_a_row_and_nothing_else_is() -> None:
    """A folder that is added, moved or removed changes its row with it."""
    assert sorted(rooms().keys() | {room_of(door) for door in FRONT_DOORS}) == sorted(name for name, _, _ in ROOMS)


def test_every_room_says_what_it_is_and_what_may_be_changed() -> None:
    """In a line: what is in it, and at least one sentence on changes."""
    assert [] == [name for name, held, changes in ROOMS if not held.strip() or not changes.rstrip().endswith(".")]


def test_the_rooms_that_are_tested_to_be_pure_are_marked() -> None:
    """Those, and no others."""
    assert sorted(PURE_ROOMS) == sorted(name for name, held, _ in ROOMS if "*pure*" in held)


def test_the_page_ends_with_the_invariants() -> None:
    """They are what whoever reads no further line must have read."""
    assert "Invariants" == re.findall(r"^## (.+)$", PAGE, re.MULTILINE)[-1]
