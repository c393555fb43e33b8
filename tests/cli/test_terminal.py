"""In a real terminal no line is shared, and what ends a run early says what is undone."""

import re
import time
from datetime import date
from pathlib import Path

import pytest

from tests.support import sample_ledger
from tests.support.cli import run_main
from tests.support.cotahist import line, made
from tests.support.terminal import Terminal
from tests.support.yahoo_server import Hang, Reset, YahooServer

ESCAPE = "\x1b"
BAR = re.compile(r"tickers  \[[#-]+\]  \d+/\d+")


def closed_port() -> str:
    """Return an address at which nobody listens: the port of `discard`, which nobody opens here."""
    return "http://127.0.0.1:9"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "env", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LC_ALL": "C"}, {"LC_ALL": "pt_BR.UTF-8"}], ids=str
)
def test_bar_log_and_results_never_share_a_line(columns: int, env: dict[str, str], tmp_path: Path) -> None:
    """The bar is gone in the end; no escape sequence under TERM=dumb and NO_COLOR; a cursor is never hidden."""
    terminal = Terminal(
        "--no-network", "--ticker", "PETR4", "--ticker", "VALE3", cwd=tmp_path, columns=columns, env=env
    )
    assert 0 == terminal.end()
    lines = terminal.screen()
    kinds = (
        r"created the sample ledger /.*",
        r"\d\d:\d\d:\d\d (PETR4|VALE3)\.SA [a-z]+ .*",
        r"\w+\.SA success: .*",
        "",
    )
    assert [] == [line for line in lines if not any(re.fullmatch(kind, line) for kind in kinds)]
    assert [("PETR4", True), ("VALE3", True)] == [
        (name, any(line.startswith(f"{name}.SA success") for line in lines)) for name in ("PETR4", "VALE3")
    ]
    plain = "TERM" in env or "NO_COLOR" in env
    assert (plain, not plain) == (ESCAPE not in terminal.seen, bool(BAR.search(terminal.seen)))
    assert f"{ESCAPE}[?25l" not in terminal.seen


def test_a_run_without_a_network_ends_early_and_says_why_once(tmp_path: Path) -> None:
    """The first ticker is asked for again, the others once; one error for them all."""
    sample = {"YAHOO_BASE_URL": closed_port(), "ADAPTER_BACKOFF_SECONDS": "0.1", "ADAPTER_MAX_RETRIES": "2"}
    words = [word for number in range(3, 9) for word in ("--ticker", f"ABCD{number}")]
    terminal = Terminal(*words, "--jobs", "1", cwd=tmp_path, env=sample, columns=120)
    assert 2 == terminal.end()
    asked = [line for line in terminal.screen() if "warning: connection:" in line]
    assert 3 + 5 == len(asked)
    assert 2 == sum("wait_s=" in line for line in asked)
    assert 1 == sum(line.startswith("error: 6 tickers (") for line in terminal.screen())


def test_ctrl_c_says_what_was_done_and_what_was_not(tmp_path: Path) -> None:
    """And leaves the screen as it found it."""
    with YahooServer() as server:
        server.faults["VALE3.SA"] = [Reset(times=None)]
        server.faults["PETR4.SA"] = [Hang(times=None)]
        env = {"YAHOO_BASE_URL": server.url, "ADAPTER_MAX_RETRIES": "0"}
        words = ("--ticker", "VALE3", "--ticker", "PETR4", "--ticker", "ITUB4", "--jobs", "1")
        terminal = Terminal(*words, cwd=tmp_path, env=env, columns=120)
        terminal.until("VALE3.SA error")
        while not server.charts("PETR4.SA"):
            time.sleep(0.05)
        terminal.interrupt()
        assert 130 == terminal.end()
    done = "error: interrupted: 1 done (VALE3.SA); 1 recorded as interrupted (PETR4.SA); 1 not begun (ITUB4.SA)"
    assert [done, "hint: main --ticker PETR4.SA --ticker ITUB4.SA"] == [
        line for line in terminal.screen() if line.startswith(("error: interrupted:", "hint:"))
    ]


@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=str)
def test_what_ctrl_c_says_has_a_line_of_its_own(env: dict[str, str], tmp_path: Path) -> None:
    """The terminal has shown `^C` where the cursor was."""
    sample_ledger.make(tmp_path)
    terminal = Terminal("events", "--follow", "--since", "3", "--format", "text", cwd=tmp_path, env=env, columns=120)
    terminal.until("snapshot.written/1")
    terminal.until("\n")
    terminal.interrupt()
    assert 130 == terminal.end()
    assert [
        "error: ended by Ctrl-C before it was finished; what is recorded stays, and no file is left half written"
    ] == [line for line in terminal.screen() if "error:" in line]


def test_a_pager_shows_what_is_longer_than_the_screen(tmp_path: Path) -> None:
    """And only that."""
    sample_ledger.make(tmp_path)
    marking = {"PAGER": "sed s/^/|/"}
    terminal = Terminal("prices", "PETR4", cwd=tmp_path, env=marking)
    assert 0 == terminal.end()
    assert {"|"} == {line[:1] for line in terminal.screen()[1:-1]}  # the heading is words
    terminal = Terminal("prices", "PETR4", "--start", "2026-02-12", cwd=tmp_path, env=marking)
    assert 0 == terminal.end()
    assert "|" not in {line[:1] for line in terminal.screen()}


@pytest.mark.parametrize(("columns", "left_out"), [(80, "not shown in 80 columns: provider, last ingest"), (120, None)])
def test_metrics_are_a_table_on_a_terminal(columns: int, left_out: str | None, tmp_path: Path) -> None:
    """Aligned, no line wider than the terminal; through a pipe the line stays that says it all."""
    sample_ledger.make(tmp_path)
    terminal = Terminal("metrics", cwd=tmp_path, columns=columns, env=sample_ledger.NOW)
    assert 1 == terminal.end()
    heading, *rows = terminal.screen()[:3]
    assert ["ITUB4.SA  warning", "PETR4.SA  success"] == [row[:17] for row in rows]
    titles = [title for title in heading.split("  ") if title]
    assert ["TICKER", "STATUS", "LAG", "LAST DATE", "BEHIND", "ERRORS", "MISSING", "ROWS", "LATENCY"] == [
        title.strip() for title in titles[:9]
    ]
    assert ["3", ""] == [
        row[heading.index("MISSING") : heading.index("MISSING") + len("MISSING")].strip() for row in rows
    ]
    assert all(len(line) <= columns for line in terminal.screen())
    assert left_out == next((line for line in terminal.screen() if line.startswith("not shown")), None)
    assert sample_ledger.look("metrics", cwd=tmp_path).out.startswith("Ticker: ITUB4.SA | Last ingest: ")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two ledgers: the sample, and one of two papers of the exchange's."""
    folder = tmp_path_factory.mktemp("told")
    for name in ("sample", "market"):
        (folder / name).mkdir()
    sample_ledger.make(folder / "sample")
    assert 0 == run_main("--no-network", "--ticker", "VALE3", cwd=folder / "sample", env=sample_ledger.NOW).code
    made(folder / "market" / "A.TXT", [line(date(2025, 1, 2)), line(date(2025, 1, 2), "VALE3")])
    assert 0 == run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=folder / "market").code
    return folder


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    ("args", "titles"),
    [
        (("logs",), ["STARTED", "TICKER", "STATUS", "OUTCOME"]),
        (("actions", "VALE3"), ["DATE", "KIND", "SIZE", "CAUSE", "PROVIDER", "SEQ", "LEARNED"]),
        (("alerts",), ["SEVERITY", "METRIC", "TICKER", "REASON"]),
        (("gaps", "ITUB4"), ["TICKER", "DATE", "PROVIDER", "WHY"]),
        (("market", "--on", "2025-01-02"), ["TICKER", "CLASS", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME"]),
        (("instruments",), ["TICKER", "CLASS", "FIRST", "LAST", "SESSIONS", "ISIN"]),
    ],
    ids=str,
)
def test_lists_are_tables_on_a_terminal(args: tuple[str, ...], titles: list[str], columns: int, told: Path) -> None:
    """No line is wider than the terminal, a pipe still gets a line that says all, whatever its width."""
    folder = told / ("market" if args[0] in {"market", "instruments"} else "sample")
    env = {**sample_ledger.NOW} if folder.name == "sample" else {}
    terminal = Terminal(*args, cwd=folder, columns=columns, env=env)
    terminal.end()
    lines = terminal.screen()
    (place,) = [number for number, line in enumerate(lines) if line.startswith(titles[0])]
    assert titles == lines[place].split()[: len(titles)]
    assert all(len(line) <= columns for line in lines[place:])
    assert not any(line.startswith(titles[0]) for line in run_main(*args, cwd=folder, env=env).out.splitlines())


@pytest.mark.parametrize("columns", [80, 120])
def test_no_page_of_help_breaks_a_word(columns: int, tmp_path: Path) -> None:
    """Nor is it wider than the terminal, but for what cannot be broken."""
    for args in (("--help",), ("help", "import-cotahist"), ("help", "backup"), ("verify", "--help")):
        terminal = Terminal(*args, cwd=tmp_path, columns=columns)
        assert 0 == terminal.end()
        assert [] == [line for line in terminal.screen() if len(line) > columns and len(line.split()) > 1]
        narrow = " ".join(terminal.screen()).split()
        wide = Terminal(*args, cwd=tmp_path, columns=400)
        assert 0 == wide.end()
        assert " ".join(wide.screen()).split() == narrow
