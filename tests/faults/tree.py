"""Bits flipped where the stored read models' tree says what is in it, under every command that reads them.

In what heads a page of LMDB, and in the pointers to its rows: a flip there hides rows of any table and damages none.
A round is one flip in the store of a ledger, of the sample or of a whole exchange, and one command. The oracle is what
the same command does on the undamaged store; an error counts as told where it names no lack of data.
"""

import random
from pathlib import Path
from struct import unpack_from
from typing import ClassVar

import cli.root
from tests.faults.store import BARS, LATER, SHARED, SampleSubject, Subject, differs
from tests.faults.tally import Tally
from tests.support.cli import run_main
from tests.support.cotahist import whole, write
from tests.support.exchange import MONTHS, lines_of

LONG_ROUNDS = 1_500
UNKNOWN, RUNS = [f"AB{one}{other}3" for one in "CDEFGH" for other in "IJKLMNOP"], 3
PAGE_BYTES, HEAD_BYTES, FLAGS_AT, ROWS_AT, ROW_HEAD_BYTES = 4096, 16, 10, 12, 8
TREE_PAGES = {1: "branch", 2: "leaf"}
JSON = ("--format", "json")


class Sample(SampleSubject):
    """The sample, and codes that it does not know: the entries of these fill pages."""

    commands: ClassVar = {
        "run": ("--no-network", "--ticker", "PETR4", "--ticker", "ITUB4", "--jobs", "1", *JSON),
        "logs": ("logs", *JSON),
        "logs --ticker": ("logs", "--ticker", "ITUB4", *JSON),
        "metrics": ("metrics", *JSON),
        "metrics --ticker": ("metrics", "--ticker", "VALE3", *JSON),
        "prices": ("prices", "--ticker", "ITUB4", "--adjusted", *JSON),
        "revisions": ("revisions", "--ticker", "PETR4", *JSON),
        "actions": ("actions", "--ticker", "VALE3", *JSON),
        "actions of all": ("actions", "--disputed", *JSON),
        "gaps": ("gaps", *JSON),
        "health": ("health", *JSON),
        "alerts": ("alerts", *JSON),
        "validation": ("validation", "--ticker", "PETR4", *JSON),
        "snapshot --check": ("snapshot", "--check", *JSON),
        "report": ("report", "--out", f"{SHARED}/report.html"),
        "export": ("export", "--out", SHARED, "--format", "csv"),
    }

    def make(self) -> None:
        """Run over them all as well."""
        super().make()
        words = [word for ticker in UNKNOWN for word in ("--ticker", ticker)]
        for _ in range(RUNS):
            done = run_main("--no-network", *words, "--jobs", "1", cwd=self.pristine, env=LATER)
            assert UNKNOWN[-1] in done.err


class Exchange(Subject):
    """Two months of a small exchange, by its files."""

    env: ClassVar = {**LATER, "YAHOO_BASE_URL": "http://127.0.0.1:9"}  # a clock that is set is for a Yahoo that is none

    commands: ClassVar = {
        "logs of an exchange": ("logs", "--limit", "20", *JSON),
        "metrics of an exchange": ("metrics", *JSON),
        "market": ("market", "--on", "2025-03-10", *JSON),
        "instruments": ("instruments", *JSON),
        "instruments --ticker": ("instruments", "--ticker", "ZAAB3", *JSON),
        "instruments --on": ("instruments", "--on", "2025-03-10", *JSON),
        "prices of an exchange": ("prices", "--ticker", "ZAAB3", *JSON),
        "gaps of an exchange": ("gaps", *JSON),
    }

    def make(self) -> None:
        """Import them."""
        for first in MONTHS:
            name = f"COTAHIST_M{first:%m%Y}.TXT"
            write(self.pristine / name, whole(lines_of(first), year=first.year), member=name)
            done = run_main("import-cotahist", name, "--market", "all", cwd=self.pristine, env=self.env)
            assert done.code in {0, 1}, done.err


def campaign(seed: int, rounds: int, scratch: Path, tally: Tally) -> None:
    """Flip `rounds` bits of the tree, one command each."""
    assert cli.root.root  # imported before the forks, so that none of them pays for it
    subjects = [Sample(scratch / "sample"), Exchange(scratch / "exchange")]
    names = [(subject, name) for subject in subjects for name in subject.commands]
    for number in range(seed, seed + rounds):
        rng = random.Random(number)
        subject, name = rng.choice(names)
        want = subject.expected(name)
        path = subject.put_back()
        live = subject.rows()
        what = _flip(path, rng)
        is_live = differs(subject, live)
        tally.count(f"flips in {what}")
        tally.count(f"under {name}")
        with tally.holding(number, (what, name)):
            found = subject.seen(name)
            said = (subject.work / "stderr.log").read_bytes()
            if found.code < 0 or (found.code in {2, 3} and want.code not in {2, 3}):
                assert b"error: got no " not in said, said
                # A run may end by a page that it reads late: what it has recorded by then is what it always records.
                assert found.appended == want.appended[: len(found.appended)], found.appended
                tally.count("ended by an error, nothing printed as true")
                continue
            assert want.like(found), (want, found)
            unseen = "harmless to the command, or built again unread" if is_live else "dead, in no live row"
            tally.count("caught, with a warning" if found.warned else unseen)


def _flip(path: Path, rng: random.Random) -> str:
    """Flip a bit in the head of a page of the tree, mostly in how many rows it has, or in a pointer to one of them."""
    data = bytearray(path.read_bytes())
    kinds = {at: unpack_from("<H", data, at + FLAGS_AT)[0] for at in range(2 * PAGE_BYTES, len(data), PAGE_BYTES)}
    pages = [at for at, kind in kinds.items() if kind in TREE_PAGES]
    # Most of the tree are prices, which decisions commit to: other pages are hit more often than they come.
    other = [at for at in pages if TREE_PAGES[kinds[at]] == "branch" or _first_mark(data, at) != BARS]
    page = rng.choice(other if rng.random() < 0.8 else pages)
    (end,) = unpack_from("<H", data, page + ROWS_AT)
    where = rng.choice(["how many rows", "how many rows", "a head", "a pointer"])
    if where == "how many rows":
        at = ROWS_AT + rng.randrange(2)
    elif where == "a head" or end <= HEAD_BYTES:
        at = rng.randrange(HEAD_BYTES)
    else:
        at = rng.randrange(HEAD_BYTES, min(end, PAGE_BYTES))
    data[page + at] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"{where} of a {TREE_PAGES[kinds[page]]}"


def _first_mark(data: bytearray, page: int) -> bytes:
    """Return the mark of the table that the first row of a leaf is of."""
    (row,) = unpack_from("<H", data, page + HEAD_BYTES)
    return bytes(data[page + row + ROW_HEAD_BYTES : page + row + ROW_HEAD_BYTES + 1])
