"""What is typed is parsed or refused at the boundary."""

from datetime import date
from pathlib import Path

import click
import pytest

from cli.context import params
from projections.queries.position import UpToSeq, UpToTime

MIDNIGHT_US = 1_770_940_800_000_000  # 2026-02-13T00:00:00Z
DAY_US = 86_400_000_000


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


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("2026-02-13", params.Span(MIDNIGHT_US, MIDNIGHT_US + DAY_US - 1)),
        ("2026-02-13T00:00:00Z", params.Span(MIDNIGHT_US, MIDNIGHT_US)),
        ("2026-02-12T21:00:00.000001-03:00", params.Span(MIDNIGHT_US + 1, MIDNIGHT_US + 1)),
    ],
)
def test_a_day_is_whole_and_a_time_is_a_point(written: str, span: params.Span) -> None:
    """In UTC; `--since` and `--until` are inclusive."""
    assert span == params.span(written)


@pytest.mark.parametrize("written", ["", "13/02/2026", "20260213", "2026-02-30", "2026-02-13T00:00:00", "12"])
def test_what_is_no_span_is_refused(written: str) -> None:
    """A bare number is no day, and a time without an offset is nobody's."""
    with pytest.raises(ValueError, match="got "):
        params.span(written)


@pytest.mark.parametrize(
    ("written", "reach"),
    [
        ("0", UpToSeq(0)),
        ("20260213", UpToSeq(20260213)),
        ("2026-02-13", UpToTime(MIDNIGHT_US + DAY_US - 1)),
        ("2026-02-14T00:00:00Z", UpToTime(MIDNIGHT_US + DAY_US)),
        ("2026-02-13T21:00:00-03:00", UpToTime(MIDNIGHT_US + DAY_US)),
    ],
)
def test_digits_are_a_seq_a_day_is_whole_a_time_is_itself(written: str, reach: params.UpTo) -> None:
    """Digits alone never are a date."""
    assert reach == params.UP_TO.convert(written, None, None)


@pytest.mark.parametrize("written", ["-1", "", "2026-02-30", "2026-02-13T00:00:00", "now", "\u0661"])
def test_what_is_no_position_is_refused(written: str) -> None:
    """One message says all that is understood."""
    with pytest.raises(click.BadParameter, match=r"got .*, want a seq, a day"):
        params.UP_TO.convert(written, None, None)
