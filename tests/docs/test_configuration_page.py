"""docs/configuration.md lists every setting, and .env.example shows each with its default."""

import runpy

from cli.app.settings import REGISTRY
from tests.support.cli import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_configuration_docs.py"))


def test_the_page_is_current() -> None:
    """Run `python scripts/make_configuration_docs.py` after changing a setting."""
    assert SCRIPT["page"]() == (REPOSITORY / "docs" / "configuration.md").read_text("utf-8")


def test_the_example_shows_every_setting() -> None:
    """In any order."""
    lines = (REPOSITORY / ".env.example").read_text("utf-8").splitlines()
    assert {f"{one.name}={one.default or ''}" for one in REGISTRY} <= set(lines)
