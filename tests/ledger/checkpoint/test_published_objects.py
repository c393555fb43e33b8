"""Checkpoints and tiles at a URL: each object once, one history whoever races, and a crash anywhere is finished."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.checkpoint import published_objects
from ledger.checkpoint.errors import NotAnExtensionError, NoteError, OtherOriginError, SignedElsewhereError
from ledger.checkpoint.holding import hold_tiles
from ledger.checkpoint.note import new_key, open_note, split_note
from ledger.checkpoint.published_objects import PublishedObjects, StagedObjects
from ledger.checkpoint.published_tree import CHECKPOINT
from ledger.checkpoint.statement import Statement, parse_statement
from ledger.checkpoint.tiles import tiles_of
from ledger.objects.errors import ObjectDiffersError
from ledger.objects.place import ObjectPlace
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.checkpoint.places import KEY, more, recorded, root_of, sign
from tests.ledger.checkpoint.power_cuts import cut_at
from tests.support.drafts import StepClock

pytest.importorskip("obstore")


NOW_US = 1_780_000_000_000_000


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    """The folder that the place is in."""
    return tmp_path / "nas"


@pytest.fixture
def tree(nas: Path) -> PublishedObjects:
    """An empty place."""
    return PublishedObjects(ObjectPlace(f"file://{nas}", create=True))


@pytest.fixture
def clone(home: LedgerHome, tmp_path: Path) -> Iterator[Callable[[], EventLog]]:
    """A function that gives the ledger on another machine, as a copy of the disk has it now."""
    opened = list[EventLog]()

    def made() -> EventLog:
        there = tmp_path / f"clone-{len(opened)}"
        shutil.copytree(home.root, there)
        opened.append(EventLog(LedgerHome(there), now=StepClock(NOW_US + len(opened)), lock_timeout_s=5))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def names(nas: Path) -> set[str]:
    """Return the names of all objects."""
    return {str(path.relative_to(nas)) for path in nas.rglob("*") if path.is_file()}


def stated(tree: PublishedObjects) -> list[Statement]:
    """Return what every checkpoint at the place states, each signature checked, by size."""
    kept = [one.name for one in tree.place.objects("checkpoints") if one.name.rpartition("/")[2].isdigit()]
    notes = [tree.read(name) or b"" for name in (*kept, CHECKPOINT)]
    found = [parse_statement(open_note(note, KEY.verifier())) for note in notes if note]
    return sorted(found, key=lambda one: one.size)


def consistent(log: EventLog, tree: PublishedObjects) -> None:
    """Hold every signature there is, published or recorded, against the log, and the newest one's tiles."""
    fresh = PublishedObjects(tree.place)
    for one in [*stated(fresh), *recorded(log)]:
        assert root_of(log, one.size) == one.root
    for one in stated(fresh):
        assert "intact" == hold_tiles(one, fresh).verdict


def test_what_is_there(log: EventLog, tree: PublishedObjects, nas: Path) -> None:
    """Tiles, the checkpoint by its size and by name, who claimed it; again adds nothing; later adds what is new."""
    more(log, 300)
    first = sign(log, tree)
    wanted = {tile.path for tile in tiles_of(301)} | {"checkpoint", "checkpoints/301", "checkpoints/0.next"}
    assert (wanted, len(wanted) - 3) == (names(nas), first.new_files)
    assert first.note == (nas / "checkpoint").read_bytes() == (nas / "checkpoints/301").read_bytes()
    before = {name: (nas / name).stat() for name in names(nas)}
    assert sign(log, PublishedObjects(tree.place)).repeated
    assert before == {name: (nas / name).stat() for name in names(nas)}
    more(log, 300)
    second = sign(log, PublishedObjects(tree.place))
    del before["checkpoint"]
    assert before == {name: (nas / name).stat() for name in before}
    assert wanted | {tile.path for tile in tiles_of(602)} | {"checkpoints/602", "checkpoints/301.next"} == names(nas)
    assert second.note == (nas / "checkpoint").read_bytes()
    assert f"file://{nas}/checkpoints/602" == tree.checkpoint_at(second.statement)
    consistent(log, tree)


def test_a_place_of_another_origin_is_refused(log: EventLog, tree: PublishedObjects, nas: Path) -> None:
    """And nothing is added there."""
    sign(log, tree)
    other = Statement(f"b3-ledger/{'0' * 32}", 5, bytes(32))
    (nas / "checkpoints/5").write_bytes(KEY.sign(other.text()))
    before = names(nas)
    with pytest.raises(
        OtherOriginError, match=r"got checkpoints of b3-ledger/0+ at file://.*, want those of b3-ledger"
    ):
        sign(log, tree)
    assert before == names(nas)


@pytest.mark.parametrize("name", ["checkpoint", "checkpoints/301"])
def test_a_changed_checkpoint_is_refused(log: EventLog, tree: PublishedObjects, nas: Path, name: str) -> None:
    """Under either name: a signature that fails, and a good one over another tree."""
    more(log, 300)
    first = sign(log, tree)
    more(log, 3)
    (nas / name).write_bytes(first.note.replace(b"\n301\n", b"\n300\n"))
    with pytest.raises(NoteError, match="a signature over other bytes"):
        sign(log, tree)
    forged = Statement(first.statement.origin, 301, bytes(32))
    (nas / name).write_bytes(KEY.sign(forged.text()))
    with pytest.raises(NotAnExtensionError):
        sign(log, tree)


def test_a_log_that_is_not_what_was_published(
    log: EventLog, tree: PublishedObjects, clone: Callable[[], EventLog]
) -> None:
    """Another history of the same ledger is refused by the first event that differs; a shorter one by its end."""
    more(log, 300)
    shorter, other = clone(), clone()
    more(log, 10)
    more(log, 7)
    sign(log, tree)
    with pytest.raises(NotAnExtensionError, match="got the end at seq 301"):
        sign(shorter, PublishedObjects(tree.place))
    more(other, 10)
    more(other, 30)
    with pytest.raises(NotAnExtensionError, match="got another event at seq 301, want the log of 318 events"):
        sign(other, PublishedObjects(tree.place))


def test_a_tile_with_other_bytes_is_never_replaced(log: EventLog, tree: PublishedObjects, nas: Path) -> None:
    """Put there before ours, or cut since: nothing is signed."""
    more(log, 300)
    planted = nas / "tile/entries/001.p/45"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(bytes(45 * 74))
    with pytest.raises(ObjectDiffersError, match=r"tile/entries/001.p/45, want those of the ledger"):
        sign(log, tree)
    assert bytes(45 * 74) == planted.read_bytes()
    assert [] == stated(tree)
    planted.unlink()
    sign(log, tree)
    more(log, 300)
    full = nas / "tile/0/000"
    full.write_bytes(full.read_bytes()[:-1])
    with pytest.raises(ObjectDiffersError, match=r"tile/0/000, want"):
        sign(log, PublishedObjects(tree.place))
    assert 301 == stated(tree)[-1].size


def test_two_machines_at_once_sign_one_history(
    log: EventLog, tree: PublishedObjects, clone: Callable[[], EventLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked, and saw the same: the claim lets one sign; the other is told, and then what differs."""
    sign(log, tree)
    one, other = clone(), clone()
    more(one, 10)
    more(other, 70)
    real = PublishedObjects.claim

    def late(self: PublishedObjects, size: int, statement: Statement) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(PublishedObjects, "claim", real)
            sign(one, PublishedObjects(tree.place))
        real(self, size, statement)

    monkeypatch.setattr(PublishedObjects, "claim", late)
    with pytest.raises(SignedElsewhereError, match="got another checkpoint under way"):
        sign(other, PublishedObjects(tree.place))
    monkeypatch.setattr(PublishedObjects, "claim", real)
    consistent(one, tree)
    with pytest.raises(NotAnExtensionError, match="got another event at seq"):
        sign(other, PublishedObjects(tree.place))


STEPS = [
    (StagedObjects, "add"),
    (StagedObjects, "publish"),
    (ObjectPlace, "put"),
    (PublishedObjects, "claim"),
    (PublishedObjects, "put_checkpoint"),
    (EventLog, "append"),
    (PublishedObjects, "point_to"),
]


@pytest.mark.parametrize("grown", [False, True], ids=["same", "grown"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "method"), STEPS, ids=[one[1] for one in STEPS])
def test_a_crash_at_each_step(  # noqa: PLR0913 - each a fixture or an axis of the table
    log: EventLog,
    tree: PublishedObjects,
    monkeypatch: pytest.MonkeyPatch,
    *,
    owner: type,
    method: str,
    after: bool,
    grown: bool,
) -> None:
    """Before or after each: what is published has its tiles, the log extends it, and the next call finishes."""
    more(log, 300)
    sign(log, tree)
    more(log, 300)
    with monkeypatch.context() as patch, cut_at(owner, method, after=after):
        patch.setattr(published_objects, "AT_ONCE", 1)
        sign(log, PublishedObjects(tree.place))
    consistent(log, tree)
    if grown:
        more(log, 3)
    last = sign(log, PublishedObjects(tree.place))
    consistent(log, tree)
    assert last.statement == stated(tree)[-1]
    assert {one.size for one in stated(tree)} == {one.size for one in recorded(log)}
    assert last.note == tree.read(CHECKPOINT)


def test_a_forged_claim_stops_signing(log: EventLog, tree: PublishedObjects, nas: Path) -> None:
    """Of another tree, of no more events than the one before, or of no form: exit without a signature."""
    origin = sign(log, tree).statement.origin
    more(log, 3)
    claim = nas / "checkpoints/1.next"
    for text, error in (
        (Statement(origin, 3, bytes(32)).text(), NotAnExtensionError),
        (Statement(origin, 1, bytes(32)).text(), ObjectDiffersError),
        ("anything", NoteError),
    ):
        claim.write_text(text)
        with pytest.raises(error):
            sign(log, PublishedObjects(tree.place))
    assert 1 == stated(tree)[-1].size


def test_more_signatures_join_the_name_alone(log: EventLog, tree: PublishedObjects, nas: Path) -> None:
    """What is kept by size stays; one that was overtaken gets none; a claim of names goes to the newest."""
    signed = sign(log, tree)
    line = new_key("other").sign("other\n").decode().rpartition("\n\n")[2]
    for _ in range(2):
        tree.join(signed.statement, [line])
    assert signed.note + line.encode() == (nas / "checkpoint").read_bytes()
    assert 2 == len(split_note((nas / "checkpoint").read_bytes())[1])
    assert signed.note == (nas / "checkpoints/1").read_bytes()
    assert sign(log, PublishedObjects(tree.place)).repeated
    assert signed.note + line.encode() == (nas / "checkpoint").read_bytes()
    more(log, 3)
    later = sign(log, PublishedObjects(tree.place))
    tree.join(signed.statement, [line])
    tree.point_to(signed.statement, signed.note)
    assert later.note == (nas / "checkpoint").read_bytes()


def test_what_dates_one_lies_beside_it(log: EventLog, tree: PublishedObjects, nas: Path) -> None:
    """Under a name by its content, so that several do; none is replaced."""
    signed = sign(log, tree)
    where = [tree.put_timestamp(signed.statement, answer) for answer in (b"one", b"other", b"one")]
    assert where[0] == where[2] != where[1]
    assert {b"one", b"other"} == {path.read_bytes() for path in nas.glob("checkpoints/*.tsr")}
    assert str(where[0]).startswith(f"file://{nas}/checkpoints/1.")


def test_names_are_durable_up_to_the_place(
    log: EventLog, tree: PublishedObjects, nas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every folder that the store makes is synced, and so is the one that names it."""
    synced = set[Path]()
    monkeypatch.setattr("ledger.objects.place.sync_folder", synced.add)
    sign(log, tree)
    made = {path for path in nas.rglob("*") if path.is_dir()}
    assert made | {nas} == synced
    assert all(os.path.dirname(one) in map(str, synced) for one in made)
