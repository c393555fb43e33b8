"""The engine alone: what it says of a database that is not as it left it, and how its map grows."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lmdb
import pytest
from msgspec import Raw

import ledger.store.engine
from ledger.appending import Append, Appended, chain_records
from ledger.chain import EMPTY_HEAD, Head, Record
from ledger.codec import Draft, Envelope, decode_envelopes, encode_body
from ledger.errors import (
    DamagedError,
    DiskFullError,
    LedgerError,
    NewerFormatError,
    NotALedgerError,
    StorageError,
    UnreadableError,
)
from ledger.ids import append_id
from ledger.store.engine import AppendRun, Engine, key
from tests.kills.victim import Victim
from tests.support.drafts import connection_tested

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a closed database of three events, two of them of one append."""
    engine = Engine(tmp_path, readonly=False, create=True)
    put(engine, [connection_tested(0)], "a")
    put(engine, [connection_tested(1), connection_tested(2)], "b")
    engine.close()
    return tmp_path


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    """The same database, open for writing."""
    engine = Engine(folder, readonly=False)
    yield engine
    engine.close()


def put(engine: Engine, drafts: list[Draft], name: str) -> list[Record]:
    """Append `drafts` without a log around the engine; return their records."""
    head = engine.head()
    engine.update(step(engine, drafts, name, head))
    return chain_records(drafts, head=head, recorded_at=1, append_id=append_id(name))


def step(engine: Engine, drafts: list[Draft], name: str, head: Head) -> Callable[[Any], list[Appended]]:
    """Return the append of `drafts` after `head`, to be run in a transaction."""
    return partial(engine.append_in, appends=[Append(drafts, append_id(name))], head=head, now=lambda: 1)


def raw(folder: Path, name: bytes, value: bytes | None, database: bytes | None = None) -> None:
    """Store a value behind the engine's back; None deletes it."""
    with lmdb.open(str(folder), max_dbs=3) as env:
        db = None if database is None else env.open_db(database)
        with env.begin(write=True) as txn:
            if value is None:
                txn.delete(name, db=db)
            else:
                txn.put(name, value, db=db)


def told(error: LedgerError) -> tuple[type, str]:
    """Return what tells one error from another: its class and all that it says."""
    return type(error), str(error)


def test_a_new_database_is_empty(tmp_path: Path) -> None:
    """The head of no events, no last event, nothing known of any append."""
    engine = Engine(tmp_path, readonly=False, create=True)
    with engine.reading() as txn:
        assert engine.run_in(txn, append_id("a")) is None
    assert (EMPTY_HEAD, (EMPTY_HEAD, None)) == (engine.head(), engine.tail())
    engine.close()


def test_the_tail_is_the_head_and_the_last_event(engine: Engine) -> None:
    """Seen in one transaction; the same link twice in a sound log."""
    head = engine.head()
    assert (head, (2, head.link)) == engine.tail()


def test_the_tail_shows_an_event_past_the_head(folder: Path) -> None:
    """What is stored last is told as it is, whatever the head says."""
    raw(folder, key(7), bytes(range(32)) + b"body", b"events")
    engine = Engine(folder, readonly=True)
    assert (7, bytes(range(32))) == engine.tail()[1]
    engine.close()


def test_an_append_is_known_by_its_run(engine: Engine) -> None:
    """First seq and count."""
    with engine.reading() as txn:
        assert AppendRun(1, 2) == engine.run_in(txn, append_id("b"))


def test_an_index_entry_of_another_size_is_damage(folder: Path) -> None:
    """12 bytes or nothing is known of the append."""
    raw(folder, append_id("b"), b"abc", b"appends")
    engine = Engine(folder, readonly=True)
    with engine.reading() as txn, pytest.raises(DamagedError) as damage:
        engine.run_in(txn, append_id("b"))
    assert told(DamagedError(0, "append index", expected="12 bytes", found="3 bytes")) == told(damage.value)
    assert 0 == damage.value.seq
    engine.close()


def test_what_is_there_already_is_never_overwritten(engine: Engine) -> None:
    """An event at a seq that is taken, or an append id that is: refused, and nothing of the append is there."""
    before, head = engine.chunk(0, 3), engine.head()
    for name, after in (("c", Head(1, head.link)), ("b", head)):
        with pytest.raises(StorageError) as refusal:
            engine.update(step(engine, [connection_tested(9)], name, after))
        want = StorageError(engine.path, "an event or an append id that is there already", landed=False)
        assert (told(want), False) == (told(refusal.value), refusal.value.landed)
    assert (before, (engine.head(), (2, before[-1].link))) == (engine.chunk(0, 3), engine.tail())


def test_a_hole_is_not_filled(folder: Path) -> None:
    """An event goes after the last one there is, or it does not go in."""
    raw(folder, key(1), None, b"events")
    engine = Engine(folder, readonly=False)
    with pytest.raises(StorageError):
        engine.update(step(engine, [connection_tested(9)], "c", Head(1, engine.head().link)))
    assert engine.link_at(1) is None
    engine.close()


@pytest.mark.parametrize(
    ("seq", "value", "error"),
    [
        (1, None, DamagedError(1, "missing event", expected="seq 1", found="seq 2")),
        (2, None, DamagedError(2, "missing event", expected="seq 2", found="the end")),
        (1, b"short", DamagedError(1, "record", expected="at least 32 bytes", found="5 bytes")),
        (1, bytes(31), DamagedError(1, "record", expected="at least 32 bytes", found="31 bytes")),
    ],
)
def test_a_record_that_is_not_there_is_told_whole(
    folder: Path, seq: int, value: bytes | None, error: DamagedError
) -> None:
    """Missing from the middle, missing at the end, too short for a link."""
    raw(folder, key(seq), value, b"events")
    engine = Engine(folder, readonly=True)
    with pytest.raises(DamagedError) as damage:
        engine.chunk(0, 3)
    assert told(error) == told(damage.value)
    assert seq == damage.value.seq
    engine.close()


def test_nothing_from_the_start_on_is_the_end(engine: Engine) -> None:
    """A range that begins past the last event."""
    with pytest.raises(DamagedError) as damage:
        engine.chunk(3, 4)
    assert told(DamagedError(3, "missing event", expected="seq 3", found="the end")) == told(damage.value)


@pytest.mark.parametrize(("spare_bytes", "records"), [(-1, 2), (0, 2), (1, 3)])
def test_a_chunk_ends_with_the_record_that_fills_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, spare_bytes: int, records: int
) -> None:
    """Links and bodies count, from the first record of the chunk on."""
    two = sum(32 + len(record.body) for record in engine.chunk(0, 2))
    monkeypatch.setattr(ledger.store.engine, "CHUNK_BYTES", two + spare_bytes)
    assert list(range(records)) == [record.seq for record in engine.chunk(0, 3)]


def test_values_are_the_records_as_stored(engine: Engine) -> None:
    """Link and body joined, from any event to any other."""
    for start, stop in ((0, 3), (1, 3), (1, 2)):
        assert [record.link + record.body for record in engine.chunk(start, stop)] == engine.values(start, stop)


@pytest.mark.parametrize("stray", [key(0) + b"\0", key(1) + b"\0", key(5)], ids=["before", "behind", "at the end"])
def test_a_stray_key_hides_no_event_that_is_missing(folder: Path, stray: bytes) -> None:
    """Whoever reads is told, by the keys or by the seq that the event under the stray one says."""
    body = encode_body(Envelope(5, 1, b"a" * 16, b"j" * 16, None, "s", "t", Raw(b"\x80")))
    raw(folder, stray, bytes(32) + body, b"events")
    raw(folder, key(1), None, b"events")
    engine = Engine(folder, readonly=True)
    with pytest.raises(DamagedError) as damage:
        decode_envelopes([record.body for record in engine.chunk(0, 3)], start=0)
    assert 1 == damage.value.seq
    engine.close()


def test_a_record_of_a_link_alone_is_read(folder: Path) -> None:
    """32 bytes are enough to read; that no body belongs there is for the chain to say."""
    raw(folder, key(1), bytes(32), b"events")
    engine = Engine(folder, readonly=True)
    assert Record(1, bytes(32), b"") == engine.chunk(1, 2)[0]  # type: ignore[arg-type]  # a link of zeroes
    engine.close()


def test_a_body_that_is_not_there_is_damage(engine: Engine) -> None:
    """Asked for inside a transaction."""
    with engine.reading() as txn, pytest.raises(DamagedError) as damage:
        engine.body_in(txn, 3)
    assert told(DamagedError(3, "missing event", expected="seq 3", found="none")) == told(damage.value)


@pytest.mark.parametrize(
    ("value", "found"), [(None, "none"), (b"", "0 bytes"), (bytes(39), "39 bytes"), (bytes(41), "41 bytes")]
)
def test_a_stored_head_of_another_size_is_damage(folder: Path, value: bytes | None, found: str) -> None:
    """40 bytes or nothing is known."""
    raw(folder, b"head", value)
    engine = Engine(folder, readonly=True)
    with pytest.raises(DamagedError) as damage:
        engine.head()
    assert told(DamagedError(0, "stored head", expected="40 bytes", found=found)) == told(damage.value)
    engine.close()


def test_a_database_of_something_else_is_no_ledger(tmp_path: Path) -> None:
    """It has none of our databases, and is told as what it is."""
    with lmdb.open(str(tmp_path)) as env, env.begin(write=True) as txn:
        txn.put(b"a", b"b")
    with pytest.raises(NotALedgerError) as refusal:
        Engine(tmp_path, readonly=True)
    want = NotALedgerError(tmp_path / "data.mdb", "an LMDB file of something else")
    assert told(want) == told(refusal.value)


@pytest.mark.parametrize("failing", ["open", "_check_format"])
def test_a_database_that_does_not_open_is_told_in_our_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Whether LMDB refuses the environment or fails at the first look into it."""
    error = lmdb.Error("mdb_env_open: Structure needs cleaning")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(*((lmdb, "open") if failing == "open" else (Engine, failing)), fail)
    with pytest.raises(StorageError) as refusal:
        Engine(folder, readonly=True)
    assert (told(StorageError(folder / "data.mdb", str(error))), error) == (
        told(refusal.value),
        refusal.value.__cause__,
    )


@pytest.mark.parametrize(
    ("readonly", "writable", "options"),
    [
        (False, True, {"create": False, "map_size": 64 * MIB}),
        (True, True, {"create": False, "map_size": 0, "readonly": True, "lock": True}),
        (True, False, {"create": False, "map_size": 0, "readonly": True, "lock": False}),
    ],
)
def test_the_environment_is_opened_as_the_format_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, readonly: bool, writable: bool, options: dict[str, object]
) -> None:
    """Durable defaults, files of this user alone, 512 readers; no lock where none can be made."""
    opened: list[tuple[str, dict[str, object]]] = []

    def spy(path: str, **given: object) -> object:
        opened.append((path, given))
        return really(path, **given)

    really = lmdb.open
    monkeypatch.setattr(lmdb, "open", spy)
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) == (folder, os.W_OK) and writable)
    Engine(folder, readonly=readonly).close()
    assert [(str(folder), {"max_dbs": 2, "mode": 0o600, "max_readers": 512, **options})] == opened


@pytest.mark.parametrize("found", [None, b"", b"b3-ledger", b"b3-ledger x", b"b3-ledger 1 2", b"other 2", b"2"])
def test_another_format_is_no_ledger(folder: Path, found: bytes | None) -> None:
    """Its name is told as it is."""
    raw(folder, b"format", found)
    with pytest.raises(NotALedgerError) as refusal:
        Engine(folder, readonly=True)
    assert told(NotALedgerError(folder / "data.mdb", f"a database of format {found!r}")) == told(refusal.value)


def test_a_newer_format_is_told_whole(folder: Path) -> None:
    """Which it is, and which is known."""
    raw(folder, b"format", b"b3-ledger 12")
    with pytest.raises(NewerFormatError) as refusal:
        Engine(folder, readonly=False)
    assert told(NewerFormatError(folder / "data.mdb", found="b3-ledger 12", known="b3-ledger 1")) == told(refusal.value)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (lmdb.DiskError("x"), DiskFullError, None),
        (lmdb.Error("mdb_txn_commit: No space left on device"), DiskFullError, None),
        (lmdb.Error("mdb_txn_commit: Disk quota exceeded"), DiskFullError, None),
        (lmdb.Error("mdb_env_open: Permission denied"), UnreadableError, "Permission denied"),
        (lmdb.InvalidError("x"), NotALedgerError, "no LMDB file"),
        (lmdb.VersionMismatchError("x"), NotALedgerError, "no LMDB file"),
        (lmdb.Error("mdb_txn_commit: Input/output error"), StorageError, "mdb_txn_commit: Input/output error"),
    ],
)
def test_the_databases_errors_come_in_our_words(
    engine: Engine, error: lmdb.Error, kind: type[LedgerError], reason: str | None
) -> None:
    """While reading and while writing alike, the original as the cause."""
    want = kind(engine.path) if reason is None else kind(engine.path, reason)

    def fail(_txn: object) -> None:
        raise error

    for use in (engine.update, partial(_read, engine)):
        with pytest.raises(LedgerError) as translated:
            use(fail)
        assert (told(want), error) == (told(translated.value), translated.value.__cause__)


@pytest.mark.parametrize(("free_bytes", "kind"), [(65_535, DiskFullError), (65_536, StorageError)])
def test_a_write_cut_short_on_a_disk_without_space_is_a_full_disk(
    engine: Engine, free_bytes: int, kind: type[LedgerError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LMDB calls it an input/output error; the free space decides."""
    text = "mdb_txn_commit: Input/output error"
    want = DiskFullError(engine.path) if kind is DiskFullError else StorageError(engine.path, text)
    disk = SimpleNamespace(f_bavail=free_bytes, f_frsize=1)
    monkeypatch.setattr(ledger.store.engine.os, "statvfs", {engine.folder: disk}.__getitem__)

    def fail(_txn: object) -> None:
        raise lmdb.Error(text)

    with pytest.raises(kind) as failure:
        engine.update(fail)
    assert told(want) == told(failure.value)


def _read(engine: Engine, look: Callable[[object], None]) -> None:
    with engine.reading() as txn:
        look(txn)


@pytest.mark.parametrize(
    ("size", "step", "grown"), [(8 * MIB, MIB, 10 * MIB), (8 * MIB, 3 * MIB, 11 * MIB), (8 * MIB, 16 * MIB, 16 * MIB)]
)
def test_a_map_doubles_until_a_step_then_grows_by_a_quarter(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: int, step: int, grown: int
) -> None:
    """By its own size, at most a step; where a quarter is more than a step, by a quarter."""
    monkeypatch.setattr(ledger.store.engine, "FIRST_MAP_BYTES", size)
    monkeypatch.setattr(ledger.store.engine, "MAP_STEP_BYTES", step)
    engine = Engine(folder, readonly=False)
    full = iter([True])

    def step(_txn: object) -> None:
        if next(full, False):
            raise lmdb.MapFullError("mdb_put")

    engine.update(step)
    assert grown == engine._env.info()["map_size"]
    engine.close()


def test_a_file_is_opened_with_room_for_as_much_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The map is twice the file where that is more than the first size."""
    monkeypatch.setattr(ledger.store.engine, "FIRST_MAP_BYTES", 4096)
    engine = Engine(folder, readonly=False)
    assert 2 * (folder / "data.mdb").stat().st_size == engine._env.info()["map_size"]
    engine.close()


def test_a_writer_adopts_a_map_that_another_process_grew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next append is the first that it hears of it."""
    monkeypatch.setattr(ledger.store.engine, "FIRST_MAP_BYTES", MIB)
    waiting, going = os.pipe()
    other = Victim(partial(_grow_when_told, folder, waiting))
    engine = Engine(folder, readonly=False)
    os.write(going, b"go")
    assert (b"", 0) == other.end()
    before: list[Head] = []

    def append(txn: object) -> None:
        before[:] = [engine.head_in(txn)]
        step(engine, [connection_tested(99)], "mine", before[0])(txn)

    engine.update(append)
    want = chain_records([connection_tested(99)], head=before[0], recorded_at=1, append_id=append_id("mine"))
    assert (13, want) == (want[0].seq, engine.chunk(13, 14))
    engine.close()
    os.close(waiting)
    os.close(going)


def _grow_when_told(folder: Path, waiting: int, _said: int) -> None:
    os.read(waiting, 2)
    engine = Engine(folder, readonly=False)
    put(engine, [connection_tested(number, note="x" * 500_000) for number in range(10)], "theirs")
    engine.close()


def test_a_copy_is_the_same_log(engine: Engine, tmp_path: Path) -> None:
    """Every record and the head."""
    target = tmp_path / "copy"
    target.mkdir()
    engine.copy(target)
    copied = Engine(target, readonly=True)
    assert (engine.head(), engine.chunk(0, 3)) == (copied.head(), copied.chunk(0, 3))
    copied.close()


def test_a_copy_that_cannot_be_made_is_an_error_of_ours(engine: Engine, tmp_path: Path) -> None:
    """Nowhere to write it."""
    with pytest.raises(StorageError) as refusal:
        engine.copy(tmp_path / "nowhere")
    assert engine.path == refusal.value.path
    assert "No such file" in refusal.value.reason
