"""How a ledger stands to a backup, what of it the backup lacks, and how a person is told."""

import os
import signal
from mmap import mmap
from pathlib import Path

import lmdb
import pytest

from ledger.audit.verify import VerifyReport, VerifyVerdict, verify_folder
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.restore_plan import (
    COUNTED,
    Action,
    Lacking,
    LedgerComparison,
    Relation,
    compare_ledger,
    count_lacking,
    readable,
)
from ledger.chain import EMPTY_HEAD, Head, Record
from ledger.codec import encode_draft
from ledger.log_source import Witness
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome
from tests.ledger.reading import refuse_writing
from tests.ledger.restoring import SIZE, fill
from tests.ledger.tampering import edit, key, stored
from tests.support.drafts import connection_tested

MORE = 4


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        (Lacking(0, None), "no readable event that the backup lacks"),
        (Lacking(1, 7), "1 readable event from seq 7 on that the backup lacks"),
        (Lacking(2, 7), "2 readable events from seq 7 on that the backup lacks"),
        (Lacking(2, 7, at_least=True), "at least 2 readable events from seq 7 on that the backup lacks"),
    ],
)
def test_what_the_backup_lacks_is_told_in_numbers(lacking: Lacking, words: str) -> None:
    """How many, and from where."""
    assert words == lacking.describe()


@pytest.mark.parametrize(
    ("relation", "verdict", "lacking", "words"),
    [
        ("contains", "intact", 2, "an intact ledger in ledger-3 with 2 readable events from seq 5 on that the backup"),
        ("forked", "intact", 1, "a forked ledger in ledger-3 with 1 readable event from seq 5 on that the backup"),
        ("damaged", "tampered", 0, "a damaged (tampered) ledger in ledger-3 with no readable event that the backup"),
        ("damaged", "unreadable", None, "a damaged (unreadable) ledger in ledger-3 that cannot be read"),
    ],
)  # fmt: skip
def test_what_would_be_replaced_is_told(
    relation: Relation, verdict: VerifyVerdict, lacking: int | None, words: str
) -> None:
    """Its state, its folder, and what would be lost from sight."""
    found = None if lacking is None else Lacking(lacking, 5)
    folder = Path("somewhere", "ledger-3")
    said = LedgerComparison(relation=relation, folder=folder, verdict=verdict, lacking=found).describe()
    assert words == said.removesuffix(" lacks")


def test_a_ledger_that_begins_otherwise_is_another_one() -> None:
    """It was never forked from this one."""
    one = LedgerComparison(relation="forked", folder=Path("ledger-3"), verdict="intact", lacking=Lacking(2, 0))
    assert "another ledger in ledger-3 with 2 readable events from seq 0 on that the backup lacks" == one.describe()


@pytest.mark.parametrize(
    ("relation", "lacking", "going_on", "going_back"),
    [
        ("absent", None, "restore", "restore"),
        ("prefix", Lacking(0, None), "restore", "restore"),
        ("contains", Lacking(0, None), "keep", "keep"),
        ("contains", Lacking(1, 5), "keep", "ask"),
        ("contains", None, "keep", "keep"),
        ("forked", Lacking(1, 5), "ask", "ask"),
        ("damaged", Lacking(0, None), "ask", "ask"),
        ("damaged", None, "ask", "ask"),
    ],
)
def test_only_what_loses_events_is_asked_about(
    relation: Relation, lacking: Lacking | None, going_on: Action, going_back: Action
) -> None:
    """Without `--rollback` and with it."""
    comparison = LedgerComparison(relation=relation, lacking=lacking)
    assert (going_on, going_back) == (comparison.action(rollback=False), comparison.action(rollback=True))


def delete(home: LedgerHome, *gone: int) -> None:
    """Take the events at the seqs `gone` out of the ledger under `home`."""
    edit(home, lambda txn, events: [txn.delete(key(seq), db=events) for seq in gone])


def replace(home: LedgerHome, values: dict[int, bytes]) -> None:
    """Store `values` at their seqs."""
    edit(home, lambda txn, events: [txn.put(key(seq), value, db=events) for seq, value in values.items()])


def seqs(home: LedgerHome) -> list[int]:
    """Return the seqs of what can be read."""
    engine = Engine(home.root / "ledger-1", readonly=True)
    try:
        return [record.seq for record in readable(engine)]
    finally:
        engine.close()


@pytest.mark.damages("events are gone", always=False)
@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ((), range(SIZE)),
        ((0,), range(1, SIZE)),
        ((0, 1), range(2, SIZE)),
        ((2,), (0, 1, 3, 4, 5)),
        ((1, 2, 4), (0, 3, 5)),
        ((SIZE - 1,), range(SIZE - 1)),
        (range(SIZE), ()),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 1024 * 1024])
def test_holes_are_passed_over(
    gone: range, left: range, chunk_bytes: int, empty: LedgerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start, together, at the end, all of it; however much is read at a time."""
    monkeypatch.setattr("ledger.store.engine.CHUNK_BYTES", chunk_bytes)
    fill(empty, SIZE)
    delete(empty, *gone)
    assert list(left) == seqs(empty)


@pytest.mark.damages("events are gone", always=False)
@pytest.mark.parametrize(
    ("gone", "asked"),
    [
        ((), [(0, SIZE)]),
        ((2,), [(0, SIZE), (0, 2), (3, SIZE)]),
        ((0, SIZE - 1), [(0, SIZE - 1), (1, SIZE - 1)]),
        (range(SIZE), []),
    ],
)
def test_no_more_is_asked_for_than_is_there(
    gone: range, asked: list[tuple[int, int]], empty: LedgerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the last event that is there, a hole's two sides apart."""
    fill(empty, SIZE)
    delete(empty, *gone)
    calls: list[tuple[int, int]] = []
    real = Engine.chunk

    def chunk(engine: Engine, start: int, stop: int) -> list[Record]:
        calls.append((start, stop))
        return real(engine, start, stop)

    monkeypatch.setattr(Engine, "chunk", chunk)
    seqs(empty)
    assert asked == calls


def test_of_a_prefix_nothing_is_counted(empty: LedgerHome, backup: ArchiveLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the archive holds all of it is known by its head."""
    fill(empty, 3)
    monkeypatch.delattr("ledger.backup.restore_plan.count_lacking")
    assert Lacking(0, None) == compare_ledger(empty, backup).lacking


def test_where_there_is_no_ledger_it_is_absent(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Nothing was looked at."""
    assert LedgerComparison(relation="absent") == compare_ledger(empty, backup)


@pytest.mark.parametrize(
    ("events", "relation", "lacking"),
    [
        ((3, 0), "prefix", Lacking(0, None)),
        ((SIZE, 0), "contains", Lacking(0, None)),
        ((SIZE, MORE), "contains", Lacking(MORE, SIZE)),
        ((3, 1), "forked", Lacking(1, 3)),
        ((3, SIZE), "forked", Lacking(SIZE, 3)),
    ],
)
def test_an_intact_ledger_stands_as_its_events_do(
    events: tuple[int, int], relation: Relation, lacking: Lacking, empty: LedgerHome, backup: ArchiveLog
) -> None:
    """So many in common, so many of its own."""
    ours, more = events
    fill(empty, ours, more=more)
    head = stored_head(empty)
    want = LedgerComparison(
        relation=relation, folder=empty.root / "ledger-1", head=head, verdict="intact", lacking=lacking
    )
    assert want == compare_ledger(empty, backup)


@pytest.mark.parametrize("more", [0, MORE])
def test_looking_opens_no_ledger_for_writing(
    more: int, empty: LedgerHome, backup: ArchiveLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And comes to the same."""
    fill(empty, SIZE, more=more)
    want = compare_ledger(empty, backup)
    refuse_writing(monkeypatch, "ledger.backup.restore_plan")
    assert want == compare_ledger(empty, backup)


def stored_head(home: LedgerHome) -> Head:
    """Return the head that the database of `home` holds."""
    engine = Engine(home.root / "ledger-1", readonly=True)
    try:
        return engine.head()
    finally:
        engine.close()


def test_a_ledger_that_no_current_names_is_looked_at(empty: LedgerHome, backup: ArchiveLog) -> None:
    """The newest folder; that its name is lost is told."""
    fill(empty, SIZE)
    (empty.root / "ledger-1").rename(empty.root / "ledger-2")
    (empty.root / "ledger-1").mkdir()
    (empty.root / "CURRENT").unlink()
    comparison = compare_ledger(empty, backup)
    assert ("contains", empty.root / "ledger-2", True) == (comparison.relation, comparison.folder, comparison.lost)


@pytest.mark.damages("the folder that CURRENT names is gone")
def test_a_current_that_names_nothing_and_no_folder_is_no_ledger(empty: LedgerHome, backup: ArchiveLog) -> None:
    """There is nothing that could be replaced."""
    empty.root.mkdir()
    (empty.root / "CURRENT").write_text("ledger-7\n", "ascii")
    assert LedgerComparison(relation="absent") == compare_ledger(empty, backup)


def test_a_ledger_whose_index_of_appends_is_damaged_is_damaged(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Its events hold, its structure does not: a restore is a way to mend it."""
    fill(empty, SIZE)
    with lmdb.open(str(empty.root / "ledger-1"), max_dbs=3) as env, env.begin(write=True) as txn:
        txn.drop(env.open_db(b"appends", txn=txn), delete=False)
    comparison = compare_ledger(empty, backup)
    assert ("damaged", "tampered", Lacking(0, None)) == (comparison.relation, comparison.verdict, comparison.lacking)


def test_verification_hears_of_witnesses_and_of_who_holds_the_lock(
    empty: LedgerHome, backup: ArchiveLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody does unless that is said."""
    fill(empty, SIZE)
    heard: list[object] = []

    def verify(folder: Path, **options: object) -> VerifyReport:
        heard.append(options)
        return verify_folder(folder)

    monkeypatch.setattr("ledger.backup.restore_plan.verify_folder", verify)
    compare_ledger(empty, backup)
    witness = Witness("a test", EMPTY_HEAD)
    compare_ledger(empty, backup, witnesses=[witness], alone=True)
    assert [
        {"witnesses": (), "structure": True, "alone": False},
        {"witnesses": [witness], "structure": True, "alone": True},
    ] == heard


@pytest.mark.damages("zeros stand where an event was")
def test_what_is_no_event_is_not_missed(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Bytes in an event's place that neither chain nor decode are lost already."""
    fill(empty, SIZE, more=2)
    replace(empty, {2: bytes(40), SIZE: bytes(40)})
    comparison = compare_ledger(empty, backup)
    assert ("damaged", "tampered", Lacking(1, SIZE + 1)) == (
        comparison.relation,
        comparison.verdict,
        comparison.lacking,
    )


@pytest.mark.damages("other events stand where some were")
def test_another_event_in_the_place_of_one_is_missed(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Link and body are compared with those of the same seq; what says another seq than its place is no event there."""
    fill(empty, SIZE)
    replace(empty, {2: stored(empty)[1], 3: bytes(32) + other_body(3), 4: stored(empty)[4][:32] + other_body(4)})
    assert Lacking(1, 3) == compare_ledger(empty, backup).lacking


def other_body(seq: int) -> bytes:
    """Return the body of an event at `seq` that is not the archive's."""
    draft = connection_tested(100)
    return encode_draft(draft, seq=seq, recorded_at=1, append_id=bytes(16))


@pytest.mark.damages("an event is gone")
def test_events_on_both_sides_of_a_hole_are_compared_with_their_own(empty: LedgerHome, backup: ArchiveLog) -> None:
    """The archive's events in the hole are passed over."""
    fill(empty, SIZE, more=1)
    delete(empty, 1, 2)
    comparison = compare_ledger(empty, backup)
    assert ("damaged", Lacking(1, SIZE)) == (comparison.relation, comparison.lacking)


@pytest.mark.parametrize(
    ("counted", "lacking"),
    [((0, 0), None), ((1, 4), Lacking(1, 4, at_least=True)), ((9, 2), Lacking(9, 2, at_least=True))],
)
def test_what_was_counted_before_the_engine_died_still_counts(
    counted: tuple[int, int], lacking: Lacking | None, empty: LedgerHome, backup: ArchiveLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """At least so many; nothing at all is told as a ledger that cannot be read."""
    fill(empty, SIZE)

    def die(_folder: Path, _archive: ArchiveLog, shared: mmap) -> Lacking:
        COUNTED.pack_into(shared, 0, *counted)
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError

    monkeypatch.setattr("ledger.backup.restore_plan.count_lacking", die)
    assert lacking == compare_ledger(empty, backup).lacking


def test_events_are_counted_as_they_are_found(empty: LedgerHome, backup: ArchiveLog) -> None:
    """In memory that outlives the process that counts."""
    fill(empty, SIZE, more=2)
    with mmap(-1, COUNTED.size) as shared:
        assert Lacking(2, SIZE) == count_lacking(empty.root / "ledger-1", backup, shared)
        assert (2, SIZE) == COUNTED.unpack_from(shared)


@pytest.mark.damages("the database is something else's")
def test_a_database_of_something_else_has_no_head(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Nor anything that could be missed."""
    fill(empty, SIZE)
    (empty.root / "ledger-1" / "data.mdb").write_bytes(b"foreign")
    want = LedgerComparison(relation="damaged", folder=empty.root / "ledger-1", verdict="unreadable", lost=False)
    assert want == compare_ledger(empty, backup)
