"""A CSV of bars is read exactly, or refused with its line."""

import math
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.app.errors import BarsFileError
from cli.commands.evidence.validate.bars_file import Line, read
from ledger.market.price import price_micros, price_text
from ledger.values import RawBar

DAY = date(2026, 2, 13)
HEAD = "date,open,high,low,close,volume"
ADJUSTED_HEAD = "date,open,high,low,close,adj_close,volume"


def written(folder: Path, content: bytes) -> Path:
    """Return a file with that content."""
    path = folder / "bars.csv"
    path.write_bytes(content)
    return path


def test_bars_come_with_their_lines(tmp_path: Path) -> None:
    """A byte order mark, blank lines, spaces and the line ends of other systems are none of a bar's business."""
    path = written(tmp_path, f"\ufeff{HEAD}\r\n\r\n2026-02-13, 1.5,2,1,1.75,1000\r\n".encode())
    assert [Line(3, RawBar(DAY, 1.5, 2.0, 1.0, 1.75, None, 1000))] == read(path).lines


def test_an_empty_cell_is_a_missing_value(tmp_path: Path) -> None:
    """For the rules to speak of."""
    (line,) = read(written(tmp_path, f"{ADJUSTED_HEAD}\n2026-02-13,,2,1,1.75,,\n".encode())).lines
    assert math.isnan(line.bar.open)
    assert (None, None) == (line.bar.adj_close, line.bar.volume)


@given(st.integers(1, 10**14))
def test_a_price_is_read_exactly(micros: int) -> None:
    """What the rules make of it is what was written."""
    with tempfile.TemporaryDirectory() as folder:
        price = price_text(micros)
        (line,) = read(written(Path(folder), f"{HEAD}\n2026-02-13,{price},{price},{price},{price},1\n".encode())).lines
    assert micros == price_micros(line.bar.close)


def test_more_digits_than_a_price_has_are_rounded(tmp_path: Path) -> None:
    """Adjusted closes come with as many as their maker liked."""
    (line,) = read(written(tmp_path, f"{ADJUSTED_HEAD}\n2026-02-13,1,1,1,1,0.123456789,1e3\n".encode())).lines
    assert (0.123456789, 1000.0) == (line.bar.adj_close, line.bar.volume)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "got header '' on line 1 of {path}, want date,open,high,low,close,volume, each once, with adj_close or"),
        ("date,close\n", "got header 'date,close' on line 1 of {path}, want date,open"),
        (f"{HEAD}\n", "got no bar on line 2 of {path}, want one bar a line"),
        (f"{HEAD}\n2026-02-13,1,1,1,1\n", "got 5 cells on line 2 of {path}, want 6"),
        (f"{HEAD}\n\n2026-02-30,1,1,1,1,1\n", "got '2026-02-30' on line 3 of {path}, want a day that exists"),
        (f"{HEAD}\n13/02/2026,1,1,1,1,1\n", "got '13/02/2026' on line 2 of {path}, want a day as YYYY-MM-DD"),
        (f'{HEAD}\n2026-02-13,"37,32",1,1,1,1\n', "got open '37,32' on line 2 of {path}, want a number such as 37.32"),
        (f"{HEAD}\n2026-02-13,1,1,1,1_0,1\n", "got close '1_0' on line 2 of {path}, want a number"),
        (f"{HEAD}\n2026-02-13,1,1,1,1,many\n", "got volume 'many' on line 2 of {path}, want a number"),
    ],
)
def test_what_is_no_csv_of_bars_is_refused_with_its_line(content: str, message: str, tmp_path: Path) -> None:
    """The first that does not hold."""
    path = written(tmp_path, content.encode())
    with pytest.raises(BarsFileError) as caught:
        read(path)
    assert str(caught.value).startswith(message.format(path=path))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A spreadsheet's own format, for one."""
    with pytest.raises(BarsFileError, match=r"got bytes that are no UTF-8 on line 1 of .*, want a CSV of bars"):
        read(written(tmp_path, b"PK\x03\x04\xff\xfe"))
