"""Whatever is appended, retried, cut short, caught up or rebuilt in whatever order, the log is a plain list."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ledger.appending import Appended
from ledger.audit.verify import verify_ledger
from ledger.chain import GENESIS, Head, Link, Record, link
from ledger.codec import Draft, decode_envelope, decode_event
from ledger.errors import AppendIdError, ConflictError
from ledger.ids import append_id
from ledger.market.series import Series
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.create import create_ledger
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import ANCHOR_FILE, LedgerHome
from projections.fold.digest import digest
from projections.fold.projection import Projection
from projections.models import prices
from projections.models.ingest_logs import IngestLogs
from projections.models.instruments import Instruments
from projections.models.metrics import Metrics
from projections.models.prices import Prices
from projections.models.snapshots import Snapshots
from projections.store.replaying import compare, replay
from projections.store.runner import catch_up, rebuild, remembered, view_at
from tests.kills.victim import Victim
from tests.properties.reference import Reference, Stored
from tests.properties.strategies import PROVIDER, TICKERS, Planned, batches, placed
from tests.support.following import Following
from tests.support.oracle import check_log

BEGAN_US = 1_770_000_000_000_000
JUMP_US = 3_600_000_000
STEPS = 20


def fresh() -> tuple[Projection, ...]:
    """Return projections that were never used: a memory of their own would show."""
    return Prices(), IngestLogs(), Metrics(), Snapshots(), Instruments()


class Prefix:
    """The first `size` events of a log, as a log."""

    def __init__(self, log: EventLog, size: int) -> None:
        self._log = log
        self._size = size

    def head(self) -> Head:
        """Return the head that the log had then."""
        found = self._log.link_at(self._size - 1) if self._size else GENESIS
        assert found is not None
        return Head(self._size, found)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop) that were there then."""
        return self._log.read(start, self._size if stop is None else min(stop, self._size))


class Neighbour:
    """Another process with the same ledger open, asked to append."""

    def __init__(self, home: LedgerHome) -> None:
        """Fork it before this process opens the ledger: an environment is not for two."""
        context = multiprocessing.get_context("fork")
        self._asking, answering = context.Pipe()
        self._process = context.Process(target=_neighbour, args=(home, answering), daemon=True)
        self._process.start()
        answering.close()

    def append(self, drafts: tuple[Draft, ...], identifier: bytes, now_us: int) -> Appended:
        """Return what the other process was told."""
        self._asking.send((drafts, identifier, now_us))
        answer: Appended = self._asking.recv()
        return answer

    def close(self) -> None:
        """End the other process."""
        self._asking.send(None)
        self._process.join()
        self._asking.close()
        self._process.close()


def _neighbour(home: LedgerHome, answering: Connection) -> None:
    told_us = [0]
    with EventLog(home, now=lambda: told_us[0], lock_timeout_s=5) as log:
        while asked := answering.recv():
            drafts, identifier, told_us[0] = asked
            answering.send(log.append(drafts, append_id=identifier))


class LogMachine(RuleBasedStateMachine):
    """One ledger on disk, beside its reference."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.now_us = BEGAN_US
        self.home = LedgerHome(folder)
        create_ledger(self.home, kind="real", software="properties", now=self._now, lock_timeout_s=5)
        self.names = count()
        self.neighbour = Neighbour(self.home)
        self.log = self._open()
        self.reference = Reference(self._stored(next(self.log.read())))

    def teardown(self) -> None:
        """Compare everything with the reference, byte for byte where it is bytes."""
        assert self.reference.events == [self._stored(record) for record in self.log.read()]
        assert not compare(self.log, self.log.folder, fresh())
        check_log(self.log)
        self.log.close()
        self.neighbour.close()

    # --- appends -----------------------------------------------------------------------------

    @rule(batch=batches, expecting=st.booleans())
    def append(self, batch: tuple[Planned, ...], expecting: bool) -> None:
        """A new append lands at the end and says where, and how far the clock was behind."""
        size, identifier = len(self.reference.events), self._new_id()
        drafts = self._following(placed(batch, size))
        held_back_us = self.reference.held_back_us(self.now_us)
        appended = self.log.append(drafts, append_id=identifier, expected_size=size if expecting else None)
        self.reference.land(identifier, drafts, self.now_us)
        want = Appended(first=size, count=len(drafts), head=self._head(), held_back_us=held_back_us)  # type: ignore[arg-type]  # a seq is an int
        assert want == appended
        assert self._head() == read_anchor(self.log.folder / ANCHOR_FILE)

    @rule(batch=batches)
    def append_elsewhere(self, batch: tuple[Planned, ...]) -> None:
        """What another process appends is there for this one at once."""
        size, identifier = len(self.reference.events), self._new_id()
        drafts = self._following(placed(batch, size))
        appended = self.neighbour.append(drafts, identifier, self.now_us)
        self.reference.land(identifier, drafts, self.now_us)
        assert (size, len(drafts), self._head(), False) == (
            appended.first,
            appended.count,
            appended.head,
            appended.repeated,
        )

    @rule(data=st.data(), elsewhere=st.booleans())
    def retry(self, data: st.DataObject, elsewhere: bool) -> None:
        """The same append again, from either process, is told the same and changes nothing."""
        identifier = data.draw(st.sampled_from(sorted(self.reference.runs)))
        first, drafts = self.reference.runs[identifier]
        if elsewhere:
            appended = self.neighbour.append(drafts, identifier, self.now_us)
        else:
            appended = self.log.append(drafts, append_id=identifier, expected_size=first)
        stop = first + len(drafts)
        found = self.log.link_at(stop - 1)
        assert (first, len(drafts), stop, found, True) == (
            appended.first,
            appended.count,
            appended.head.size,
            appended.head.link,
            appended.repeated,
        )
        assert self._head() == read_anchor(self.log.folder / ANCHOR_FILE)

    @rule(data=st.data(), batch=batches)
    def clash(self, data: st.DataObject, batch: tuple[Planned, ...]) -> None:
        """An id that was used for other events is refused."""
        identifier = data.draw(st.sampled_from(sorted(self.reference.runs)))
        first, known = self.reference.runs[identifier]
        drafts = placed(batch, first)
        if drafts == known:
            return
        with pytest.raises(AppendIdError) as refusal:
            self.log.append(drafts, append_id=identifier)
        assert (identifier, first) == (refusal.value.append_id, refusal.value.first)

    @rule(batch=batches, off=st.sampled_from((-2, -1, 1, 7)))
    def conflict(self, batch: tuple[Planned, ...], off: int) -> None:
        """An append that expects another size is refused, and told the actual one."""
        size = len(self.reference.events)
        with pytest.raises(ConflictError) as refusal:
            self.log.append(placed(batch, size), append_id=self._new_id(), expected_size=size + off)
        assert (size + off, size) == (refusal.value.expected, refusal.value.actual)

    # --- deaths ------------------------------------------------------------------------------

    @rule(batch=batches)
    def die_before_the_commit(self, batch: tuple[Planned, ...]) -> None:
        """A writer that dies with its transaction open leaves nothing."""
        drafts = placed(batch, len(self.reference.events))
        self._die(drafts, self._new_id(), patch.object(Engine, "append_in", _after(Engine.append_in)))

    @rule(batch=batches)
    def die_before_the_anchor(self, batch: tuple[Planned, ...]) -> None:
        """A writer that dies between commit and anchor leaves the whole append, and an anchor that lags."""
        before, identifier = self._head(), self._new_id()
        drafts = self._following(placed(batch, before.size))
        self._die(drafts, identifier, patch.object(Anchor, "write", lambda *_: os._exit(0)))
        self.reference.land(identifier, drafts, self.now_us)
        anchored = read_anchor(self.log.folder / ANCHOR_FILE)
        assert anchored is not None
        assert before.size >= anchored.size
        assert self.log.link_at(anchored.size - 1) == anchored.link

    @rule()
    def drop_without_closing(self) -> None:
        """A process that ends without a word of goodbye loses nothing."""
        lock, anchor = self.log._lock, self.log._anchor
        self.log._engine._env.close()  # what the kernel does with a dead process's map and files
        for held in (lock, anchor):
            if held is not None:
                os.close(held._fd)
        self.log = self._open()

    @rule()
    def reopen(self) -> None:
        """A log that was closed is the same log."""
        self.log.close()
        self.log = self._open()

    @rule(seconds=st.integers(-2, 2))
    def jump(self, seconds: int) -> None:
        """The clock moves, either way."""
        self.now_us += seconds * JUMP_US + 1

    # --- reading -----------------------------------------------------------------------------

    @rule(data=st.data())
    def catch_up_some(self, data: st.DataObject) -> None:
        """Stored read models that come up to any position stand there, and are what a replay makes."""
        known = remembered(self.log.folder)
        size = data.draw(st.integers(known.size if known else 0, len(self.reference.events)))
        part = Prefix(self.log, size)
        assert part.head() == catch_up(part, self.log.folder, fresh())
        assert not compare(self.log, self.log.folder, fresh())

    @rule(names=st.sets(st.sampled_from(("prices", "ingest_logs", "metrics", "snapshots")), min_size=1))
    def rebuild(self, names: set[str]) -> None:
        """Read models built again, some or all, stand at the head and are what a replay makes."""
        assert self._head() == rebuild(self.log, self.log.folder, sorted(names), fresh())
        assert not compare(self.log, self.log.folder, fresh())

    @rule(data=st.data(), ticker=st.sampled_from(TICKERS))
    def look_back(self, data: st.DataObject, ticker: str) -> None:
        """Prices as of any position are those of a plain dict, from the whole history and from a log cut there."""
        position = data.draw(st.integers(0, len(self.reference.events)))
        whole, cut = (view_at(self.log, at, fresh()) for at in (len(self.reference.events), position))
        want = self.reference.prices(ticker, position)
        assert want == prices.bars(whole.state["prices"], Series(ticker, PROVIDER), position)
        assert want == prices.bars(cut.state["prices"], Series(ticker, PROVIDER))
        assert {name: digest(tables).hex() for name, tables in cut.state.items()} == replay(self.log, position, fresh())

    @precondition(lambda self: len(self.reference.events) % 4 == 0)
    @rule(structure=st.booleans())
    def verify(self, structure: bool) -> None:
        """Verification from outside finds every event and the anchor in order."""
        self.log.close()
        report = verify_ledger(self.home, structure=structure)
        self.log = self._open()
        assert ("intact", len(self.reference.events), ("anchor",)) == (
            report.verdict,
            report.events,
            report.witnesses,
        )

    @invariant()
    def size_is_known(self) -> None:
        """Nothing came in or went missing unseen."""
        if hasattr(self, "reference"):
            assert len(self.reference.events) == self.log.head().size

    # --- inside ------------------------------------------------------------------------------

    def _now(self) -> int:
        return self.now_us

    def _open(self) -> EventLog:
        return EventLog(self.home, now=self._now, lock_timeout_s=5)

    def _following(self, drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
        """Return `drafts` as they may follow what the log holds: verification asks for that."""
        return Following(self.log.read()).drafts(drafts, len(self.reference.events))

    def _new_id(self) -> bytes:
        return append_id(f"properties/{next(self.names)}")

    def _head(self) -> Head:
        """Return the head worked out here from the stored bodies."""
        prev = GENESIS
        records = list(self.log.read())
        for record in records:
            prev = link(prev, record.body)
        return Head(len(records), Link(prev))

    def _stored(self, record: Record) -> Stored:
        found = decode_envelope(record.seq, record.body)
        draft = Draft(job_id=found.job_id, stream=found.stream, event=decode_event(found), cause=found.cause)
        return Stored(found.append_id, found.recorded_at, draft)

    def _die(self, drafts: tuple[Draft, ...], identifier: bytes, death: object) -> None:
        """Have a process with `death` in place append and end in the middle of it."""
        self.log.close()
        said, code = Victim(partial(_append_and_die, self._open, drafts, identifier, death)).end()
        self.log = self._open()
        assert (b"", 0) == (said, code)


def _after(call: Callable[..., None]) -> Callable[..., None]:
    def put_and_die(*args: object, **named: object) -> None:
        call(*args, **named)
        os._exit(0)

    return put_and_die


def _append_and_die(
    open_log: Callable[[], EventLog], drafts: tuple[Draft, ...], identifier: bytes, death: object, said: int
) -> None:
    with death, open_log() as log:  # type: ignore[attr-defined]  # a patch is a context manager
        log.append(drafts, append_id=identifier)
        os.write(said, b"acknowledged")


def test_the_log_is_a_plain_list(tmp_path: Path) -> None:
    """Every order of appends, retries, clashes, deaths, catch-ups and rebuilds that hypothesis thinks of."""
    folders = count()
    run_state_machine_as_test(
        lambda: LogMachine(tmp_path / str(next(folders))),  # type: ignore[arg-type]  # called without arguments
        settings=settings(stateful_step_count=STEPS),
    )
