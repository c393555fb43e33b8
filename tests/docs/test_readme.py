"""README's blocks run as pasted, one after the other: what "Try it" makes is what "Use it" reads."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY, environment

README = (REPOSITORY / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines(section: str) -> list[str]:
    """Return the lines of shell in a section of the README."""
    text = README.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return [line for block in BLOCK.findall(text) for line in block.splitlines() if line.strip()]


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Give an environment with the virtual environment's programs, as after "Try it", and no network needed."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    main = programs / "main"
    main.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cli "$@"\n')
    main.chmod(0o755)
    return environment({"PATH": f"{programs}:{os.environ['PATH']}", "PAGER": "cat"})


def test_what_can_be_tried_and_used_without_a_network_works_as_pasted(machine: dict[str, str], tmp_path: Path) -> None:
    """Every line of both sections, in order; 0, or 1 where the line says that something wants a look."""
    offline = [line for line in (*lines("Try it"), *lines("Use it")) if "pip install" not in line]
    first = ".venv/bin/main --no-network --ticker PETR4.SA --format json"
    for line in [first, *offline]:
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=machine, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode in {0, 1}, (line, done.stderr)
        assert "error:" not in done.stderr, (line, done.stderr)


def test_the_package_ships_its_pages() -> None:
    """Documentation and schemas are in the source distribution."""
    tool = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]
    shipped = {one["path"] for one in tool["poetry"]["include"]}
    assert {"docs/**/*", "CHANGELOG.md", ".env.example"} <= shipped
