"""`main config` prints every setting in force and where it comes from."""

from pathlib import Path

from cli.app.settings import REGISTRY
from tests.support.cli import run_main


def test_each_setting_is_a_json_line_with_its_origin(tmp_path: Path) -> None:
    """Environment before `.env` before default."""
    (tmp_path / ".env").write_text("DATA_DIR=a\nLOG_LEVEL=WARNING\n")
    result = run_main("config", "--format", "json", cwd=tmp_path, env={"LOG_LEVEL": "ERROR"})
    given = {"DATA_DIR": ("a", ".env"), "LOG_LEVEL": ("ERROR", "environment")}
    assert (0, "") == (result.code, result.err)
    assert [
        {"name": setting.name, "value": value, "origin": origin, "purpose": setting.purpose}
        for setting in REGISTRY
        for value, origin in [given.get(setting.name, (setting.default, "default"))]
    ] == result.lines()


def test_the_text_serves_as_a_dotenv(tmp_path: Path) -> None:
    """What is printed, put in place, gives the same settings."""
    env = {"DATA_DIR": "with space # and hash", "ADAPTER_MAX_RETRIES": "5"}
    (tmp_path / ".env").write_text(run_main("config", cwd=tmp_path, env=env).out)
    before = run_main("config", "--format", "json", cwd=tmp_path, env=env).lines()
    after = run_main("config", "--format", "json", cwd=tmp_path).lines()
    assert [(row["name"], row["value"]) for row in before] == [(row["name"], row["value"]) for row in after]


def test_a_setting_that_cannot_be_parsed_is_printed_and_then_refused(tmp_path: Path) -> None:
    """Looking at the settings works when they are wrong: that is when one looks."""
    result = run_main("config", cwd=tmp_path, env={"ADAPTER_MAX_RETRIES": "many"})
    assert (3, len(REGISTRY)) == (result.code, len(result.out.splitlines()))
    wanted = "want a whole number from 0 to 1000"
    assert f"error: got ADAPTER_MAX_RETRIES='many' from environment, {wanted}\nhint: main config\n" == result.err
