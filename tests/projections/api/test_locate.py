"""A notebook goes by the settings of the command line."""

from pathlib import Path

import pytest

from cli.app import settings
from projections.api import locate


def test_defaults_are_those_of_the_command_line() -> None:
    """Of the settings that it reads."""
    theirs = {one.name: one.default for one in settings.REGISTRY if one.name in locate.DEFAULTS}
    assert theirs == locate.DEFAULTS


@pytest.mark.parametrize("shell", [{}, {"DATA_DIR": "~/elsewhere", "PRICE_SOURCES": "cotahist, yfinance"}])
@pytest.mark.parametrize(
    "dotenv",
    [
        None,
        "DATA_DIR=there\nPRICE_SOURCES=sample\n",
    ],
)
def test_settings_in_force_are_those_of_the_command_line(
    shell: dict[str, str], dotenv: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment first, then `.env`, then the default."""
    monkeypatch.chdir(tmp_path)
    for name in locate.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv)
    theirs = settings.load()
    assert (theirs.data_dir, theirs.price_sources) == (locate.data_dir(), locate.sources())
