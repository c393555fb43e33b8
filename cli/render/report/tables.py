"""Tables of a report: a caption, headers with a scope, and a box that scrolls where the page is too narrow. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from cli.render.report.markup import Html, element, text
from cli.render.report.words import Phrases
from projections.models.units import second_text


class Column(msgspec.Struct, frozen=True):
    """A column: the key of its header, and the classes of its cells (`n` for numbers, `long` for what wraps)."""

    key: str
    class_: str = ""


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], say: Phrases) -> Html:
    """Return the table of `rows`, one cell per column; the first cell heads its row."""
    head = element("tr", *(_cell("th", say(one.key), one.class_, scope="col") for one in columns))
    body = list[Html]()
    for row in rows:
        (column, first), *others = zip(columns, row, strict=True)
        cells = (_cell("td", cell, one.class_) for one, cell in others)
        body.append(element("tr", _cell("th", first, column.class_, scope="row"), *cells))
    return element(
        "div",
        element("table", element("caption", caption), element("thead", head), element("tbody", *body)),
        class_="wide",
        tabindex="0",
        role="group",
        aria_label=caption,
    )


def _cell(tag: str, content: str, class_: str, **attributes: str) -> Html:
    if class_:
        attributes["class_"] = class_
    # The end tags of cells may be left out, and would be a sixth of a page of tables.
    return Html(element(tag, content, **attributes).removesuffix(f"</{tag}>"))


def newest(caption: str, shown: int, count: int, say: Phrases) -> str:
    """Return the caption of a table of the newest rows, with how many there are where not all are shown."""
    return f"{caption}. {say('newest', shown=shown, count=count)}" if shown < count else caption


def link(place: str, words: str) -> Html:
    """Return a link to a place on the same page."""
    return element("a", words, href=f"#{place}")


def foreign(words: str | None, say: Phrases) -> Html:
    """Return text that was recorded in English, on a page of another language."""
    if not words:
        return Html("")
    return text(words) if say.lang == "en" else element("span", words, lang="en")


def moment(at: datetime | None) -> str:
    """Return a time, empty where there is none."""
    return "" if at is None else second_text(at)
