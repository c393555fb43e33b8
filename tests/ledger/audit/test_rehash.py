"""Re-hashing a range of a stored log: the whole report, for every way in which an event can be wrong."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import pytest

import ledger.audit.rehash
import ledger.store.engine
from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EventsRead
from ledger.audit.rehash import (
    RangeReport,
    _open_and_rehash,
    count_good,
    rehash_ledger,
    rehash_range,
    seq_prefix,
)
from ledger.chain import GENESIS, link, links
from ledger.codec import Envelope, encode_body
from ledger.ids import append_id
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import JOB, StepClock, connection_tested

EVENTS = 6
LINK = 32


@pytest.fixture
def folder(home: LedgerHome, clock: StepClock) -> Path:
    """The folder of a closed ledger of six events."""
    with EventLog(home, now=clock) as log:
        for number in range(1, EVENTS):
            log.append([connection_tested(number)], append_id=append_id(f"n/{number}"))
    return home.root / "ledger-1"


def key(seq: int) -> bytes:
    """Return the database key of `seq`."""
    return seq.to_bytes(8, "big")


def values(folder: Path) -> list[bytes]:
    """Return all stored values, link and body."""
    with lmdb.open(str(folder), max_dbs=3) as env, env.begin() as txn:
        return [bytes(value) for _, value in txn.cursor(db=env.open_db(b"events", txn=txn))]


def edit(folder: Path, seq: int, value: bytes | None) -> None:
    """Store `value` at `seq` behind the ledger's back; None takes the event out."""
    with lmdb.open(str(folder), max_dbs=3, sync=False) as env:
        events = env.open_db(b"events")
        with env.begin(write=True) as txn:
            if value is None:
                txn.delete(key(seq), db=events)
            else:
                txn.put(key(seq), value, db=events)


def rehashed(folder: Path, start: int = 0, stop: int = EVENTS) -> RangeReport:
    """Return what re-hashing [start, stop) in this process finds, but for what it read."""
    engine = Engine(folder, readonly=True)
    try:
        return bare(rehash_range(engine, start, stop))
    finally:
        engine.close()


def bare(report: RangeReport) -> RangeReport:
    """Return the report but for what was read."""
    return msgspec.structs.replace(report, found=EventsRead())


@pytest.fixture(params=[1, 300, 1024 * 1024])
def transactions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many bytes a transaction reads (one event, two, all), the report is one."""
    monkeypatch.setattr(ledger.store.engine, "CHUNK_BYTES", request.param)
    monkeypatch.setattr(ledger.audit.rehash, "CHUNK_BYTES", request.param)


@pytest.mark.usefixtures("transactions")
@pytest.mark.parametrize(("start", "stop"), [(0, 6), (0, 1), (2, 5), (5, 6), (3, 3)])
def test_a_sound_range_is_counted(folder: Path, start: int, stop: int) -> None:
    """Any range stands alone: its events, and the bytes of their bodies without links."""
    body_bytes = sum(len(value) - LINK for value in values(folder)[start:stop])
    assert RangeReport(start, stop, stop - start, body_bytes, None) == rehashed(folder, start, stop)


def wrong_link(stored: list[bytes]) -> tuple[bytes, Flaw]:
    """Change the link at 3."""
    found, body = bytes(LINK), stored[3][LINK:]
    return found + body, Flaw(3, "link", stored[3][:LINK].hex(), found.hex())


def wrong_body(stored: list[bytes]) -> tuple[bytes, Flaw]:
    """Change the last byte of the body at 3."""
    found, body = stored[3][:LINK], stored[3][LINK:-1] + b"\xc1"
    return found + body, Flaw(3, "link", link(stored[2][:LINK], body).hex(), found.hex())  # type: ignore[arg-type]  # a link read as bytes


def wrong_seq(stored: list[bytes]) -> tuple[bytes, Flaw]:
    """Put a soundly chained body at 3 that says it is event 9."""
    body = stored[3][LINK:].replace(b"\x98\x03", b"\x98\x09", 1)
    return link(stored[2][:LINK], body) + body, Flaw(3, "seq", "9803", "9809")  # type: ignore[arg-type]  # a link read as bytes


def too_short(_stored: list[bytes]) -> tuple[bytes, Flaw]:
    """Leave one byte less than a link at 3."""
    return bytes(31), Flaw(3, "record", "at least 32 bytes", "31 bytes")


def no_body(stored: list[bytes]) -> tuple[bytes, Flaw]:
    """Leave a link and nothing else at 3."""
    found = stored[3][:LINK]
    return found, Flaw(3, "link", link(stored[2][:LINK], b"").hex(), found.hex())  # type: ignore[arg-type]  # a link read as bytes


def taken_out(_stored: list[bytes]) -> tuple[None, Flaw]:
    """Leave a hole at 3."""
    return None, Flaw(3, "missing event", "seq 3", f"key {key(4).hex()}")


@pytest.mark.damages("one stored event")
@pytest.mark.usefixtures("transactions")
@pytest.mark.parametrize("change", [wrong_link, wrong_body, wrong_seq, too_short, no_body, taken_out])
@pytest.mark.parametrize("start", [0, 2, 3])
def test_the_first_flaw_is_told_whole(folder: Path, change: Callable[[list[bytes]], Any], start: int) -> None:
    """Its seq, its kind, what was expected and what was found; and how many events and bytes held before it."""
    stored = values(folder)
    value, flaw = change(stored)
    edit(folder, 3, value)
    body_bytes = sum(len(value) - LINK for value in stored[start:3])
    assert RangeReport(start, EVENTS, 3 - start, body_bytes, flaw) == rehashed(folder, start)


@pytest.mark.damages("the last event is gone")
@pytest.mark.usefixtures("transactions")
def test_a_missing_end_is_told_from_a_hole(folder: Path) -> None:
    """Nothing at all where the last event was, from whatever start."""
    stored = values(folder)
    edit(folder, 5, None)
    gone = Flaw(5, "missing event", "seq 5", "the end")
    assert RangeReport(0, 6, 5, sum(len(value) - LINK for value in stored[:5]), gone) == rehashed(folder)
    assert RangeReport(5, 6, 0, 0, gone) == rehashed(folder, 5)


@pytest.mark.damages("an event is gone")
def test_a_range_needs_the_link_before_it(folder: Path) -> None:
    """A range that begins after a hole names the hole."""
    edit(folder, 3, None)
    assert RangeReport(4, 6, 0, 0, Flaw(3, "missing event", "seq 3", "none")) == rehashed(folder, 4)


@pytest.mark.parametrize("seq", [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32])
def test_the_prefix_is_how_every_body_begins(seq: int) -> None:
    """For seqs of each length that MessagePack has."""
    body = encode_body(Envelope(seq, 1, bytes(16), JOB, None, "ledger", "any/1", msgspec.Raw(b"\x80")))
    assert body.startswith(seq_prefix(seq))
    assert body[1 : len(seq_prefix(seq))] == msgspec.msgpack.encode(seq)


def test_a_child_rehashes_the_range_that_it_was_given(folder: Path) -> None:
    """Folder, start and stop, whatever process it is."""
    assert bare(_open_and_rehash(folder, 2, 5)) == rehashed(folder, 2, 5)


def test_a_child_opens_the_ledger_for_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer's environment would grow the map and the lock file of what is only looked at."""

    def reading(folder: Path, *, readonly: bool) -> Engine:
        assert readonly is True
        return Engine(folder, readonly=True)

    monkeypatch.setattr(ledger.audit.rehash, "Engine", reading)
    assert bare(_open_and_rehash(folder, 2, 5)) == rehashed(folder, 2, 5)


@pytest.mark.parametrize(
    ("worth", "workers", "ranges"),
    [
        (7, 2, [(0, 6)]),
        (6, 2, [(0, 3), (3, 6)]),
        (6, 1, [(0, 6)]),
        (0, 4, [(0, 1), (1, 3), (3, 4), (4, 6)]),
    ],
)
def test_a_log_is_parted_when_that_is_worth_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, worth: int, workers: int, ranges: list[tuple[int, int]]
) -> None:
    """From the least size on, one range a worker, without gap or overlap; below it, one."""
    monkeypatch.setattr(ledger.audit.rehash, "WORTH_A_SECOND_PROCESS", worth)
    want = [rehashed(folder, start, stop) for start, stop in ranges]
    assert want == [bare(report) for report in rehash_ledger(folder, EVENTS, workers=workers)]


def test_a_child_that_dies_is_a_flaw_of_its_range(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No seq can be named, and nothing of the range counts as checked."""
    monkeypatch.setattr(ledger.audit.rehash, "rehash_range", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    flaw = Flaw(None, "database", "a readable database", "death by SIGSEGV")
    assert [RangeReport(0, 6, 0, 0, flaw)] == rehash_ledger(folder, EVENTS, workers=2)


def test_the_first_event_follows_from_the_constant(folder: Path) -> None:
    """Event 0 is hashed after GENESIS and nothing else."""
    first = values(folder)[0]
    assert first[:LINK] == link(GENESIS, first[LINK:])


@pytest.mark.parametrize("start", [0, 120, 250, 65_530, 2**32 - 12])
def test_values_are_counted_up_to_the_first_that_is_not_sound(start: int) -> None:
    """Whether or not the seqs together take as many bytes as the first; another seq, a short body, another link."""
    bodies = [seq_prefix(seq) + b"rest" for seq in range(start, start + 12)]

    def counted(changed: list[bytes], last: bytes = b"") -> int:
        following = [*links(GENESIS, changed)[:-1], last or links(GENESIS, changed)[-1]]
        return count_good(list(map(bytes.__add__, following, changed)), start=start, prev=GENESIS)

    assert 12 == counted(bodies)
    assert 11 == counted(bodies, bytes(LINK))
    for seq in range(12):
        for wrong in (seq_prefix(start + seq + 1), seq_prefix(start + seq)[:-1], b"", b"\x98\xcf" + key(start + seq)):
            assert seq == counted([*bodies[:seq], wrong, *bodies[seq + 1 :]])
    assert 0 == count_good([], start=start, prev=GENESIS)
