"""A picture of what was asked for, in the file that was named."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.retelling import DAYS, FIRST_DECISION, LATE, NOW, SECOND_DECISION, TICKER, look
from tests.support.cli import Result, command, environment

PLOT = ("plot", "--ticker", "petr4")


def caption(out: Path, *args: str, cwd: Path) -> str:
    """Return what `main plot` says of the picture that it drew."""
    done = look(*PLOT, "--out", str(out), *args, cwd=cwd)
    assert 0 == done.code, done.err
    return done.out.removeprefix(f"{out}: ")


def test_what_was_drawn_is_said_and_drawn(retold: Path, tmp_path: Path) -> None:
    """The position too."""
    out = tmp_path / "petr4.svg"
    said = caption(out, cwd=retold)
    assert (
        f"{len(DAYS)} sessions, {DAYS[0]} to {DAYS[-1]}; revised 3, rescaled 25, missing 0, actions 1; "
        "yfinance, position 7\n" == said
    )
    assert f">{said.strip()}</text>" in out.read_text()


def test_then_it_was_another_picture(retold: Path, tmp_path: Path) -> None:
    """Before the second telling one session was missing and nothing revised."""
    assert (
        f"{len(DAYS) - 1} sessions, {DAYS[0]} to {DAYS[-1]}; revised 0, rescaled 0, missing 1, actions 0; "
        "yfinance, position 3\n" == caption(tmp_path / "a.png", "--as-of", str(FIRST_DECISION), cwd=retold)
    )


def test_only_what_lies_within_is_marked(retold: Path, tmp_path: Path) -> None:
    """Both bounds are inclusive."""
    bounds = ("--start", str(LATE), "--end", str(LATE))
    assert f"1 sessions, {LATE} to {LATE}; revised 1, rescaled 0, missing 0, actions 0; yfinance, position 7\n" == (
        caption(tmp_path / "a.PNG", *bounds, cwd=retold)
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--out", "a.jpg"], "got --out a.jpg, want a name that ends in .png or .svg"),
        (
            ["--out", "a.png", "--start", "2026-02-02", "--end", "2026-02-01"],
            "got --start 2026-02-02 after --end 2026-02-01, want it on or before",
        ),
        (["--out", "a.png", "--end", "2025-01-01"], "got no session of PETR4.SA in the first 7 events, want at least"),
        (["--out", "a.png", "--source", "cotahist"], "got no series of PETR4.SA from cotahist, want one of yfinance"),
        (["--out", "none/a.png"], "got 'No such file or directory' on writing none/a.png, want"),
    ],
)
def test_what_cannot_be_drawn_is_exit_3(args: list[str], message: str, retold: Path) -> None:
    """And no file is made."""
    done = look(*PLOT, *args, cwd=retold)
    assert (3, f"error: {message}") == (done.code, done.err.splitlines()[0][: len(message) + 7])
    assert [] == [*retold.glob("*.png"), *retold.glob("*.jpg")]
    assert Result(done.code, "", done.err) == done


def test_two_positions_are_drawn_side_by_side(retold: Path, tmp_path: Path) -> None:
    """A line for each; a third is refused."""
    twice = ("--as-of", str(FIRST_DECISION), "--as-of", str(SECOND_DECISION))
    done = look("plot", TICKER, *twice, "--out", str(tmp_path / "both.svg"), cwd=retold)
    assert (0, 2) == (done.code, len(done.out.splitlines())), done.err
    assert [f"position {one + 1}" for one in (FIRST_DECISION, SECOND_DECISION)] == [
        line.rpartition("; yfinance, ")[2] for line in done.out.splitlines()
    ]
    assert (tmp_path / "both.svg").read_text("utf-8").count(">close, R$</text>") == 2
    thrice = look("plot", TICKER, *twice, "--as-of", "1", "--out", "x.svg", cwd=retold)
    assert (3, True) == (thrice.code, "got --as-of 3 times, want it once or twice" in thrice.err)


@pytest.mark.parametrize(("args", "begins"), [((), b"\x89PNG"), (("--picture", "svg"), b"<?xml")])
def test_a_picture_goes_where_stdout_goes(args: tuple[str, ...], begins: bytes, retold: Path, tmp_path: Path) -> None:
    """The bytes of the file; what was drawn is said on stderr."""
    out = tmp_path / "a"
    said = caption(out, *(args or ("--picture", "png")), cwd=retold)
    words = command(*PLOT, "--out", "-", *args)
    done = subprocess.run(
        words, cwd=retold, env=environment({"B3_LEDGER_NOW": NOW.isoformat()}), capture_output=True, check=False
    )
    assert (0, out.read_bytes(), said.encode()) == (done.returncode, done.stdout, done.stderr)
    assert done.stdout.startswith(begins)
