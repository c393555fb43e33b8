"""docs/report.md is true: its commands print what stands there, and its table names the page's sections."""

import re
from pathlib import Path

from cli.render.report.series import ROWS
from projections.report.gathering import LAST_ENTRIES
from tests.cli.render.report.reading import sound
from tests.support import sample_ledger
from tests.support.cli import REPOSITORY
from tests.support.transcript import play, steps

PAGE = REPOSITORY / "docs" / "report.md"
TEXT = PAGE.read_text("utf-8")


def test_its_commands_print_what_stands_there(tmp_path: Path) -> None:
    """On the sample; each leaves a page that is sound."""
    sample_ledger.make(tmp_path)
    assert steps(TEXT) == play(steps(TEXT), cwd=tmp_path, env=sample_ledger.NOW)
    assert ["before.html", "petr4.html", "report.html"] == sorted(path.name for path in tmp_path.glob("*.html"))
    for path in tmp_path.glob("*.html"):
        sound(path.read_bytes())
    headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", (tmp_path / "report.html").read_text("utf-8"))
    named = [name for row in re.findall(r"^\| ([A-Z][^|]*) \| \w+ \|", TEXT, re.MULTILINE) for name in row.split(", ")]
    assert [name.lower() for name in headings] == [name.lower() for name in named]


def test_its_numbers_are_those_of_the_code() -> None:
    """How many rows are shown."""
    assert ("eight", "20") == ({8: "eight"}[ROWS], str(LAST_ENTRIES))
    assert "newest eight rows" in TEXT
    assert f"the newest {LAST_ENTRIES} each" in TEXT
