"""Every list that is a table on a terminal: whole lines no wider than it, and nothing lost of what a pipe gets."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cli.render.text_width import text_width
from tests.cli import retelling
from tests.support import sample_ledger
from tests.support.cli import run_main
from tests.support.cotahist import line, made, whole, write
from tests.support.exchange import MONTHS, lines_of
from tests.support.terminal import Terminal

WIDE = 1000  # columns: room for all
NOT_SHOWN = re.compile(r"not shown in \d+ columns: (.*)")
ENDS = "the ends of "
NOW = {
    "sample": sample_ledger.NOW["B3_LEDGER_NOW"],
    "retold": "2026-02-13T22:00:00Z",
    "exchange": "2025-04-07T12:00:00Z",
}
# Names with two columns a character, a mark that joins what is before it, what repaints and what turns a line about.
LABEL = "配当金 Sao\u0303"
FILE = "配当\x1b[31m\u202ered.db"
SHOWN_FILE = "backups/配当\\x1b[31m\\u202ered.db"
SHEET = f"""ticker,ex_date,kind,amount,ratio,label,reason
PETR4,2026-02-11,dividend,0.5,,{LABEL},told otherwise
PETR4,2026-01-20,dividend,0.25,,short,told by nobody else
"""
CHAIN = ("options", "--underlying", "ZAAA3", "--on", "2025-03-07")

# By name: the folder, the words, and the columns whose cells a pipe says in other words.
LISTS: dict[str, tuple[str, tuple[str, ...], set[str]]] = {
    "metrics": ("sample", ("metrics",), set()),
    "lag": ("sample", ("metrics", "ingest-lag"), set()),
    "logs": ("sample", ("logs",), set()),
    "gaps": ("sample", ("gaps", "ITUB4"), set()),
    "alerts": ("sample", ("alerts",), set()),
    "backups": ("sample", ("backup", "--list"), {"CHECKSUM", "LEDGER"}),
    "returns": ("sample", ("returns",), set()),
    "returns beside": ("sample", ("returns", "PETR4", "--against", "VALE3"), set()),
    "diff": ("retold", ("diff", "PETR4", "--from", "4", "--to", "7", "--source", "yfinance"), set()),
    "actions": ("retold", ("actions", "PETR4"), {"LEARNED"}),
    "disputed": ("retold", ("actions", "--disputed"), {"COUNTS"}),
    "market": ("exchange", ("market", "--on", "2025-03-07"), set()),
    "instruments": ("exchange", ("instruments",), set()),
    "options": ("exchange", CHAIN, set()),
    "adjusted": ("retold", ("prices", "PETR4", "--adjusted", "--source", "yfinance"), set()),
    "sql": ("retold", ("sql", "select * from adjusted"), set()),
    "fields": ("exchange", ("prices", "ZAAA3", "--fields"), set()),
}
# What stays lines of words on a terminal too.
WORDS = {
    "prices": ("sample", ("prices", "PETR4", "--start", "2026-01-05")),
    "compare": ("retold", ("compare", "PETR4", "--b", "cotahist")),
    "revisions": ("retold", ("revisions", "PETR4", "--source", "yfinance")),
    "validation": ("retold", ("validation", "--ticker", "PETR4")),
    "health": ("sample", ("health",)),
    "events": ("sample", ("events",)),
}
TERMINALS = [
    (80, {}),
    (120, {}),
    (80, {"TERM": "dumb"}),
    (120, {"NO_COLOR": "1"}),
    (120, {"LC_ALL": "C"}),
    (80, {"LC_ALL": "pt_BR.UTF-8"}),
]


class Shown(msgspec.Struct, frozen=True):
    """A table as it stands on a terminal: its titles, its rows' cells, and what it says that it does not show."""

    titles: list[str]
    rows: list[list[str]]
    left_out: list[str]


def at(place: str) -> dict[str, str]:
    """Return the settings of a folder: its time, and a Yahoo that is not there."""
    return {"B3_LEDGER_NOW": NOW[place], "YAHOO_BASE_URL": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three ledgers: the sample, a series told twice and disputed, and a month of an exchange."""
    folder = tmp_path_factory.mktemp("told")
    for name in NOW:
        (folder / name).mkdir()
    sample_ledger.make(folder / "sample")
    sample_ledger.make_more(folder / "sample")
    assert 0 == sample_ledger.look("backup", "--create", cwd=folder / "sample").code
    (folder / "sample" / "backups" / FILE).write_bytes(b"no backup")
    retelling.retell(folder / "retold")
    (folder / "retold" / "own.csv").write_text(SHEET, "utf-8")
    made(folder / "retold" / "A.TXT", [line(day, "PETR4") for day in retelling.DAYS], year=2026)
    name = f"COTAHIST_M{MONTHS[1]:%m%Y}.TXT"
    write(folder / "exchange" / name, whole(lines_of(MONTHS[1]), year=MONTHS[1].year), member=name)
    for place, words in (
        ("retold", ("import-actions", "own.csv")),
        ("retold", ("import-cotahist", "A.TXT")),
        ("exchange", ("import-cotahist", name, "--market", "all")),
    ):
        done = run_main(*words, cwd=folder / place, env=at(place))
        assert done.code in {0, 1}, done.err
    return folder


def on_a_terminal(args: Sequence[str], cwd: Path, columns: int, env: dict[str, str]) -> tuple[int, str, list[str]]:
    """Return how a command ended, all that it wrote, and the lines that stay on the screen."""
    terminal = Terminal(*args, cwd=cwd, columns=columns, env={**at(cwd.name), **env})
    code = terminal.end()
    assert terminal.seen.endswith("\r\n")
    return code, terminal.seen, terminal.screen()[:-1]


def table(lines: Sequence[str], words: Sequence[str]) -> Shown:
    """Return the table among `lines`; whatever else is there is one of the lines of `words`, whole."""
    own = [one for one in lines if one not in words]
    left_out = []
    ends = next((place for place, one in enumerate(own) if NOT_SHOWN.match(one)), len(own))
    if found := NOT_SHOWN.fullmatch(" ".join(own[ends:])):
        left_out = found[1].split(", ")
        del own[ends:]
    titles, *rows = cells(own)
    return Shown(titles, rows, left_out)


def cells(lines: Sequence[str]) -> list[list[str]]:
    """Return the texts between the places where every line has two blanks or more, by the titles of the first line."""
    grid = [columns_of(one) for one in lines]
    width = max(map(len, grid))
    grid = [[*one, *[" "] * (width - len(one))] for one in grid]
    blank = "".join(" " if all(one[place] == " " for one in grid) else "x" for place in range(width))
    starts = [found.start() for found in re.finditer(r"(?<![x ])x|(?<=  )x", blank)]
    stops = [*starts[1:], width]
    spans = [list(one) for one in zip(starts, stops, strict=True)]
    for place in reversed(range(1, len(spans))):
        if not "".join(grid[0][slice(*spans[place])]).strip():
            spans[place - 1][1] = spans.pop(place)[1]  # blanks inside of texts, as the exchange writes some
    return [["".join(one[slice(*span)]).strip() for span in spans] for one in grid]


def columns_of(text: str) -> list[str]:
    """Return what stands in each column of a terminal: nothing in the second one of a wide character."""
    found: list[str] = []
    for char in text:
        width = text_width(char)
        if width == 0:
            found[-1] += char
        else:
            found += [char, *[""] * (width - 1)]
    return found


@pytest.mark.parametrize("name", LISTS)
def test_a_table_is_no_wider_than_its_terminal_and_loses_nothing(name: str, told: Path) -> None:
    """Where there is no room for a column or the end of a text, the last line names it; all else is as in a pipe."""
    place, args, otherwise = LISTS[name]
    piped = run_main(*args, cwd=told / place, env=at(place))
    words = piped.err.splitlines()
    code, _, lines = on_a_terminal(args, told / place, WIDE, {})
    all_of_it = table(lines, words)
    assert (piped.code, []) == (code, all_of_it.left_out)
    said = [one for one in piped.out.splitlines() if one.split() != all_of_it.titles]  # main sql pipes them too
    assert len(said) == len(all_of_it.rows)
    for one, row in zip(said, all_of_it.rows, strict=True):
        shown = [cell for title, cell in zip(all_of_it.titles, row, strict=True) if title not in otherwise]
        assert [] == [word for cell in shown for word in cell.split() if word not in one], one
    for columns, terminal in TERMINALS:
        code, seen, lines = on_a_terminal(args, told / place, columns, terminal)
        assert piped.code == code
        assert [] == [one for one in lines if text_width(one) > columns and one not in words]
        assert_part_of(all_of_it, table(lines, words))
        assert_harmless(seen, is_plain="TERM" in terminal or "NO_COLOR" in terminal)


def assert_part_of(whole: Shown, part: Shown) -> None:
    """Every column is shown or named, and every cell is whole or its column named as one that was cut."""
    ends = {one.removeprefix(ENDS) for one in part.left_out if one.startswith(ENDS)}
    gone = [one for one in part.left_out if not one.startswith(ENDS)]
    assert [one.lower() for one in whole.titles] == [*(one.lower() for one in part.titles), *gone]
    assert len(whole.rows) == len(part.rows)
    for all_cells, some in zip(whole.rows, part.rows, strict=True):
        for title, cell, shown in zip(part.titles, all_cells, some, strict=False):
            if title.lower() not in ends or not shown.endswith("..."):
                assert cell == shown
            else:
                assert cell.startswith(shown.removesuffix("...").rstrip())


def assert_harmless(seen: str, *, is_plain: bool) -> None:
    """The cursor is never hidden or moved up, nothing of a name reaches the terminal as an order."""
    orders = set(re.findall(r"\x1b\[[^a-zA-Z]*([a-zA-Z])", seen))
    assert orders <= (set() if is_plain else {"m", "K"})
    assert seen.count("\x1b") == len(re.findall(r"\x1b\[[\d;]*[mK]", seen))
    assert "\u202e" not in seen


@pytest.mark.parametrize("name", WORDS)
def test_words_are_the_same_on_a_terminal(name: str, told: Path) -> None:
    """Line by line, each whole, however wide it is."""
    place, args = WORDS[name]
    piped = run_main(*args, cwd=told / place, env=at(place))
    said = [*piped.out.splitlines(), *piped.err.splitlines()]
    for columns, env in TERMINALS:
        code, seen, lines = on_a_terminal(args, told / place, columns, env)
        assert (piped.code, sorted(said)) == (code, sorted(lines))
        assert_harmless(seen, is_plain="TERM" in env or "NO_COLOR" in env)


def test_a_name_from_outside_takes_the_room_that_it_takes(told: Path) -> None:
    """Two columns a wide character, none a mark that joins another; what would repaint is shown as it is written."""
    for place, args, title, name in (
        ("retold", ("actions", "PETR4"), "LABEL", LABEL),
        ("sample", ("backup", "--list"), "BACKUP", SHOWN_FILE),
    ):
        _, _, lines = on_a_terminal(args, told / place, WIDE, {})
        shown = table(lines, [one for one in lines if one.startswith("warning:")])
        column = [row[shown.titles.index(title)] for row in shown.rows]
        assert 1 == column.count(name), column
