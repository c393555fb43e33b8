"""A terminal's tables: aligned, never wider than the terminal, and what is left out is named."""

import pytest

from cli.render.table import TableColumn, lines
from cli.render.text_width import cut, text_width

ROWS = [("PETR4.SA", 5, ""), ("X", 12345, "")]
COLUMNS = (
    TableColumn[tuple[str, int, str]]("TICKER", lambda row: row[0]),
    TableColumn[tuple[str, int, str]]("ROWS", lambda row: row[1], is_number=True),
    TableColumn[tuple[str, int, str]]("RETIRED", lambda row: row[2]),
    TableColumn[tuple[str, int, str]]("BY", lambda row: f"<{row[0]}>"),
)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, ["TICKER     ROWS  BY", "PETR4.SA      5  <PETR4.SA>", "X         12345  <X>"]),
        (27, ["TICKER     ROWS  BY", "PETR4.SA      5  <PETR4.SA>", "X         12345  <X>"]),
        (26, ["TICKER     ROWS", "PETR4.SA      5", "X         12345", "not shown in 26 columns: by"]),
        (3, ["TICKER", "PETR4.SA", "X", "not shown in 3 columns: rows, by"]),
    ],
)
def test_columns_are_aligned_and_fit(width: int, expected: list[str]) -> None:
    """Words to the left, numbers to the right; an empty column is left out, the last ones where there is no room."""
    assert expected == list(lines(ROWS, COLUMNS, width=width))


def test_no_row_has_no_titles() -> None:
    """What is empty is said in words, elsewhere."""
    assert [] == list(lines([], COLUMNS, width=80))


WHY = "long " * 9 + "end"


@pytest.mark.parametrize(
    ("width", "shown", "named"),
    [
        (57, f"1   {WHY}   12", []),
        (56, f"1   {WHY[:44]}...   12", ["the ends of why"]),
        (45, f"1   {WHY[:33]}...   12", ["the ends of why"]),
        (44, f"1   {WHY[:37]}...", ["seq, the ends of why"]),
        (3, "1", ["why, seq"]),
    ],
)
def test_a_text_may_be_cut(width: int, shown: str, named: list[str]) -> None:
    """Never below its least width: what is behind it is left out before; both are named."""
    columns = (
        TableColumn[tuple[int, str, int]]("AT", lambda row: row[0]),
        TableColumn[tuple[int, str, int]]("WHY", lambda row: row[1], is_cut=True),
        TableColumn[tuple[int, str, int]]("SEQ", lambda row: row[2], is_number=True),
    )
    _, first, _, *rest = lines([(1, WHY, 12), (22, "no", 3)], columns, width=width)
    assert (shown, [f"not shown in {width} columns: {one}" for one in named]) == (first, rest)


def test_a_column_alone_is_cut_too() -> None:
    """Nothing is wider than the terminal that has another way."""
    column = TableColumn[str]("WHY", lambda row: row, is_cut=True)
    assert ["WHY", WHY[:35] + "...", "not shown in 38 columns: the ends of why"] == list(
        lines([WHY], [column], width=38)
    )


WIDE = "\u914d\u5f53\u91d1"  # three characters, six columns
JOINED = "Sa\u0303o"  # four characters, three columns


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, ["NAME    ROWS", f"{WIDE}     1", f"{JOINED}        2"]),
        (12, ["NAME    ROWS", f"{WIDE}     1", f"{JOINED}        2"]),
        (11, ["NAME", WIDE, JOINED, "not shown in 11 columns: rows"]),
    ],
)
def test_room_is_counted_in_columns_of_the_terminal(width: int, expected: list[str]) -> None:
    """Two for a wide character, none for a mark that joins the one before it."""
    columns = (
        TableColumn[tuple[str, int]]("NAME", lambda row: row[0]),
        TableColumn[tuple[str, int]]("ROWS", lambda row: row[1], is_number=True),
    )
    assert expected == list(lines([(WIDE, 1), (JOINED, 2)], columns, width=width))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("PETR4", 5),
        (WIDE, 6),
        (JOINED, 3),
        ("\uff21", 2),
        ("a\u200db", 2),
        ("a\u00adb", 3),
        ("A\u00c7\u00daCAR", 6),
    ],
)
def test_a_text_takes_the_room_of_its_characters(text: str, columns: int) -> None:
    """Unicode Standard Annex 11; a soft hyphen is drawn as one."""
    assert columns == text_width(text)


def test_no_wide_character_is_cut_in_two() -> None:
    """Where one column is left and the next character takes two, it is left out."""
    assert [("\u914d" * 5, "\u914d" * 3 + "...", "\u914d" * 2 + "...")] == [
        tuple(cut("\u914d" * 5, width, "...") for width in (10, 9, 8))
    ]
