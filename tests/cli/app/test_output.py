"""Rows come out as text, as JSON lines or as one array, and a closed pipe is quiet."""

import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.app import output
from cli.app.output import Style, Words, asked_for_json
from tests.support.cli import REPOSITORY, environment

ALL = "from cli.app.output import *\n"
ROWS = st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2), max_size=4)


def shown(statements: str, *, stdout: int = subprocess.PIPE) -> "subprocess.CompletedProcess[bytes]":
    """Run `statements` with this module's printing at hand."""
    program = f"{ALL}{statements}"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=20,
        check=False,
    )


class Buffer:
    """A stand-in for stdout that keeps the bytes."""

    def __init__(self) -> None:
        self.written = b""
        self.buffer = self

    def write(self, data: bytes) -> None:
        """Keep `data`."""
        self.written += data

    def flush(self) -> None:
        """Do nothing."""

    def isatty(self) -> bool:
        """Return that it is no terminal."""
        return False


@given(ROWS)
def test_json_lines_and_the_array_hold_the_same_rows(rows: list[dict[str, int | str]]) -> None:
    """What a line holds, an element holds; none at all is an empty array."""
    written = {}
    for style in (Style("json"), Style("json", array=True)):
        out = Buffer()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            output.show(rows, style, text=str)
        written[style.array] = out.written
    assert rows == [msgspec.json.decode(line) for line in written[False].splitlines()]
    assert rows == msgspec.json.decode(written[True])


def test_text_is_a_line_a_row() -> None:
    """In UTF-8, whatever the locale."""
    done = shown("show([1, 2], Style(), text='é{}'.format)")
    assert (0, "é1\né2\n".encode(), b"") == (done.returncode, done.stdout, done.stderr)


def test_a_closed_pipe_ends_the_rows_and_not_the_command() -> None:
    """An endless listing stops, nothing is said or counts as lost, and the code after it still runs."""
    code = "from cli.app.output import *\nshow(itertools.count(), Style(), text=str)\nsay(f'on {lost()}')"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import itertools\n{code}"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"0\n" == process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (0, b"on None\n") == (process.wait(20), said)


def test_a_full_disk_under_stdout_is_noted() -> None:
    """What could not be printed is not passed over, and the command may still say how it ends."""
    with open("/dev/full", "wb") as full:
        done = shown("show([1], Style(), text=str)\nsay(repr(lost()))", stdout=full.fileno())
    assert (0, b"StdoutError(28, 'No space left on device')\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("args", "style"),
    [
        ([], None),
        (["--format", "text"], None),
        (["--format"], None),
        (["--format", "json"], Style("json")),
        (["x", "--format=json", "y"], Style("json")),
        (["--array"], Style("json", array=True)),
        (["--ticker", "--format", "json", "--array"], Style("json", array=True)),
    ],
)
def test_the_words_alone_say_whether_json_was_asked_for(args: list[str], style: Style | None) -> None:
    """Even where they cannot be parsed."""
    assert style == asked_for_json(args)


def interrupted() -> None:
    """Say something, and be ended."""
    output.say("second")
    raise KeyboardInterrupt


def test_words_that_may_not_hold_wait(capsys: pytest.CaptureFixture[str]) -> None:
    """Until somebody says them; the innermost block has them, whatever ends it."""
    outer, inner = list[Words](), list[Words]()
    with output.held_back(outer):
        output.say("first", explains=False)
        with pytest.raises(KeyboardInterrupt), output.held_back(inner):
            interrupted()
        output.say("third")
    assert ([Words("first", False), Words("third", True)], [Words("second", True)]) == (outer, inner)
    output.say("behind")
    assert "behind\n" == capsys.readouterr().err
