"""A log line is one JSON object on stderr, and only from the level up."""

import msgspec
import pytest
import structlog

from cli.app.logging_setup import configure


@pytest.fixture(autouse=True)
def _as_before() -> None:
    structlog.reset_defaults()


def test_a_line_carries_what_was_bound_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing reaches stdout; the time is UTC."""
    configure("INFO").bind(job_id="j", ticker="PETR4.SA").warning("retry", attempt=2, retry_after=None)
    captured = capsys.readouterr()
    line = msgspec.json.decode(captured.err)
    assert line.pop("at").endswith("Z")
    bound = {"job_id": "j", "ticker": "PETR4.SA"}
    said = {"event": "retry", "level": "warning", "attempt": 2, "retry_after": None}
    assert ("", bound | said) == (captured.out, line)


@pytest.mark.parametrize(("level", "said"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("CRITICAL", 0)])
def test_what_is_below_the_level_is_not_said(level: str, said: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each level of LOG_LEVEL is understood."""
    logger = configure(level)
    logger.debug("a")
    logger.info("b")
    logger.warning("c")
    assert said == len(capsys.readouterr().err.splitlines())
