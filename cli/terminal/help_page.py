"""How help is laid out: wrapped at the terminal's width, between words only."""

import re
from collections.abc import Iterable, Iterator

import click

_KEPT = "\b\n"  # click's mark of a paragraph that keeps its lines
_COLUMNS = re.compile(r"(\s*\S+(?: \S+)*\s{2,})\S")
_GAP = 2
_WIDEST_TERM = 30  # columns; a longer term has its description below it
_CONTINUED = 4  # columns that the rest of a line is indented by


class HelpPage(click.HelpFormatter):
    """A page of help. No word is broken, at a hyphen neither: what is shown can be pasted."""

    def write_text(self, text: str) -> None:
        """Write paragraphs: prose filled, tables and examples line by line."""
        indent = " " * self.current_indent
        paragraphs = ("\n".join(self._paragraph(one, indent)) for one in re.split(r"\n\s*\n", text))
        self.write("\n\n".join(paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _WIDEST_TERM, col_spacing: int = _GAP) -> None:
        """Write terms and what they mean, in two columns."""
        rows = list(rows)
        column = min(max((len(term) for term, _ in rows), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        hanging = indent + " " * column
        for term, meaning in rows:
            lines = self._filled(" ".join(meaning.split()), hanging, hanging) if meaning else [hanging]
            if len(term) <= column - col_spacing:
                lines[0] = f"{indent}{term:<{column}}{lines[0].strip()}"
            else:
                lines.insert(0, indent + term)
            self.write("".join(f"{line.rstrip()}\n" for line in lines))

    def _paragraph(self, text: str, indent: str) -> Iterator[str]:
        lines = text.removeprefix(_KEPT).strip("\n").splitlines()
        if not text.lstrip("\n").startswith(_KEPT) or not any(line.startswith(" ") or "  " in line for line in lines):
            yield from self._filled(" ".join(text.replace("\b", "").split()), indent, indent)
            return
        for line in text.lstrip("\n").removeprefix(_KEPT).splitlines():
            columns = _COLUMNS.match(line)
            aside = len(columns[1]) if columns else 0
            if not 0 < aside <= self.width // 2:
                aside = len(line) - len(line.lstrip()) + _CONTINUED
            yield from self._filled(line, indent, indent + " " * aside) or [""]

    def _filled(self, text: str, first: str, following: str) -> list[str]:
        # Imported here: only a page of help is wrapped.
        from textwrap import TextWrapper

        return TextWrapper(
            self.width,
            initial_indent=first,
            subsequent_indent=following,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        ).wrap(text)
