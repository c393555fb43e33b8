"""The sections of a page, each with the scene that it names and the commands that it shows."""

import re
from pathlib import Path

import msgspec

from tests.docs.scenes import SETUPS
from tests.support.transcript import Step, play, steps

_SECTION = re.compile(r"^## ([^\n]+)\n(?:<!-- setup: (\S+) -->\n)?(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Section(msgspec.Struct, frozen=True):
    """A section of a page; `setup` is empty where it shows no command."""

    title: str
    setup: str
    script: list[Step]

    @property
    def anchor(self) -> str:
        """Return what links to it end with."""
        return re.sub(r"[^\w -]", "", self.title.lower()).replace(" ", "-")

    @property
    def shown(self) -> list[str]:
        """Return every line of output that it shows."""
        return [line for step in self.script for line in step.shown]


def sections(page: str) -> list[Section]:
    """Return the sections of `page`, in order; a comment right after a heading names its scene."""
    return [Section(title, setup, steps(text)) for title, setup, text in _SECTION.findall(page)]


def played(section: Section, folder: Path) -> list[Step]:
    """Return the section's commands as they went, from its scene made in `folder`."""
    with SETUPS[section.setup](folder) as scene:
        return play(section.script, cwd=scene.cwd, env=scene.env, under=scene.under)
