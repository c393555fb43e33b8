"""docs/api.md says what the docstrings say, and its example runs."""

import runpy
from pathlib import Path

import projections
from tests.support import sample_ledger
from tests.support.cli import REPOSITORY, run_code

PAGE = REPOSITORY / "docs" / "api.md"


def test_the_page_is_current() -> None:
    """Run `python scripts/make_api_docs.py` after changing a docstring or a signature."""
    assert runpy.run_path(str(REPOSITORY / "scripts" / "make_api_docs.py"))["page"]() == PAGE.read_text("utf-8")


def test_every_public_name_is_on_the_page() -> None:
    """Types of parameters in its introduction, the others under a heading or in a table."""
    text = PAGE.read_text("utf-8")
    assert [] == [name for name in projections.__all__ if f"# {name}\n" not in text and f"`{name}`" not in text]


def test_the_example_runs(tmp_path: Path) -> None:
    """On the sample, as pasted."""
    sample_ledger.make(tmp_path)
    sample_ledger.make_more(tmp_path)
    example = PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0]
    done = run_code(example, cwd=tmp_path)
    assert (0, "") == (done.code, done.err)
    assert "PETR4.SA" in done.out
