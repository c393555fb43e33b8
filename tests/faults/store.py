"""Stored read models damaged under every command: no false value is printed, written or recorded.

A round is one fault in the stores of a sample ledger and one command. Half of the flips hit bytes of live values, the
others any bit of the database file. The oracle is what the same command does on the undamaged store.
"""

import hashlib
import os
import random
import shutil
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import lmdb
import msgspec

import cli.root
from ledger.codec import decode_envelope
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.ingest.rules.held import Reach
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from projections import open_ledger
from projections.fold.keys import SEQ_BYTES, seq_key
from projections.models import prices
from projections.store.folder import Shelf
from projections.store.lmdb_tables import CHECK_BYTES, sealed
from projections.store.registry import ALL
from projections.store.runner import open_view
from projections.store.store import LEAVES_MARK
from tests.faults.tally import Tally
from tests.kills.commands import run_forked
from tests.kills.victim import Victim
from tests.support.cli import environment, run_main

LONG_ROUNDS = 2_400
TICKERS = ("PETR4.SA", "ITUB4.SA", "VALE3.SA")
LATER = {"B3_LEDGER_NOW": "2026-02-13T23:30:00Z"}
MARKS = [f"{one.name}.{table}" for one in ALL for table in one.tables]
BARS, DECIDED = (bytes([MARKS.index(name) + 1]) for name in ("prices.bars", "prices.decided"))
FAULTS_ONE_IN = 4  # rounds in which rows are moved about, their checks right
VARYING = {
    "job_id",
    "elapsed_sec",
    "head",
    "learned_at",
    "recorded_at",
    "ingest_lag_seconds",
    "last_success_at",
    "free_bytes",
}
SHARED = "out"

Rows = list[tuple[bytes, bytes]]


class Seen(msgspec.Struct, frozen=True):
    """What a command did: its exit code, what it printed and wrote, what it appended; and whether it warned."""

    code: int
    said: Any
    files: dict[str, str]
    appended: list[Any]
    warned: bool = False

    def like(self, other: "Seen") -> bool:
        """Return whether both did the same, warnings apart."""
        return (self.code, self.said, self.files, self.appended) == (
            other.code,
            other.said,
            other.files,
            other.appended,
        )


class Subject(ABC):
    """A working folder with a ledger in it, put back to what it was before every round."""

    commands: ClassVar[Mapping[str, tuple[str, ...]]]
    env: ClassVar[Mapping[str, str]] = LATER

    def __init__(self, folder: Path) -> None:
        """Make the ledger, and keep what every command does on it."""
        self.pristine, self.work = folder / "pristine", folder / "work"
        self.pristine.mkdir(parents=True)
        self.make()
        assert 0 == run_main("rebuild", cwd=self.pristine, env=self.env).code
        self.want: dict[str, Seen] = {}

    @abstractmethod
    def make(self) -> None:
        """Make a ledger in the folder `pristine`."""

    @staticmethod
    def home(folder: Path) -> LedgerHome:
        """Return where the ledger is in a working folder."""
        return LedgerHome(folder / "dados")

    def put_back(self) -> Path:
        """Make the working folder what it was; return the store's database file."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.pristine, self.work)
        current = Shelf(self._ledger(self.work)).current()
        assert current is not None
        return current / "data.mdb"

    def rows(self, mark: bytes = b"") -> Rows:
        """Return the stored rows of the working folder whose key begins with `mark`, with their checks."""
        current = Shelf(self._ledger(self.work)).current()
        assert current is not None
        with lmdb.open(str(current), lock=False) as env, env.begin() as txn:
            return [(bytes(key), bytes(value)) for key, value in txn.cursor() if key.startswith(mark)]

    def seen(self, name: str) -> Seen:
        """Return what the command `name` does in the working folder as it is."""
        (self.work / "stderr.log").unlink(missing_ok=True)
        size = self._size()
        work = (
            partial(_api, self.work) if name == "API" else partial(_command, self.work, self.commands[name], self.env)
        )
        said, code = Victim(work).end()
        warned = b"warning: stored read models" in (self.work / "stderr.log").read_bytes()
        files = {
            str(path.relative_to(self.work)): hashlib.sha256(_stable(path)).hexdigest()
            for top in ("snapshots", SHARED)
            for path in sorted((self.work / top).rglob("*"))
            if path.is_file()
        }
        return Seen(code, _without_varying(said), files, self._appended(size), warned)

    def expected(self, name: str) -> Seen:
        """Return what the command does on an undamaged store."""
        if name not in self.want:
            self.put_back()
            self.want[name] = self.seen(name)
            assert not self.want[name].warned
        return self.want[name]

    @classmethod
    def _ledger(cls, folder: Path) -> Path:
        current = cls.home(folder).current()
        assert current is not None
        return current

    def _size(self) -> int:
        with EventLog(self.home(self.work), now=lambda: 0, readonly=True) as log:
            return log.head().size

    def _appended(self, size: int) -> list[Any]:
        """Return type and data of each event from `size` on, without what differs from run to run."""
        with EventLog(self.home(self.work), now=lambda: 0, readonly=True) as log:
            envelopes = [decode_envelope(record.seq, record.body) for record in log.read(size)]
        return [(one.type, one.cause, _plain(msgspec.msgpack.decode(one.data))) for one in envelopes]


COMMANDS = {
    "run": ("--no-network", "--ticker", "PETR4", "--ticker", "ITUB4", "--jobs", "1", "--format", "json"),
    "prices": ("prices", "--ticker", "ITUB4", "--adjusted", "--format", "json"),
    "actions": ("actions", "--ticker", "VALE3", "--format", "json"),
    "snapshot": ("snapshot", "--ticker", "PETR4"),
    "snapshot --check": ("snapshot", "--check", "--format", "json"),
    "metrics": ("metrics", "--format", "json"),
    "logs": ("logs", "--format", "json"),
    "export": ("export", "--out", SHARED, "--format", "csv"),
    "plot": ("plot", "--ticker", "ITUB4", "--out", f"{SHARED}/plot.svg"),
}
NAMES = (*COMMANDS, "API")


class SampleSubject(Subject):
    """A ledger of some tickers of the sample, with the leaves of their series."""

    commands = COMMANDS

    def __init__(self, folder: Path) -> None:
        """Ingest them."""
        super().__init__(folder)
        self._keep_leaves()
        self.before = self._older_rows()

    def make(self) -> None:
        """Run once, over the tickers."""
        words = [word for ticker in TICKERS for word in ("--ticker", ticker)]
        done = run_main("--no-network", *words, "--jobs", "1", cwd=self.pristine, env=LATER)
        assert done.code in {0, 1}, done.err

    @staticmethod
    def home(folder: Path) -> LedgerHome:
        """Return where the sample's ledger is."""
        return LedgerHome(folder / "dados").sample

    def _keep_leaves(self) -> None:
        """Keep the leaves of every series, as jobs do once they are worth it."""
        last = Reach(Window(date(2026, 2, 12), date(2026, 2, 13)), ends=False)
        with (
            EventLog(self.home(self.pristine), now=lambda: 0, readonly=True) as log,
            open_view(log, log.folder) as view,
        ):
            for series in prices.all_series(view.state[prices.NAME]):
                view.held(series, last)
        self.put_back()
        assert len(TICKERS) == len(self.rows(LEAVES_MARK))

    def _older_rows(self) -> Rows:
        """Return prices and decisions as they were before the last ticker of the sample was decided on."""
        self.put_back()
        rows = [*self.rows(BARS), *self.rows(DECIDED)]
        newest = max(int.from_bytes(key[-SEQ_BYTES:], "big") for key, _ in rows)
        return [(key, value) for key, value in rows if int.from_bytes(key[-SEQ_BYTES:], "big") < newest]


READS = {  # the tables, and the series, from which a command's rows come
    "run": ("prices.", b"PETR4"),
    "prices": ("prices.", b"ITUB4"),
    "actions": ("prices.decided", b"VALE3"),
    "snapshot": ("prices.", b"PETR4"),
    "snapshot --check": ("snapshots.", b""),
    "metrics": ("metrics.", b""),
    "logs": ("ingest_logs.entries", b""),
    "export": ("prices.", b""),
    "plot": ("prices.", b"ITUB4"),
    "API": ("prices.", b"ITUB4"),
}
SLOW = frozenset({"plot"})


def campaign(seed: int, rounds: int, scratch: Path, tally: Tally) -> None:
    """Damage the store in `rounds` ways, one command each."""
    assert cli.root.root  # imported before the forks, so that none of them pays for it
    subject = SampleSubject(scratch)
    for number in range(seed, seed + rounds):
        rng = random.Random(number)
        name = rng.choice([name for name in NAMES if name not in SLOW or rng.random() < 0.2])
        want = subject.expected(name)
        path = subject.put_back()
        moved = rng.randrange(FAULTS_ONE_IN) == 0
        what = _move(subject, rng, tally) if moved else _flip(subject, path, name, rng, tally)
        with tally.holding(number, (what, name)):
            found = subject.seen(name)
            kind = what.partition(" of ")[0]
            if found.code < 0 or (found.code in {2, 3} and want.code not in {2, 3}):
                assert not found.appended, found.appended
                tally.count(f"{kind}: ended by an error, nothing printed as true")
                continue
            assert want.like(found), (want, found)
            tally.count(f"{kind}: caught, with a warning" if found.warned else f"{kind}: {_unseen(what)}")


def _unseen(what: str) -> str:
    return "dead, in no live row" if what.endswith("dead") else "harmless to the command, or built again unread"


def _flip(subject: SampleSubject, path: Path, name: str, rng: random.Random, tally: Tally) -> str:
    """Flip a bit: every other time in a live value, mostly one that the command reads, else anywhere in the file."""
    data = bytearray(path.read_bytes())
    live = subject.rows()
    if rng.random() < 0.55:
        table, series = READS[name]
        read = [row for row in live if _table(row[0]).startswith(table) and series in row[0]]
        key, value = rng.choice(read if read and rng.random() < 0.75 else live)
        changed, bit = bytearray(value), rng.randrange(8 * len(value))
        changed[bit // 8] ^= 1 << bit % 8
        # Pages that are no longer in use may hold a copy of the row: whichever is the live one, it is hit.
        path.write_bytes(bytes(data).replace(key + value, key + bytes(changed)))
        assert live != subject.rows()
        tally.count("flips in live values")
        return f"flip in a live value of {_table(key)}"
    at, bit = rng.randrange(len(data)), rng.randrange(8)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    tally.count("flips anywhere")
    return f"flip anywhere of byte {at}: {'live' if differs(subject, live) else 'dead'}"


def differs(subject: Subject, live: Rows) -> bool:
    """Return whether the stored rows are no longer `live`, or cannot be read."""
    try:
        # Reading a page whose pointers are damaged may end the process that reads.
        return IsolatedProcess(partial(_differs, subject, live), bool).result()
    except IsolatedProcessError:
        return True


def _differs(subject: Subject, live: Rows) -> bool:
    try:
        return live != subject.rows()
    except lmdb.Error:
        return True


def _table(key: bytes) -> str:
    if key.startswith(LEAVES_MARK):
        return "prices.leaves"
    return MARKS[key[0] - 1] if key[0] else "the head"


def _move(subject: SampleSubject, rng: random.Random, tally: Tally) -> str:
    """Move rows of prices, actions or leaves about, each with a check that is right."""
    mark = rng.choice((BARS, DECIDED, LEAVES_MARK))
    fault = rng.choice((_removed, _doubled, _edited, _older if mark != LEAVES_MARK else _exchanged, _twice))
    stored = [(key, value[:-CHECK_BYTES]) for key, value in subject.rows(mark)]
    before = [(key, value[:-CHECK_BYTES]) for key, value in subject.before if key.startswith(mark)]
    current = Shelf(subject._ledger(subject.work)).current()
    with lmdb.open(str(current), lock=False) as env, env.begin(write=True) as txn:
        fault(txn, stored, before, rng)
    tally.count("rows moved about")
    return f"rows {fault.__name__.removeprefix('_')} of {({BARS: 'prices', DECIDED: 'actions'}).get(mark, 'leaves')}"


Fault = Callable[[Any, Rows, Rows, random.Random], None]


def _removed(txn: Any, now: Rows, _before: Rows, rng: random.Random) -> None:
    txn.delete(rng.choice(now)[0])


def _doubled(txn: Any, now: Rows, _before: Rows, rng: random.Random) -> None:
    key, value = rng.choice(now)
    again = key[:-SEQ_BYTES] + seq_key(rng.choice((3, 5, 10_000)))
    txn.put(again, sealed(again, value))


def _edited(txn: Any, now: Rows, _before: Rows, rng: random.Random) -> None:
    key, value = rng.choice(now)
    at = rng.randrange(len(value))
    txn.put(key, sealed(key, value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :]))


def _older(txn: Any, now: Rows, before: Rows, _rng: random.Random) -> None:
    for key, _ in now:
        txn.delete(key)
    for key, value in before:
        txn.put(key, sealed(key, value))


def _exchanged(txn: Any, now: Rows, _before: Rows, _rng: random.Random) -> None:
    for (key, _), (_, value) in zip(now, now[1:] + now[:1], strict=True):
        txn.put(key, sealed(key, value))


def _twice(txn: Any, now: Rows, _before: Rows, _rng: random.Random) -> None:
    for number, (key, value) in enumerate(reversed(now)):
        again = key[:-SEQ_BYTES] + seq_key(10_000 + number)
        txn.put(again, sealed(again, value))


def _command(folder: Path, args: tuple[str, ...], env: Mapping[str, str], said: int) -> None:
    (folder / SHARED).mkdir(exist_ok=True)
    _warn_as_a_process_does()
    run_forked(folder, args, environment(env), said)


def _api(folder: Path, said: int) -> None:
    """Print what the programming interface gives of one ticker."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment(LATER))
    os.dup2(os.open("stderr.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    _warn_as_a_process_does()
    with open_ledger(folder / "dados") as ledger:
        rows = [*ledger.prices("ITUB4").rows(), *ledger.actions("VALE3").rows(), *ledger.revisions("ITUB4").rows()]
    with os.fdopen(said, "w") as out:
        out.write("\n".join(map(repr, rows)))
    sys.stderr.flush()


def _warn_as_a_process_does() -> None:
    """Undo what a test runner has made of warnings in the process that this one was forked from."""
    warnings.simplefilter("default")
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)


def _without_varying(said: bytes) -> Any:
    """Return what was printed, JSON without what differs from run to run."""
    try:
        return [_plain(msgspec.json.decode(line)) for line in said.splitlines()]
    except msgspec.DecodeError:
        return said


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in VARYING and not key.endswith("_at")}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return "nan" if value != value else value  # noqa: PLR0124 - a price that is none is alike in both answers


def _stable(path: Path) -> bytes:
    """Return a file's bytes; a drawing's ids and date are no part of what it shows."""
    content = path.read_bytes()
    if path.suffix == ".svg":
        return b"\n".join(line for line in content.splitlines() if b"<dc:date>" not in line)
    return content
