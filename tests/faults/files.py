"""Database files damaged, and older ones put in their place: a verdict each time, never a signal, never "intact".

A round is one damaged file. Where it is called intact all the same, the damaged bytes must belong to nothing that
the ledger holds: every event, the index and the head are compared with the original, and the file is counted apart.
"""

import importlib
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cli.root
from ledger.audit.verify import VerifyReport, verify_ledger
from ledger.store.home import ANCHOR_FILE, DATA_FILE
from ledger.store.lmdb_file import META, PAGE_HEADER_BYTES
from tests.faults.place import Stage, contents, grow, new_home, stage
from tests.faults.tally import Tally
from tests.kills.commands import run_forked
from tests.kills.victim import Victim
from tests.support.cli import environment

EVENTS = 120
SEED = 5  # of the ledger itself; a round's seed says what is done to it
PAGE_BYTES = 4096
COMMANDS_ONE_IN = 100
ROLLBACK_ONE_IN = 4
LONG_ROUNDS = 10_000
COMMANDS = (
    ("verify",),
    ("verify", "--structure"),
    ("health",),
    ("logs",),
    ("events", "--limit", "5"),
    ("replay",),
    ("metrics",),
    ("test-conn", "--provider", "sample"),
    ("rebuild",),
    ("backup", "--create", "--out", "made.db"),
    ("salvage", "--out", "saved.db"),
)

Damage = Callable[[bytearray, random.Random], object]


class Subject:
    """The ledger that is damaged: all its files after every append, and what it said at the end."""

    def __init__(self, folder: Path) -> None:
        self.work = folder
        self.home = new_home(folder / "dados")
        self.stages: list[Stage] = []
        grow(self.home, EVENTS, SEED, lambda log: self.stages.append(stage(log)))
        current = self.home.current()
        assert current is not None
        self.folder = current
        self.contents = contents(current)

    def put(self, data: bytes, anchor: bytes) -> None:
        """Make the ledger's files these; lock and projections are left by nobody."""
        (self.folder / DATA_FILE).write_bytes(data)
        (self.folder / ANCHOR_FILE).write_bytes(anchor)


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Damage the database once a round, and now and then put an older one in its place."""
    subject = Subject(folder)
    for command in cli.root.COMMANDS:
        importlib.import_module(command.module)  # once here, not in every child
    for number in range(seed, seed + rounds):
        rng = random.Random(number)
        name, damage = rng.choice(DAMAGES)
        with tally.holding(number, name):
            _damage(subject, name, damage, rng, tally)
        if rng.randrange(ROLLBACK_ONE_IN) == 0:
            with tally.holding(number, "rollback"):
                _roll_back(subject, rng, tally)


def _damage(subject: Subject, name: str, damage: Damage, rng: random.Random, tally: Tally) -> None:
    data = bytearray(subject.stages[-1].data)
    while data == subject.stages[-1].data:
        damage(data, rng)
    subject.put(bytes(data), subject.stages[-1].anchor)
    tally.count(f"files with {name}")
    report = verify_ledger(subject.home, structure=True)
    plain = verify_ledger(subject.home)
    tally.count(f"verdict {report.verdict}")
    _check_intact(subject, report, plain, tally)
    if rng.randrange(COMMANDS_ONE_IN) == 0:
        for args in COMMANDS:
            subject.put(bytes(data), subject.stages[-1].anchor)
            _check_command(subject, args, report, tally)


def _check_intact(subject: Subject, report: VerifyReport, plain: VerifyReport, tally: Tally) -> None:
    if report.verdict == "intact":
        # The bytes belong to no live page, or to nothing that is ever read: the ledger is whole.
        assert subject.contents == contents(subject.folder)
        tally.count("whole all the same, every event compared")
    if plain.verdict == "intact":
        # Without --structure, verification speaks of events and head alone: the index is derived from them.
        told = contents(subject.folder, index=False)
        assert (subject.contents.events, subject.contents.head) == (told.events, told.head)
        if report.verdict != "intact":
            tally.count("events whole, the rest named by --structure")


def _check_command(subject: Subject, args: tuple[str, ...], report: VerifyReport, tally: Tally) -> None:
    tally.count("commands on a damaged file")
    log = subject.work / "stderr.log"
    log.unlink(missing_ok=True)
    said, code = Victim(partial(run_forked, subject.work, args, environment())).end()
    err = log.read_text()
    assert code in {0, 1, 2, 3}, (args, code, err)
    assert "Traceback" not in err, (args, err)
    assert "internal error" not in err, (args, err)
    if args == ("verify", "--structure"):
        assert (code == 2) == (report.verdict != "intact"), (args, code, said, err)
    for name in ("made.db", "saved.db"):
        (subject.work / name).unlink(missing_ok=True)
        (subject.work / f"{name}.checksum").unlink(missing_ok=True)


def _roll_back(subject: Subject, rng: random.Random, tally: Tally) -> None:
    older, newer = sorted(rng.sample(range(len(subject.stages)), 2))
    subject.put(subject.stages[older].data, subject.stages[newer].anchor)
    report = verify_ledger(subject.home, structure=True)
    found = (report.verdict, report.events, report.first_bad and report.first_bad.seq)
    size = subject.stages[older].size
    assert ("rolled_back", size, size) == found, (older, newer, report)
    tally.count("older files put in place, named rolled_back")


# --- what is done to a file ----------------------------------------------------------------------


def _bit(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _page_header(data: bytearray, rng: random.Random) -> None:
    at = _page(data, rng) + rng.randrange(PAGE_HEADER_BYTES)
    data[at] = rng.choice((0, 1, 0xFF, rng.randrange(256)))


def _page_index(data: bytearray, rng: random.Random) -> None:
    """One of the offsets at the start of a page, which say where its items lie."""
    at = _page(data, rng) + PAGE_HEADER_BYTES + 2 * rng.randrange(20)
    data[at : at + 2] = rng.randbytes(2)


def _meta(data: bytearray, rng: random.Random) -> None:
    at = PAGE_BYTES * rng.randrange(2) + rng.randrange(PAGE_HEADER_BYTES + META.size)
    data[at] = rng.choice((0, 1, 0xFF, rng.randrange(256)))


def _stale_meta(data: bytearray, rng: random.Random) -> None:
    """The newer meta page says that it is the older one, or holds what the older one does."""
    pages = [bytes(data[at : at + PAGE_BYTES]) for at in (0, PAGE_BYTES)]
    newer = max((0, 1), key=lambda number: META.unpack_from(pages[number], PAGE_HEADER_BYTES)[-1])
    at = PAGE_BYTES * newer
    if rng.random() < 0.5:
        end = at + PAGE_HEADER_BYTES + META.size
        data[end - 8 : end] = bytes(8)
    else:
        data[at + PAGE_HEADER_BYTES : at + PAGE_BYTES] = pages[1 - newer][PAGE_HEADER_BYTES:]


def _zero_page(data: bytearray, rng: random.Random) -> None:
    at = _page(data, rng)
    data[at : at + PAGE_BYTES] = bytes(PAGE_BYTES)


def _other_page(data: bytearray, rng: random.Random) -> None:
    """A page where another one belongs, as a misdirected write leaves it; or all but its own number of it."""
    at, source, kept = _page(data, rng), _page(data, rng), rng.choice((0, 8))
    data[at + kept : at + PAGE_BYTES] = data[source + kept : source + PAGE_BYTES]


def _sector(data: bytearray, rng: random.Random) -> None:
    at = 512 * rng.randrange(len(data) // 512)
    data[at : at + 512] = rng.choice((bytes(512), rng.randbytes(512)))


def _bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randrange(2, 200)):
        _byte(data, rng)


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.choice((rng.randrange(len(data)), PAGE_BYTES * rng.randrange(len(data) // PAGE_BYTES))) :]


def _zero_pages(data: bytearray, rng: random.Random) -> None:
    """A few pages zeroed at once, as a file system that lost its extents gives them back."""
    for _ in range(rng.randrange(2, 9)):
        _zero_page(data, rng)


def _page(data: bytearray, rng: random.Random) -> int:
    return PAGE_BYTES * rng.randrange(len(data) // PAGE_BYTES)


DAMAGES: tuple[tuple[str, Damage], ...] = (
    ("a bit flipped", _bit),
    ("a byte changed", _byte),
    ("many bytes changed", _bytes),
    ("a page header changed", _page_header),
    ("an offset in a page changed", _page_index),
    ("a meta page changed", _meta),
    ("a stale meta page", _stale_meta),
    ("a page zeroed", _zero_page),
    ("several pages zeroed", _zero_pages),
    ("another page in place", _other_page),
    ("a sector lost", _sector),
    ("its end cut", _cut),
)
