"""docs/operations/runbook.md is true: every command is typed, and what it shows is what the page says it shows.

A section with console blocks names its scene in a comment right after its heading; see `tests/docs/scenes.py`.
"""

import re
from pathlib import Path

import pytest

from cli.app.settings import REGISTRY
from tests.docs import messages
from tests.docs.scenes import SETUPS
from tests.docs.sections import Section, played, sections
from tests.docs.test_ci_page import PLAYED as PLAYED_OF_CI
from tests.support.cli import REPOSITORY
from tests.support.transcript import steps

PAGE = (REPOSITORY / "docs" / "operations" / "runbook.md").read_text("utf-8")
STORY = (
    "main metrics",
    "main metrics --format json",
    "main test-conn --provider yfinance",
    "main logs --ticker PETR4.SA --since 2026-02-01 --format json",
    "main backup --create --out backups/backup-$(date -u +%Y%m%dT%H%M%SZ).db --verify",
    'main backup --restore --from "$backup"',
    'main backup --verify --from "$backup"',
    "main --no-network --ticker PETR4.SA",
)

_ERROR = re.compile(r"^\| `(\w+Error)` \| (?:`(.*?)`)? *\| (\d) \| .+ \| .+ \|$", re.MULTILINE)
_SYMPTOM = re.compile(r"^\| `(.+)` \| \[.+\]\(#(.+)\) \|$", re.MULTILINE)


SECTIONS = sections(PAGE)
PLAYED = [section for section in SECTIONS if section.script]


@pytest.mark.parametrize("section", PLAYED, ids=[section.anchor for section in PLAYED])
def test_a_section_happens_as_it_is_told(section: Section, tmp_path: Path) -> None:
    """Command by command, from the scene that it names."""
    assert section.script == played(section, tmp_path)


def test_every_console_block_is_played() -> None:
    """None stands before the first section."""
    assert steps(PAGE) == [step for section in SECTIONS for step in section.script]


def test_every_scene_is_of_use() -> None:
    """On this page or on the one for pipelines."""
    assert set(SETUPS) == {section.setup for section in (*PLAYED, *PLAYED_OF_CI)}


def test_the_commands_of_the_story_are_there() -> None:
    """As they were asked for, with the path taken from what a command printed."""
    typed = [step.command for section in PLAYED for step in section.script]
    assert [] == [command for command in STORY if command not in typed]


def test_a_symptom_is_shown_in_the_section_it_leads_to() -> None:
    """Who searches the page for what is on the screen finds it."""
    shown = {section.anchor: "\n".join(section.shown) for section in PLAYED}
    symptoms = _SYMPTOM.findall(PAGE)
    assert len(symptoms) > len(PLAYED) // 2
    assert [] == [(words, anchor) for words, anchor in symptoms if words not in shown[anchor]]


def test_every_error_that_a_command_can_end_with_is_on_the_page() -> None:
    """With its message and its exit code, each once."""
    rows = {name: (message, int(code)) for name, message, code in _ERROR.findall(PAGE)}
    assert messages.catalogue() == rows


def test_links_within_the_page_lead_somewhere() -> None:
    """By the anchors that headings get."""
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - {section.anchor for section in SECTIONS}


def test_every_setting_is_named() -> None:
    """With its default, as `main config` prints it."""
    shown = [line for section in PLAYED for line in section.shown]
    defaults = [f"{setting.name}={setting.default or ''}  # default: {setting.purpose}" for setting in REGISTRY]
    assert [] == [line for line in defaults if line not in shown]
