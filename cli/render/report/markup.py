"""Markup put together from elements: whatever is not markup of our own making is text, and is escaped. Pure."""

from collections.abc import Iterable
from html import escape

from cli.render.escaping import escaped

VOID = frozenset({"meta", "br"})


class Html(str):
    """Markup of our own making; a plain `str` is text, from wherever it came."""

    __slots__ = ()


def text(words: str) -> Html:
    """Return the words as markup that shows them: control and bidirectional characters too, as what they are."""
    return words if isinstance(words, Html) else Html(escape(escaped(words)))


def joined(parts: Iterable[str]) -> Html:
    """Return the parts one after the other."""
    return Html("".join(map(text, parts)))


def element(tag: str, *children: str, **attributes: str) -> Html:
    """Return the element; an attribute `aria_label` is written aria-label, `class_` is class."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{text(value)}"' for name, value in attributes.items())
    opened = f"<{tag}{written}>"
    return Html(opened if tag in VOID else f"{opened}{joined(children)}</{tag}>")
