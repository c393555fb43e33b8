"""Logs, archives and tiles held against a checkpoint: what differs, and where first."""

import shutil
from pathlib import Path

import pytest

from ledger.audit.verify import VerifyReport, verify_folder
from ledger.backup.verify import verify_archive
from ledger.checkpoint.errors import OtherLedgerError
from ledger.checkpoint.holding import hold_archive, hold_ledger, hold_tiles
from ledger.checkpoint.published import Published
from ledger.checkpoint.statement import Statement
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.checkpoint.places import more, published, sign
from tests.support.archives import archive, put
from tests.support.drafts import StepClock


class Place:
    """A ledger of 301 events and its checkpoint's event, the folder of the checkpoint, and a backup of the 301."""

    def __init__(self, home: LedgerHome, clock: StepClock, folder: Path) -> None:
        self.out, self.backup = folder / "out", folder / "a.db"
        with EventLog(home, now=clock) as log:
            self.folder = log.folder
            more(log, 300)
            self.statement = sign(log, self.out).statement
            put(self.backup, archive(list(log.read(0, 301))))

    def ledger(self, statement: Statement, tiles: Path | None = None) -> VerifyReport:
        """Hold the ledger against `statement`."""
        return hold_ledger(verify_folder(self.folder), self.folder, statement, Published(tiles or self.out))

    def archive(self, statement: Statement) -> VerifyReport:
        """Hold the backup against `statement`."""
        return hold_archive(verify_archive(self.backup), self.backup, statement, Published(self.out))


@pytest.fixture
def place(home: LedgerHome, clock: StepClock, tmp_path: Path) -> Place:
    """The same place for all."""
    return Place(home, clock, tmp_path)


def test_what_holds(place: Place) -> None:
    """The checkpoint is one witness more."""
    assert ("intact", ("anchor", "checkpoint")) == (
        place.ledger(place.statement).verdict,
        place.ledger(place.statement).witnesses,
    )
    assert ("intact", ("checkpoint",)) == (
        place.archive(place.statement).verdict,
        place.archive(place.statement).witnesses,
    )


def test_a_checkpoint_that_reaches_further(place: Place) -> None:
    """The log lost its end since it was signed."""
    further = Statement(place.statement.origin, 500, bytes(32))
    for report, size in ((place.ledger(further), 302), (place.archive(further), 301)):
        assert report.first_bad is not None
        assert ("rolled_back", size, "the end", ()) == (
            report.verdict,
            report.first_bad.seq,
            report.first_bad.found,
            report.witnesses,
        )


def test_a_checkpoint_over_other_events(place: Place, tmp_path: Path) -> None:
    """Named where the tiles that were signed are there, else only that it is another tree."""
    bundle = place.out / "tile" / "entries" / "000"
    forged = bytearray(bundle.read_bytes())
    forged[74 * 7 + 20] ^= 1
    bundle.write_bytes(forged)
    other = Statement(place.statement.origin, 301, bytes(32))
    for report, seq in ((place.ledger(other), 7), (place.archive(other), 7), (place.ledger(other, tmp_path), None)):
        assert report.first_bad is not None
        assert ("forked", seq, "root") == (report.verdict, report.first_bad.seq, report.first_bad.kind)


def test_another_epoch(place: Place) -> None:
    """The same events under an origin that they do not have."""
    report = place.ledger(Statement(f"{place.statement.origin}/{'ab' * 8}", 301, place.statement.root))
    assert ("forked", "origin") == (report.verdict, report.first_bad and report.first_bad.kind)


def test_another_ledger(place: Place) -> None:
    """Is no fork, and is said to be another one."""
    other = Statement(f"b3-ledger/{'ab' * 16}", 301, place.statement.root)
    for held in (place.ledger, place.archive):
        with pytest.raises(OtherLedgerError, match=f"want {'ab' * 16}"):
            held(other)


def test_tiles_alone(place: Place) -> None:
    """Need neither ledger nor backup."""
    report = hold_tiles(place.statement, Published(place.out))
    assert ("intact", 301, ("checkpoint",)) == (report.verdict, report.events, report.witnesses)
    assert report.head is not None


def test_tiles_that_are_missing(place: Place, tmp_path: Path) -> None:
    """Each in turn: truncated, whichever it is."""
    for path in sorted(one for one in (place.out / "tile").rglob("*") if one.is_file()):
        copy = shutil.copytree(place.out, tmp_path / "copy")
        (copy / path.relative_to(place.out)).unlink()
        assert "truncated" == hold_tiles(place.statement, Published(copy)).verdict
        shutil.rmtree(copy)


def test_a_full_tile_serves_for_a_partial_one(log: EventLog, tmp_path: Path) -> None:
    """Once a later checkpoint filled it, the partial one may be dropped."""
    more(log, 300)
    earlier = sign(log, tmp_path).statement
    more(log, 300)
    sign(log, tmp_path)
    for level in ("0", "entries"):
        shutil.rmtree(tmp_path / "tile" / level / "001.p")
    assert "intact" == hold_tiles(earlier, Published(tmp_path)).verdict


def change_bytes(place: Place, *, each: int) -> None:
    """Change one bit of every `each`-th byte of all tiles and bundles, one at a time: never intact."""
    for path in sorted(one for one in (place.out / "tile").rglob("*") if one.is_file()):
        content = path.read_bytes()
        for at in range(0, len(content), each):
            changed = bytearray(content)
            changed[at] ^= 1 << at % 8
            path.write_bytes(changed)
            assert hold_tiles(place.statement, Published(place.out)).verdict in {"tampered", "forked"}
        path.write_bytes(content)
    assert "intact" == hold_tiles(place.statement, Published(place.out)).verdict


def test_bytes_of_tiles_and_bundles(place: Place) -> None:
    """One bit changed in some of every file: tampered with or forked. No byte is harmless."""
    change_bytes(place, each=31)


@pytest.mark.campaign
def test_every_byte_of_every_tile_and_bundle(place: Place) -> None:
    """The same of each byte in turn."""
    change_bytes(place, each=1)


def test_tiles_and_bundles_that_agree_with_each_other(log: EventLog, tmp_path: Path) -> None:
    """And are not what was signed: forked."""
    more(log, 305)
    sign(log, tmp_path / "other")
    later = published(tmp_path / "other")
    assert later is not None
    stated = Statement(later.origin, later.size, bytes(32))
    assert "forked" == hold_tiles(stated, Published(tmp_path / "other")).verdict
