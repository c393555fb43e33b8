"""A ledger folder is built whole, event by event and append by append, or nothing of it stays."""

import errno
import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.counts import ID
from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.restore_build import appends_begun, build_folder, check_built, fill, new_engine
from ledger.chain import Head, Link, Record
from ledger.codec import decode_envelope, decode_envelopes, encode_draft
from ledger.errors import DamagedError, DiskFullError, LedgerError, StorageError, UnwritableError
from ledger.ids import append_id, new_id
from ledger.store.anchor import read_anchor
from ledger.store.engine import FIRST_MAP_BYTES, AppendRun, Engine
from ledger.store.home import LedgerHome
from tests.ledger.restoring import OURS, SIZE
from tests.support.archives import archive, put, small_log
from tests.support.drafts import connection_tested

JOB = new_id(1_770_000_000_000_000)
LAST = connection_tested(99, job_id=JOB)
VALUE_BYTES = [len(record.link) + len(record.body) for record in OURS]
LATEST_US = decode_envelope(SIZE - 1, OURS[-1].body).recorded_at


@pytest.fixture
def ready(empty: LedgerHome) -> LedgerHome:
    """A home that a ledger folder can be built in."""
    empty.root.mkdir()
    return empty


def build(home: LedgerHome, backup: ArchiveLog, *, now_us: int = LATEST_US + 7) -> Path:
    """Build a folder in `home`."""
    return build_folder(home, backup, LAST, now_us=now_us)


@pytest.mark.parametrize(("late_us", "recorded_us"), [(7, 7), (0, 0), (-7, 0)])
def test_the_folder_holds_the_archive_and_one_event_more(
    late_us: int, recorded_us: int, ready: LedgerHome, backup: ArchiveLog
) -> None:
    """No older than the one before it; the index and the anchor know of it, and the folder is private."""
    counts: list[int] = []
    folder = build_folder(ready, backup, LAST, now_us=LATEST_US + late_us, advance=counts.append)
    engine = Engine(folder, readonly=True)
    records = engine.chunk(0, engine.head().size)
    identifier = append_id(f"backup.restored/{JOB.hex()}", job_id=JOB)
    with engine.reading() as txn:
        run = engine.run_in(txn, identifier)
    head = engine.head()
    engine.close()
    last = decode_envelope(SIZE, records[-1].body)
    assert (OURS, Head(SIZE + 1, records[-1].link)) == (records[:-1], head)
    assert (LATEST_US + recorded_us, identifier, JOB) == (last.recorded_at, last.append_id, last.job_id)
    assert (AppendRun(SIZE, 1), head, SIZE) == (run, read_anchor(folder / "head"), sum(counts))
    assert (ready.root / "ledger-1", 0o700) == (folder, stat.S_IMODE(folder.stat().st_mode))
    assert [folder] == list(ready.root.iterdir())


def test_what_a_crash_left_is_built_over(ready: LedgerHome, backup: ArchiveLog) -> None:
    """Under its own name, which no reader looks at; the ledgers that are there stay."""
    (ready.root / "ledger-4").mkdir()
    left = ready.root / "ledger-5.new"
    left.mkdir()
    (left / "half").write_bytes(b"")
    folder = build(ready, backup)
    assert ["ledger-4", "ledger-5"] == sorted(path.name for path in ready.root.iterdir())
    assert {"data.mdb", "lock.mdb", "head"} == {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("failure", "want"),
    [
        (OSError(errno.ENOSPC, "full"), DiskFullError(Path("ledger-1.new"))),
        (OSError(errno.EIO, "broken"), UnwritableError(Path("ledger-1.new"), "broken")),
        (LedgerError("ours"), LedgerError("ours")),
        (KeyboardInterrupt("by hand"), KeyboardInterrupt("by hand")),
    ],
)
@pytest.mark.parametrize("gone", [False, True])
def test_a_failure_leaves_nothing(
    failure: BaseException, want: BaseException, gone: bool, ready: LedgerHome, backup: ArchiveLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """And is told in our words, also when there is nothing left to remove."""

    def settle(building: Path) -> None:
        if gone:
            shutil.rmtree(building)
        raise failure

    monkeypatch.setattr("ledger.backup.restore_build.settle", settle)
    with pytest.raises(type(want)) as refusal:
        build(ready, backup)
    assert str(want) == str(refusal.value).replace(f"{ready.root}{os.sep}", "")
    assert [] == list(ready.root.iterdir())


def test_an_archive_changed_after_it_was_checked_is_not_built(ready: LedgerHome, backup: ArchiveLog) -> None:
    """What was built is re-hashed: nothing was on the way in."""
    body = OURS[3].body[:-1] + b"!"
    bent = [*OURS[:3], Record(OURS[3].seq, OURS[3].link, body), *OURS[4:]]
    put(backup.path, archive(bent))
    with pytest.raises(DamagedError) as damage:
        build(ready, backup)
    assert (3, "link", OURS[3].link.hex()) == (damage.value.seq, damage.value.kind, damage.value.found)
    assert [] == list(ready.root.iterdir())


def filled(folder: Path, source: ArchiveLog) -> Head:
    """Return the head of the database in `folder`, made of `source`."""
    folder.mkdir()
    engine = Engine(folder, readonly=False, create=True)
    try:
        return fill(engine, source)
    finally:
        engine.close()


def test_another_head_than_was_meant_is_damage(tmp_path: Path, backup: ArchiveLog) -> None:
    """Of another log of as many events, or of one event less."""
    head = filled(tmp_path / "built", backup)
    assert backup.head() == head
    check_built(tmp_path / "built", head)
    for other in (Head(SIZE, OURS[2].link), Head(SIZE - 1, head.link)):
        with pytest.raises(DamagedError) as damage:
            check_built(tmp_path / "built", other)
        want = f"got head at seq {other.size - 1}: {head.link.hex()}, want {other.link.hex()}"
        assert want == str(damage.value)


@pytest.mark.parametrize("seq", [0, 3])
def test_a_flaw_of_what_was_built_is_told_at_its_seq(seq: int, tmp_path: Path, backup: ArchiveLog) -> None:
    """With what was expected and what was found."""
    bent = [*OURS[:seq], Record(OURS[seq].seq, Link(bytes(32)), OURS[seq].body), *OURS[seq + 1 :]]
    put(backup.path, archive(bent))
    head = filled(tmp_path / "built", backup)
    with pytest.raises(DamagedError) as damage:
        check_built(tmp_path / "built", head)
    assert f"got link at seq {seq}: {'00' * 32}, want {OURS[seq].link.hex()}" == str(damage.value)


@pytest.mark.parametrize("batch_bytes", [1, sum(VALUE_BYTES[:2]), sum(VALUE_BYTES[:2]) + 1, sum(VALUE_BYTES)])
def test_batches_are_as_many_bytes_as_a_transaction_takes(
    batch_bytes: int, tmp_path: Path, backup: ArchiveLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as there are enough; the rest at the end."""
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", 1)
    monkeypatch.setattr("ledger.backup.restore_build.BATCH_BYTES", batch_bytes)
    real, loaded = Engine.load_in, list[list[int]]()

    def load_in(engine: Engine, txn: Any, values: Sequence[bytes], runs: dict[bytes, AppendRun], *, head: Head) -> None:
        loaded.append([len(value) for value in values])
        real(engine, txn, values, runs, head=head)

    monkeypatch.setattr(Engine, "load_in", load_in)
    filled(tmp_path / "built", backup)
    assert VALUE_BYTES == [value_bytes for batch in loaded for value_bytes in batch]
    assert all(sum(batch[:-1]) < batch_bytes <= sum(batch) for batch in loaded[:-1])
    assert sum(loaded[-1]) < batch_bytes


@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("batch_bytes", [1, 1_000_000])
def test_an_append_id_used_twice_is_named_wherever_its_first_use_lies(
    batch_bytes: int, followed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same transaction or in one that is stored already."""
    monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", batch_bytes)
    monkeypatch.setattr("ledger.backup.restore_build.BATCH_BYTES", batch_bytes)
    log = small_log(1)
    name = b"a" * 16
    for number, identifier in enumerate((name, b"b" * 16, b"c" * 16), 1):
        log.append([connection_tested(number)], append_id=identifier)
    log._appends.clear()  # the log in memory would know it again
    log.append([connection_tested(9), connection_tested(10)], append_id=name)
    if followed:
        log.append([connection_tested(11)], append_id=b"d" * 16)
    source = archive_log(put(tmp_path / "a.db", archive(log.read())))
    with pytest.raises(DamagedError) as damage:
        filled(tmp_path / "built", source)
    assert f"got append id at seq 4: {name.hex()} again, want one not used before" == str(damage.value)


def test_a_database_that_fails_is_told_as_it_fails(
    tmp_path: Path, backup: ArchiveLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no append id explains it."""

    def fail(_engine: Engine, _step: object) -> None:
        raise StorageError(tmp_path, "broken")

    monkeypatch.setattr(Engine, "update", fail)
    with pytest.raises(StorageError, match="broken"):
        filled(tmp_path / "built", backup)


EDGES = [edge + step for edge in (0, 128, 256, 65_536, 2**32) for step in (-2, -1, 0, 1) if edge + step >= 0]


@given(
    st.sampled_from(EDGES),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 2**32 - 1, 2**32, 2**50])), min_size=1, max_size=8),
    st.sampled_from([b"", ID + bytes(16), ID + bytes([1]) * 16]),
)
def test_where_appends_begin_is_what_decoding_says(start: int, events: list[tuple[int, int]], before: bytes) -> None:
    """Whatever the seqs are, at any width of theirs, whoever appended what came before, and whenever it was."""
    draft = connection_tested(1)
    bodies = [
        encode_draft(draft, seq=seq, recorded_at=recorded_at, append_id=bytes([identifier]) * 16)
        for seq, (identifier, recorded_at) in enumerate(events, start)
    ]
    last, want = before, []
    for envelope in decode_envelopes(bodies, start=start):
        if (found := ID + envelope.append_id) != last:
            want.append((envelope.seq, found))
        last = found
    assert want == appends_begun([bytes(32) + body for body in bodies], start, before)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 10, 11, 13, 28])
def test_what_is_no_envelope_is_damage_where_appends_are_told_apart(length: int) -> None:
    """Cut anywhere."""
    body = encode_draft(connection_tested(1), seq=7, recorded_at=2**50, append_id=bytes(16))[:length]
    with pytest.raises(DamagedError, match="got envelope at seq 7"):
        appends_begun([bytes(32) + body], 7, b"")
    with pytest.raises(DamagedError, match="got envelope at seq 7"):
        appends_begun([bytes(32) + body], 7, ID + bytes(16))


def test_a_ledger_is_made_with_room_for_its_archive(tmp_path: Path, backup: ArchiveLog) -> None:
    """As a map that has not to grow on the way."""
    large = ArchiveLog(msgspec.structs.replace(backup.scan, archive_bytes=500_000_000))
    for folder, source, room_bytes in ((tmp_path / "a", backup, FIRST_MAP_BYTES), (tmp_path / "b", large, 750_000_000)):
        folder.mkdir()
        with closing(new_engine(folder, source)) as engine:
            assert room_bytes == engine._env.info()["map_size"]
