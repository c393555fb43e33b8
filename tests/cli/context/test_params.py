"""What people type is parsed or refused at the boundary."""

from datetime import date
from pathlib import Path

import click
import pytest

from cli.context import params


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-02-13", date(2026, 2, 13)),
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-02-29", None),
        ("20260213", None),
        ("2026-W07-5", None),
        ("2026-2-13", None),
        ("\u0662026-02-13", None),
        ("13/02/2026", None),
        ("", None),
    ],
)
def test_a_day_is_written_one_way(written: str, day: date | None) -> None:
    """Any other spelling is refused, and so is a day that does not exist."""
    if day is not None:
        assert day == params.DATE.convert(written, None, None)
        return
    with pytest.raises(click.BadParameter, match=r"got .*, want a day"):
        params.DATE.convert(written, None, None)


def test_a_tickers_file_is_read_line_by_line(tmp_path: Path) -> None:
    """Blank lines and remarks are left out; the order stays."""
    path = tmp_path / "carteira.txt"
    path.write_text("# mine\nvale3\n\n  petr4.sa # oil\n^BVSP\n")
    assert ("VALE3.SA", "PETR4.SA", "^BVSP") == params.TICKERS_FILE.convert(str(path), None, None)


@pytest.mark.parametrize("content", [b"PETR4\n../x\n", b"\xff\xfe\n", None])
def test_a_tickers_file_that_holds_something_else_is_refused(content: bytes | None, tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(click.BadParameter, match=r"list\.txt"):
        params.TICKERS_FILE.convert(str(path), None, None)
