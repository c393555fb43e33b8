"""CSV as spreadsheets read it."""

from cli.render.csv_text import render


def test_cells_are_quoted_where_they_must_be() -> None:
    """LF, no space, None is nothing."""
    assert b'a,b\n1,"x, y"\n,2.50\n' == render(("a", "b"), [(1, "x, y"), (None, "2.50")])
