"""What is harmful in a text from outside is shown, never done."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.render import csv_text, renderers
from cli.render.escaping import escaped, escaped_cell, escaped_json, escaped_lines, escaped_row
from cli.render.renderers import Layout

ESC, CSI, RLO, LS = "\x1b", "\x9b", "\u202e", "\u2028"


class Inner(msgspec.Struct, frozen=True):
    """A struct inside a row."""

    words: str


class Row(msgspec.Struct, frozen=True):
    """A row with texts at every depth."""

    name: str
    inner: Inner
    several: tuple[str, ...]
    named: dict[str, list[str]]
    count: int = 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PETR4.SA é — 日本", "PETR4.SA é — 日本"),
        (f"a{ESC}[2Jb", "a\\x1b[2Jb"),
        (f"{CSI}2J", "\\x9b2J"),
        (f"{RLO}x{LS}", "\\u202ex\\u2028"),
        ("a\nerror: forged\r\tb", "a\\nerror: forged\\r\\tb"),
        ("\udcff", "\\udcff"),
        ("\x00\x7f\ufeff\u2066\u061c", "\\x00\\x7f\\ufeff\\u2066\\u061c"),
    ],
)
def test_a_text_is_one_line_with_nothing_harmful_in_it(text: str, shown: str) -> None:
    """As Python would write it."""
    assert shown == escaped(text)


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    """Whatever the text: escaped once it stays as it is, and can be encoded."""
    shown = escaped(text)
    assert shown == escaped(shown)
    assert 1 >= len(shown.splitlines())
    assert shown == shown.encode().decode()


@given(st.text(st.sampled_from(f" ~aé{ESC}\x7f\n\t{RLO}\ud800")))
def test_a_text_is_that_of_its_characters(text: str) -> None:
    """Whatever stands beside each."""
    assert "".join(map(escaped, text)) == escaped(text)


@given(st.text())
def test_a_line_of_json_is_the_same_value(text: str) -> None:
    """Only written otherwise."""
    line = json.dumps({"event": text}, ensure_ascii=False)
    assert {"event": text} == json.loads(escaped_json(line))


def test_the_layout_of_lines_is_kept() -> None:
    """Line ends and tabs of our own making."""
    assert "a\tb\nc\\x1b" == escaped_lines(f"a\tb\nc{ESC}")


def test_a_row_is_escaped_at_every_depth_and_a_clean_one_is_itself() -> None:
    """Structs, tuples, lists, keys and values."""
    row = Row(ESC, Inner(f"a{RLO}"), ("x", "\n"), {f"k{ESC}": [CSI]})
    assert Row("\\x1b", Inner("a\\u202e"), ("x", "\\n"), {"k\\x1b": ["\\x9b"]}) == escaped_row(row)
    clean = Inner("a")
    assert clean is escaped_row(clean)


def test_a_value_forges_no_line_of_text_and_stays_itself_in_json() -> None:
    """A terminal is written to line by line; a program reads JSON."""
    row, layout = Inner(f"a\nerror: forged{ESC}"), Layout[Inner](lines=lambda rows: (one.words for one in rows))
    assert [b"a\\nerror: forged\\x1b\n"] == list(renderers.rendered([row], layout, "text"))
    (line,) = renderers.rendered([row], layout, "json")
    assert row == msgspec.json.decode(line, type=Inner)


def test_bytes_that_are_no_utf_8_reach_json_escaped() -> None:
    """A file name on disk may hold any."""
    layout = Layout[Inner](lines=lambda _: ())
    assert [b'{"words":"\\\\udcff.csv"}\n'] == list(renderers.rendered([Inner("\udcff.csv")], layout, "json"))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1.5", "-1.5"),
        ("+2e3", "+2e3"),
        ("PETR4.SA", "PETR4.SA"),
        (-1, -1),
        (None, None),
        ("a\nb", "a\\nb"),
    ],
)
def test_a_cell_is_no_formula(cell: object, shown: object) -> None:
    """A number is left as it is."""
    assert shown == escaped_cell(cell)


def test_a_csv_has_no_formula() -> None:
    """As a spreadsheet would run it on opening."""
    assert b"a\n'=x\n" == csv_text.render(["a"], [["=x"]])
