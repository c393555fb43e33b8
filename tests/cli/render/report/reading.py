"""Reads a page as a browser does, and fails on whatever a report must not hold."""

from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta"}
FORBIDDEN = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use", "foreignobject"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
OPEN_ENDED = {"td", "th"}  # their end tags may be left out


class PageReader(HTMLParser):
    """What is on a page: its text, headings, ids, links, tables; every element closed where it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.faults: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element, or remark on it."""
        given = dict(attrs)
        if tag in OPEN_ENDED and self.open and self.open[-1] in OPEN_ENDED:
            self.open.pop()
        if tag in FORBIDDEN or any(name.startswith("on") or name in {"style", "src", "srcset"} for name in given):
            self.faults.append(f"<{tag} {given}>")
        self.tags.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open."""
        if tag == "tr" and self.open and self.open[-1] in OPEN_ENDED:
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> in {self.open}")

    def handle_data(self, data: str) -> None:
        """Keep the text that people see."""
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words of the page."""
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every such element."""
        return [given for name, given in self.tags if name == tag]

    def headings(self) -> list[int]:
        """Return the levels of the headings, in order."""
        return [HEADINGS.index(tag) + 1 for tag, _ in self.tags if tag in HEADINGS]


def sound(content: bytes) -> PageReader:
    """Return the page, once it holds to everything that any report promises."""
    page = content.decode()
    found = PageReader(page)
    assert ([], []) == (found.faults, found.open)
    for mark in ("http://", "https://", "@import", "url(", "javascript:", "<!--"):
        assert mark not in page.lower(), mark
    levels = found.headings()
    assert (1, 1) == (levels[0], levels.count(1))
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    ids = [given["id"] for _, given in found.tags if "id" in given]
    assert len(ids) == len(set(ids))
    assert {f"#{name}" for name in ids} >= {given["href"] for given in found.of("a")}
    named = {"aria-labelledby", "aria-describedby"}
    assert set(ids) >= {given[name] for _, given in found.tags for name in named & given.keys()}
    assert (1, 1, 1, 1) == tuple(len(found.of(tag)) for tag in ("header", "main", "nav", "footer"))
    assert all(given.get("scope") in {"col", "row"} for given in found.of("th"))
    assert len(found.of("table")) == len(found.of("caption"))
    assert len(found.of("svg")) == len([1 for given in found.of("svg") if given.get("role") == "img"])
    return found
