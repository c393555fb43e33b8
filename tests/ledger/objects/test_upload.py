"""A backup at a place: segments that together are the archive, each written once, whatever is in the way."""

import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.backup.create import create_backup
from ledger.errors import UnwritableError
from ledger.events import BackupCreated, BackupFailed
from ledger.ids import append_id, new_id
from ledger.log_source import events_of
from ledger.objects import upload
from ledger.objects.errors import ObjectDiffersError, PlaceError, SegmentsError, StoreError
from ledger.objects.fetch import fetched
from ledger.objects.place import ObjectPlace
from ledger.objects.segments import chain, placed
from ledger.objects.upload import cuts, upload_backup
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import StepClock, connection_tested

pytest.importorskip("obstore")
DAY_US = 1_770_000_000_000_000


def job(number: int) -> bytes:
    """Return a job id of its own."""
    return new_id(DAY_US + number * 1000)


def grow(log: EventLog, name: str, events: int = 5) -> None:
    """Append that many events."""
    log.append([connection_tested(number) for number in range(events)], append_id=append_id(name))


@pytest.fixture
def place(tmp_path: Path) -> ObjectPlace:
    """An empty place in a folder."""
    return ObjectPlace(f"file://{tmp_path}/nas", create=True)


def test_the_segments_together_are_the_file(log: EventLog, place: ObjectPlace, tmp_path: Path) -> None:
    """Byte for byte, over two uploads; the second writes what is new, and touches nothing."""
    grow(log, "a")
    first = upload_backup(log, place, job_id=job(1))
    before = {path.name: path.stat() for path in (tmp_path / "nas").iterdir()}
    grow(log, "b")
    made = create_backup(log, tmp_path / "a.db", job_id=job(2))
    second = upload_backup(log, place, job_id=job(3))
    assert (2, 2) == (first.written, second.written)
    assert before == {name: (tmp_path / "nas" / name).stat() for name in before}
    parts = [(tmp_path / "nas" / one.name).read_bytes() for one in chain(place.url, placed(place.objects()))]
    assert b"".join(parts).startswith(made.path.read_bytes())
    with fetched(place) as path:
        assert b"".join(parts) == path.read_bytes()
    assert second.made.seq is not None
    recorded = [event for _, event in events_of(log.read(), BackupCreated)]
    assert [place.name, "a.db", place.name] == [event.name for event in recorded]
    assert (second.made.event.size, len(b"".join(parts))) == (recorded[-1].size, recorded[-1].archive_bytes)


def test_large_segments_are_cut(
    log: EventLog, place: ObjectPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At the event that passes the limit, the same cuts each time; what was held is cut as it is."""
    grow(log, "a", 40)
    made = create_backup(log, tmp_path / "a.db", job_id=job(1))
    found = list(cuts(made.path, [3], limit_bytes=1000))
    assert (0, 3, 0) == (found[0].start, found[0].stop, found[0].begin)
    assert len(found) > 5
    assert all(one.end == after.begin and one.stop == after.start for one, after in pairwise(found))
    assert (41, made.path.stat().st_size) == (found[-1].stop, found[-1].end)
    assert all(one.end - one.begin >= 1000 for one in found[1:-1])
    monkeypatch.setattr(upload, "SEGMENT_BYTES", 1000)
    monkeypatch.setattr(upload.cuts, "__kwdefaults__", {"limit_bytes": 1000})
    assert upload_backup(log, place, job_id=job(2)).written > 5
    with fetched(place) as path:
        assert path.read_bytes().startswith(made.path.read_bytes())


def test_an_object_with_other_bytes_is_never_replaced(log: EventLog, place: ObjectPlace, tmp_path: Path) -> None:
    """Of another length, or of the same with a byte changed; the failure is recorded, without where it was."""
    grow(log, "a")
    upload_backup(log, place, job_id=job(1))
    (segment,) = (tmp_path / "nas").glob("*.segment")
    content = segment.read_bytes()
    for changed in (content + b"x", content[:-1] + bytes([content[-1] ^ 1]), content[:-1]):
        segment.write_bytes(changed)
        with pytest.raises(ObjectDiffersError, match="it stays as it is"):
            upload_backup(log, place, job_id=job(2))
        assert changed == segment.read_bytes()
    failed = [event for _, event in events_of(log.read(), BackupFailed)]
    assert {(place.name, "upload")} == {(event.name, event.stage) for event in failed}
    segment.write_bytes(content)
    assert 2 == upload_backup(log, place, job_id=job(3)).written


def test_put_is_create_only(place: ObjectPlace, tmp_path: Path) -> None:
    """The same bytes again are no error, and no write; others are one."""
    assert (True, False) == (place.put("a", b"one"), place.put("a", b"one"))
    for other in (b"two", b"on", b"one1", b""):
        with pytest.raises(ObjectDiffersError, match=r"file://.*/nas/a"):
            place.put("a", other)
    assert (b"one", 0o600) == ((tmp_path / "nas/a").read_bytes(), (tmp_path / "nas/a").stat().st_mode & 0o777)


def test_another_ledgers_place_is_refused(log: EventLog, place: ObjectPlace, tmp_path: Path, clock: StepClock) -> None:
    """And one that holds more than the ledger, which was rolled back then."""
    upload_backup(log, place, job_id=job(1))
    home = LedgerHome(tmp_path / "other")
    create_ledger(home, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    other = EventLog(home, now=clock, lock_timeout_s=5)
    with closing(other), pytest.raises(SegmentsError, match="segments of the ledger"):
        upload_backup(other, place, job_id=job(2))
    (segment,) = (tmp_path / "nas").glob("*.segment")
    segment.rename(segment.with_name(segment.name.replace("001.segment", "900.segment")))
    with pytest.raises(SegmentsError, match="got 900 events at file"):
        upload_backup(log, place, job_id=job(3))


def test_a_missing_segment_is_a_gap(log: EventLog, place: ObjectPlace, tmp_path: Path) -> None:
    """In the middle and at the end, where only the checksum knows of it; an empty place has no backup."""
    with pytest.raises(SegmentsError, match="got no segment at"), fetched(place):
        pass
    for number in range(3):
        upload_backup(log, place, job_id=job(number))
    for segment in sorted((tmp_path / "nas").glob("*.segment"))[1:]:
        content = segment.read_bytes()
        segment.unlink()
        with pytest.raises(SegmentsError, match=r"got no segment of the events \d+ to \d+ at"), fetched(place):
            pass
        segment.write_bytes(content)
    with fetched(place) as path:
        assert path.is_file()
    assert not path.exists()


def test_urls_that_hide_something_are_refused_and_masked() -> None:
    """A user, a token, a query: none is shown; nor is any other scheme taken."""
    for url in (
        "s3://user:pass@bucket/x",
        "s3://bucket/x?token=pass",
        "https://bucket/pass",
        "file://pass/x",
        "s3:///x",
    ):
        with pytest.raises(PlaceError) as caught:
            ObjectPlace(url)
        if "@" in url or "?" in url:
            assert "pass" not in str(caught.value)
    name = ObjectPlace("s3://bucket/prices/").name
    assert name == ObjectPlace("s3://bucket/prices").name != ObjectPlace("s3://bucket/other").name
    assert name.startswith("s3-bucket-")
    assert "prices" not in name


def test_a_store_that_says_no_is_named(place: ObjectPlace, tmp_path: Path) -> None:
    """By its place."""
    (tmp_path / "nas/a").mkdir()
    with pytest.raises((StoreError, UnwritableError)):
        place.put("a/../../../b\0", b"x")


UPLOADER = """
import sys
from pathlib import Path
from ledger.objects import upload
from ledger.objects.place import ObjectPlace
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

upload.cuts.__kwdefaults__ = {"limit_bytes": 2000}
with EventLog(LedgerHome(Path(sys.argv[1])), now=lambda: int(sys.argv[3]), lock_timeout_s=5) as log:
    upload.upload_backup(log, ObjectPlace(sys.argv[2], create=True), job_id=bytes.fromhex(sys.argv[4]))
"""


def test_killed_uploads_leave_whole_segments_and_go_on(log: EventLog, clock: StepClock, tmp_path: Path) -> None:
    """At instants all over an upload: what has its name is a piece of the archive, and the next one completes it."""
    grow(log, "a", 200)
    content = create_backup(log, tmp_path / "a.db", job_id=job(1)).path.read_bytes()
    unfinished = 0
    for number in range(1, 15, 2):
        folder = tmp_path / f"nas{number}"
        folder.mkdir()
        args = [str(tmp_path / "dados"), f"file://{folder}", str(clock()), job(900 + number).hex()]
        child = subprocess.Popen([sys.executable, "-c", UPLOADER, *args])
        while child.poll() is None and len(os.listdir(folder)) < number:
            time.sleep(0.0002)
        child.kill()
        child.wait()
        place = ObjectPlace(f"file://{folder}")
        parts = b"".join((folder / one.name).read_bytes() for one in chain(place.url, placed(place.objects())))
        assert content.startswith(parts) or parts.startswith(content)
        unfinished += 0 < len(parts) < len(content)
        upload_backup(log, place, job_id=job(20 + number))
        with fetched(place) as path:
            assert path.read_bytes().startswith(content)
        assert {"segment", "checksum"} == {one.status for one in placed(place.objects())}
    assert unfinished > 2


def test_memory_is_that_of_a_segment(log: EventLog, place: ObjectPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times the events, the same memory, once they are more than are framed and counted at a time."""
    monkeypatch.setattr(upload.cuts, "__kwdefaults__", {"limit_bytes": 200_000})
    peaks = []
    for number, events in enumerate((10_000, 40_000)):
        grow(log, f"a{number}", events)
        tracemalloc.start()
        upload_backup(log, place, job_id=job(number))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000
