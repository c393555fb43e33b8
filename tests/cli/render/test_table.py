"""A terminal's tables: aligned, never wider than the terminal, and what is left out is named."""

import pytest

from cli.render.table import TableColumn, lines

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
