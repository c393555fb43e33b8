"""docs/operations/runbook.md is true: every command is typed, and what it shows is what the page says it shows.

A section with console blocks names its scene in a comment right after its heading; see `tests/docs/scenes.py`.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.app.settings import REGISTRY
from tests.docs.scenes import SETUPS, serving
from tests.docs.sections import Section, played, sections
from tests.docs.test_ci_page import PLAYED as PLAYED_OF_CI
from tests.support.cli import REPOSITORY
from tests.support.transcript import Step, play, steps

PAGE = (REPOSITORY / "docs" / "operations" / "runbook.md").read_text("utf-8")
INSTALLED = "/srv/b3-ledger"
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

_SYMPTOM = re.compile(r"^\| `(.+)` \| \[.+\]\(#(.+)\) \|$", re.MULTILINE)
_CRON = re.compile(r"^```cron\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_JOB = re.compile(r"^(?:\S+ +){5}(cd .*)$", re.MULTILINE)
_EXEC = re.compile(rf"^ExecStart={INSTALLED}/\.venv/bin/(.*)$", re.MULTILINE)
_CALENDAR = re.compile(r"^OnCalendar=(.*)$", re.MULTILINE)


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


def test_links_within_the_page_lead_somewhere() -> None:
    """By the anchors that headings get."""
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - {section.anchor for section in SECTIONS}


def test_every_setting_is_named() -> None:
    """With its default, as `main config` prints it."""
    shown = [line for section in PLAYED for line in section.shown]
    defaults = [f"{setting.name}={setting.default or ''}  # default: {setting.purpose}" for setting in REGISTRY]
    assert [] == [line for line in defaults if line not in shown]


def test_the_scheduled_commands_run(tmp_path: Path) -> None:
    """Cron's and systemd's, in the folder that they name, in their order."""
    (cron,) = _CRON.findall(PAGE)
    commands = [*_JOB.findall(cron), *(f"cd {INSTALLED} && {words}" for words in _EXEC.findall(PAGE))]
    assert (4, 2) == (len(_JOB.findall(cron)), len(_EXEC.findall(PAGE)))
    with serving(tmp_path) as scene:
        script = [Step(command.replace(INSTALLED, str(scene.cwd)), ()) for command in commands]
        # The backups of two schedulers at one stopped instant would have one name.
        script.insert(-1, Step("rm backups/*", ()))
        went = play(script, cwd=scene.cwd, env=scene.env)
    assert [(step.command, 0) for step in script] == [(step.command, step.code) for step in went]
    assert [()] * 4 == [step.shown for step in went[:4]]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here to read its calendar")
def test_systemd_reads_the_timer() -> None:
    """On working days, by the clock of the exchange."""
    (when,) = _CALENDAR.findall(PAGE)
    done = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=False)
    assert (0, f"Normalized form: {when.replace('20:00', '*-*-* 20:00:00')}") == (
        done.returncode,
        next(line.strip() for line in done.stdout.splitlines() if "Normalized" in line),
    )
