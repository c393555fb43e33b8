"""docs/cli.md is what `--help` says."""

import runpy

from tests.support.cli import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_cli_docs.py"))


def test_the_page_is_current() -> None:
    """Run `python scripts/make_cli_docs.py` after changing a command."""
    assert SCRIPT["page"]() == (REPOSITORY / "docs" / "cli.md").read_text("utf-8")


def test_every_command_has_a_section() -> None:
    """Those below another one too."""
    page = SCRIPT["page"]()
    paths = [path for path, _ in SCRIPT["commands"](SCRIPT["root"], "main")]
    assert {"main", "main config", "main events", "main events show"} <= set(paths)
    assert paths == [path for path in paths if f"\n## {path}\n" in page]
