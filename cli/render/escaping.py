r"""Text from outside (a provider, a file, the log, a name on disk) as people may see it. Pure.

A control character can repaint a terminal, a bidirectional one reorders what is read, a line end forges a line:
each is shown as Python writes it, `\x1b`, `\u202e`, `\n`.
"""

import re
from typing import Any

import msgspec

# C0, DEL and C1; Arabic letter mark, the marks, embeddings, overrides and isolates of the bidirectional algorithm;
# line and paragraph separators; the byte order mark; the lone surrogates that stand for bytes that are no UTF-8.
_HARMFUL = (
    ("\x00", "\x1f"),
    ("\x7f", "\x9f"),
    ("\u061c", "\u061c"),
    ("\u200e", "\u200f"),
    ("\u2028", "\u202e"),
    ("\u2066", "\u2069"),
    ("\ufeff", "\ufeff"),
    ("\ud800", "\udfff"),
)
# What is looked at more closely. A pattern of the harmful ones themselves takes every command a millisecond to compile.
_IN_A_LAYOUT = re.compile("[^\t\n -~]")
_IN_A_VALUE = re.compile("[^ -~]")
_FORMULA = re.compile(r"[=+\-@]")
_WITH_TEXT = (str, msgspec.Struct, dict, list, tuple)  # what can be a text, or have one in it


def escaped(text: str) -> str:
    """Return `text` with every harmful character escaped, tabs and line ends too: one line, whatever it was."""
    # Asked first: nearly every text is a code or a word, and a search takes longer to say so.
    return text if text.isascii() and text.isprintable() else _IN_A_VALUE.sub(_escape, text)


def escaped_lines(text: str) -> str:
    """Return lines of our own making with what is harmful in them escaped; their tabs and line ends are layout."""
    # Asked first, as above.
    return text if text.isascii() and text.isprintable() else _IN_A_LAYOUT.sub(_escape, text)


def escaped_json(line: str) -> str:
    """Return a line of JSON that is the same value, with no harmful character in it as such."""
    return _IN_A_LAYOUT.sub(lambda found: f"\\u{ord(found[0]):04x}" if _is_harmful(found[0]) else found[0], line)


def escaped_cell(cell: object) -> object:
    """Return a cell of a CSV: text that a spreadsheet would take for a formula begins with an apostrophe."""
    if not isinstance(cell, str):
        return cell
    shown = escaped(cell)
    if _FORMULA.match(shown):
        try:
            float(shown)
        except ValueError:
            return f"'{shown}"
    return shown


def escaped_row(row: Any) -> Any:
    """Return a row whose texts are escaped, however deep; the row itself where there is nothing to escape."""
    if isinstance(row, str):
        return escaped(row)
    if isinstance(row, msgspec.Struct):
        changes = {}
        for name, old in zip(row.__struct_fields__, msgspec.structs.astuple(row), strict=True):
            # Most fields are numbers and days: a call for each costs more than all that is made of them.
            if isinstance(old, _WITH_TEXT) and (new := escaped_row(old)) is not old:
                changes[name] = new
        return msgspec.structs.replace(row, **changes) if changes else row
    if isinstance(row, dict):
        return {escaped_row(name): escaped_row(value) for name, value in row.items()}
    if type(row) in (list, tuple):
        items = [escaped_row(item) for item in row]
        unchanged = all(new is old for new, old in zip(items, row, strict=True))
        return row if unchanged else type(row)(items)
    return row


def _is_harmful(char: str) -> bool:
    return any(first <= char <= last for first, last in _HARMFUL)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode() if _is_harmful(found[0]) else found[0]
