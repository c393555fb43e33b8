"""Signs what is on disk and extends what was signed: never two trees of one origin, never one without its tiles."""

from pathlib import Path

import pytest

from ledger.chain import GENESIS
from ledger.checkpoint import published as published_module
from ledger.checkpoint.errors import NotAnExtensionError, NoteError, OtherOriginError, TileError
from ledger.checkpoint.holding import hold_tiles
from ledger.checkpoint.note import new_key
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import CHECKPOINT
from ledger.checkpoint.signing import default_folder
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import tiles_of
from ledger.codec import Draft
from ledger.events import LEDGER_STREAM, CheckpointSigned, HeadAccepted
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from tests.ledger.checkpoint.places import KEY, more, published, recorded, root_of, sign
from tests.ledger.checkpoint.power_cuts import cut_at
from tests.support.drafts import JOB


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where checkpoints are published."""
    return tmp_path / "out"


@pytest.mark.parametrize("events", [0, 1, 254, 255, 256, 299, 600])
def test_the_root_is_the_references(log: EventLog, out: Path, events: int) -> None:
    """Over every event that was there; published, recorded, and its tiles with it."""
    head = more(log, events) if events else log.head()
    signed = sign(log, out)
    assert (head.size, root_of(log, head.size), head.link) == (
        signed.statement.size,
        signed.statement.root,
        signed.link,
    )
    assert signed.statement == published(out)
    (event,) = recorded(log)
    assert (signed.statement.origin, head.size, head.link, signed.statement.root) == (
        event.origin,
        event.size,
        event.link,
        event.root,
    )
    assert (signed.note, KEY.verifier().key_id, head.size) == (event.note.encode(), event.key_id, signed.seq)
    assert {out / one.path for one in tiles_of(head.size)} == {
        one for one in (out / "tile").rglob("*") if one.is_file()
    }
    assert "intact" == hold_tiles(signed.statement, Published(out)).verdict


def test_again_with_nothing_new(log: EventLog, out: Path) -> None:
    """The same checkpoint, no event and no file more; the event of the first is nothing new."""
    more(log, 10)
    first, size = sign(log, out), log.head().size
    again = sign(log, out)
    assert (first.note, first.seq, True, 0) == (again.note, again.seq, again.repeated, again.new_files)
    assert size == log.head().size


def test_another_folder_gets_the_same_checkpoint(log: EventLog, out: Path, tmp_path: Path) -> None:
    """With all its tiles: a second copy, elsewhere."""
    more(log, 300)
    first = sign(log, out)
    assert first.note == sign(log, tmp_path / "elsewhere").note
    assert "intact" == hold_tiles(first.statement, Published(tmp_path / "elsewhere")).verdict


def test_a_later_one_adds_what_is_new(log: EventLog, out: Path) -> None:
    """Full tiles stay as they are; the partial ones of both sizes are there."""
    more(log, 511)
    first = sign(log, out)
    kept = {one: one.stat().st_mtime_ns for one in out.rglob("*") if one.is_file() and one.name != "checkpoint"}
    more(log, 10)
    second = sign(log, out)
    assert (512, 523) == (first.statement.size, second.statement.size)
    assert kept.items() <= {one: one.stat().st_mtime_ns for one in out.rglob("*") if one.is_file()}.items()
    assert ["intact"] * 2 == [hold_tiles(one.statement, Published(out)).verdict for one in (first, second)]


def test_the_default_folder_is_its_origins(log: EventLog) -> None:
    """Below the data folder, so that a restored ledger never publishes over its elder."""
    from ledger.checkpoint.signing import sign_checkpoint

    signed = sign_checkpoint(log, KEY, job_id=JOB, lock_timeout_s=5)
    expected = log.home.root / "checkpoints" / signed.statement.ledger_id.hex()
    assert isinstance(signed.published, Published)
    assert expected == signed.published.folder == default_folder(log.home, signed.statement.origin)


def accept_head(log: EventLog) -> bytes:
    """Append what `accept-head` would, and return its link."""
    event = HeadAccepted(
        reason="test",
        verdict="rolled_back",
        witness="anchor",
        expected_size=9,
        expected_link=bytes(32),
        found_size=0,
        found_link=GENESIS,
    )
    draft = Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)
    return log.append([draft], append_id=append_id(f"accept/{log.head().size}")).head.link


def test_an_accepted_head_begins_an_epoch(log: EventLog, out: Path, tmp_path: Path) -> None:
    """The origin changes with the first event after it; the old folder is refused, and another one is taken."""
    first = sign(log, out)
    link = accept_head(log)
    with pytest.raises(OtherOriginError, match="want those of b3-ledger/"):
        sign(log, out)
    second = sign(log, tmp_path / "second")
    assert f"{first.statement.origin}/{link.hex()[:16]}" == second.statement.origin
    third_link = accept_head(log)
    assert third_link.hex()[:16] == sign(log, tmp_path / "third").statement.origin[-16:]
    assert [1, 3, 5] == [one.size for one in recorded(log)]


def test_a_size_before_the_epoch_has_the_old_origin(log: EventLog, out: Path) -> None:
    """The epoch is that of the events covered, not of the log's end."""
    more(log, 5)
    accept_head(log)
    assert sign(log, out, size=6).statement.origin.count("/") == 1


def test_a_smaller_size_is_signed_and_published_nowhere(log: EventLog, out: Path) -> None:
    """A backup that somebody overtook gets its checkpoint all the same, and what is published stays."""
    more(log, 300)
    large = sign(log, out)
    small = sign(log, out, size=100)
    assert (root_of(log, 100), None, 0) == (small.statement.root, small.published, small.new_files)
    assert large.statement == published(out)
    assert [301, 100] == [one.size for one in recorded(log)]


def put_statement(out: Path, statement: Statement) -> None:
    """Publish a checkpoint that nobody but the key's thief would have signed."""
    Published(out).put_checkpoint(statement, KEY.sign(statement.text()))


def test_a_log_that_is_shorter_than_what_was_signed(log: EventLog, out: Path) -> None:
    """Nothing is signed, and nothing recorded."""
    signed = sign(log, out)
    put_statement(out, Statement(signed.statement.origin, 50, bytes(32)))
    with pytest.raises(NotAnExtensionError, match="got the end at seq 2, want the log of 50 events that the published"):
        sign(log, out)
    assert 1 == len(recorded(log))


def test_a_log_that_is_not_what_was_signed(log: EventLog, out: Path) -> None:
    """Where the tiles are there the first event that differs is named."""
    more(log, 400)
    signed = sign(log, out)
    bundle = next(one for one in (out / "tile" / "entries").rglob("*") if one.name == "145")
    forged = bytearray(bundle.read_bytes())
    forged[74 * 44 + 30] ^= 1  # the leaf of seq 300, in the second bundle
    bundle.write_bytes(forged)
    put_statement(out, Statement(signed.statement.origin, 401, bytes(32)))
    with pytest.raises(NotAnExtensionError) as refused:
        sign(log, out)
    assert (300, "got another event at seq 300, want the log of 401 events that the published checkpoint signed") == (
        refused.value.seq,
        str(refused.value),
    )


def test_a_recorded_checkpoint_that_the_log_contradicts(log: EventLog, out: Path, tmp_path: Path) -> None:
    """What the log itself says was signed counts, whatever lies in the folder."""
    more(log, 5)
    signed = sign(log, out)
    (last,) = log.read(6, 7)
    event = CheckpointSigned(
        origin=signed.statement.origin, size=7, link=last.link, root=bytes(32), key_id=bytes(4), note="forged"
    )
    log.append([Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)], append_id=append_id("forged"))
    with pytest.raises(NotAnExtensionError, match="another root, want the log of 7 events that the last checkpoint in"):
        sign(log, tmp_path / "elsewhere")


def test_a_published_checkpoint_that_was_tampered_with(log: EventLog, out: Path) -> None:
    """One that bears the key's name without its signature, or is no note at all."""
    sign(log, out)
    note = Published(out).read(CHECKPOINT) or b""
    for wrong in (note.replace(b"\n1\n", b"\n2\n"), b"", b"nonsense\n"):
        (out / "checkpoint").write_bytes(wrong)
        with pytest.raises(NoteError):
            sign(log, out)


def test_a_published_tile_that_was_tampered_with(log: EventLog, out: Path) -> None:
    """Is named and never replaced: what was published stays for whoever has to find out."""
    more(log, 300)
    sign(log, out)
    tile = out / "tile" / "0" / "000"
    tile.write_bytes(bytes(8192))
    more(log, 1)
    with pytest.raises(TileError, match=r"other bytes than the log's at .*tile/0/000"):
        sign(log, out)
    assert bytes(8192) == tile.read_bytes()


def test_another_key_goes_on(log: EventLog, out: Path) -> None:
    """A new key signs what extends the old one's checkpoints, and nothing else."""
    more(log, 3)
    old = sign(log, out)
    key = new_key("second")
    new = sign(log, out, key=key)
    assert (old.statement.size + 1, new.statement) == (new.statement.size, published(out, key))
    assert [KEY.verifier().key_id, key.verifier().key_id] == [one.key_id for one in recorded(log)]
    forged = Statement(old.statement.origin, 5, bytes(32))
    Published(out).put_checkpoint(forged, KEY.sign(forged.text()))
    with pytest.raises(NotAnExtensionError):
        sign(log, out, key=key)


STEPS = [
    ("staged", published_module.Staging, "add"),
    ("synced", published_module.Staging, "_sync_contents"),
    ("tiles named", published_module.Staging, "publish"),
    ("checkpoint named", Published, "put_checkpoint"),
    ("recorded", EventLog, "append"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("_", "owner", "method"), STEPS, ids=[one[0] for one in STEPS])
def test_a_crash_at_each_step(log: EventLog, out: Path, *, _: str, owner: type, method: str, after: bool) -> None:
    """Before or after each: what is published has its tiles, the log extends it, and the next call finishes."""
    more(log, 300)
    sign(log, out)
    more(log, 300)
    with cut_at(owner, method, after=after):
        sign(log, out)
    consistent(log, out)
    more(log, 3)
    last = sign(log, out)
    consistent(log, out)
    assert last.statement == published(out)
    sizes = [one.size for one in recorded(log)]
    assert sizes[-1] == last.statement.size
    assert sorted(sizes) == sizes
    # A published checkpoint whose event a crash took is recorded by the next call.
    named = (method == "put_checkpoint" and after) or method == "append"
    assert (3 if named else 2) == len(sizes)


def consistent(log: EventLog, out: Path) -> None:
    """Hold every signature there is, published or recorded, against the log, and the published one's tiles."""
    stated = published(out)
    assert stated is not None
    assert "intact" == hold_tiles(stated, Published(out)).verdict
    for one in [stated, *recorded(log)]:
        assert root_of(log, one.size) == one.root
