"""Whatever ends a command, the process ends with the documented exit code."""

import signal

import click
import pytest

from cli import entry, root
from cli.app.supervisor import Terminated
from ledger.errors import LedgerError

KEPT = "before it was finished; what is recorded stays, and no file is left half written\n"


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        (KeyboardInterrupt(), 130, f"error: ended by Ctrl-C {KEPT}"),
        (click.Abort(), 130, f"error: ended by Ctrl-C {KEPT}"),
        (Terminated(signal.SIGTERM), 143, f"error: ended by SIGTERM {KEPT}"),
        (Terminated(signal.SIGHUP), 129, f"error: ended by SIGHUP {KEPT}"),
        (click.exceptions.Exit(1), 1, ""),
        (LedgerError("got a, want b"), 2, "error: got a, want b\nhint: main verify\n"),
        (
            RuntimeError("odd"),
            3,
            "error: internal error: got RuntimeError: odd, want none\nhint: LOG_LEVEL=DEBUG main config\n",
        ),
    ],
)
def test_an_end_has_its_exit_code(
    end: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An interrupt says what it left; errors are a line and a hint."""

    def invoke(_context: click.Context) -> None:
        raise end

    monkeypatch.setattr(root.root, "invoke", invoke)
    assert code == entry.run(["config"])
    assert ("", said) == capfd.readouterr()


@pytest.mark.parametrize(
    ("result", "code", "said"),
    [
        (None, 0, ""),
        (0, 0, ""),
        (1, 1, "warning: main: exit code 1, for what it printed on stdout\n"),
        (2, 2, "critical: main: exit code 2, for what it printed on stdout\n"),
        (3, 3, ""),
    ],
)
def test_what_a_command_returns_is_the_exit_code(
    result: int | None, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing returned is success; 1 and 2 have a line on stderr, which cron mails though stdout goes elsewhere."""
    monkeypatch.setattr(root.root, "invoke", lambda _context: result)
    assert code == entry.run(["config"])
    assert ("", said) == capfd.readouterr()


@pytest.mark.parametrize(
    ("called", "name"), [("/usr/bin/b3-ledger", "b3-ledger"), ("main", "main"), ("/x/cli/__main__.py", "main")]
)
def test_usage_shows_the_name_that_was_called(called: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both console scripts speak of themselves."""
    monkeypatch.setattr("sys.argv", [called])
    assert name == entry.program_name()
