"""A backup that begins with a copy of the one before it has the bytes and the counts of one read whole from the log."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.counts import Counts, Tally
from ledger.backup import create, recorded
from ledger.backup.archive_log import archive_log
from ledger.backup.check import check_made
from ledger.backup.create import CreatedBackup, create_backup
from ledger.backup.recorded import KEPT_BACKUPS, KEPT_COUNTS, counted_before, newest_beside
from ledger.backup.scan import scan
from ledger.chain import Head, Link
from ledger.codec import Draft, decode_envelope
from ledger.errors import DamagedError, DiskFullError, UnreadableError
from ledger.events import LEDGER_STREAM, BackupCreated
from ledger.files.atomic_file import PartFile
from ledger.files.checksum import checksum_path
from ledger.files.regular import buffers
from ledger.ids import append_id, new_id
from ledger.log_source import events_of
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.audit.test_counts import refused
from tests.ledger.backup.test_create import job, last_event
from tests.support.archives import archive, small_log
from tests.support.drafts import JOB, StepClock, connection_tested


def grown(log: EventLog, events: int, *, note: str | None = None) -> None:
    """Append `events` events, half of them about tickers."""
    size = log.head().size
    drafts = [
        connection_tested(seq, note=note) if seq % 2 else refused(f"TICK{seq % 5}.SA")
        for seq in range(size, size + events)
    ]
    log.append(drafts, append_id=append_id(f"grown/{size}"))


def whole(log: EventLog, size: int) -> tuple[bytes, Counts]:
    """Return the archive of `size` events and their counts, by the slow way round."""
    records = list(log.read(0, size))
    tally = Tally()
    tally.add([decode_envelope(record.seq, record.body) for record in records])
    return archive(records), tally.counts()


def is_whole(log: EventLog, made: CreatedBackup) -> None:
    """Assert that a backup is the full one's bytes, and is recorded with its counts and SHA-256."""
    content, counts = whole(log, made.event.size)
    assert content == made.path.read_bytes()
    assert counts == made.scan.counts
    assert counts.agree(made.event)
    assert (sha256(content).digest(), len(content)) == (made.event.sha256, made.event.archive_bytes)
    assert made.event.link == log.link_at(made.event.size - 1)


@pytest.fixture
def backed_up(log: EventLog, tmp_path: Path) -> EventLog:
    """A small ledger with one backup, `a.db`, and events after it."""
    grown(log, 2)
    create_backup(log, tmp_path / "backups" / "a.db", job_id=job(1))
    grown(log, 3)
    return log


def bend(counts: Path) -> None:
    """Turn a bit of the counts that are kept."""
    content = bytearray(counts.read_bytes())
    content[len(content) // 2] ^= 1
    counts.write_bytes(content)


STEPS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from([0, 10, 3_000, 70_000]),
        st.booleans(),
        st.sampled_from([None, Path.unlink, bend]),
    ),
    min_size=1,
    max_size=5,
)


@given(STEPS)
@settings(max_examples=20)
def test_over_any_history_and_cuts_the_bytes_are_those_of_a_full_one(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool, Callable[[Path], object] | None]]
) -> None:
    """Short events, long ones, more than a buffer of them; the earlier backup is copied wherever there is one.

    Whether the counts of the one before are kept, lost or damaged.
    """
    root, clock = tmp_path_factory.mktemp("history"), StepClock()
    home = LedgerHome(root / "dados")
    create_ledger(home, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    earlier = None
    with EventLog(home, now=clock) as log:
        for number, (events, note_bytes, full, spoil) in enumerate(steps):
            if number and spoil is not None:
                spoil(log.folder / KEPT_COUNTS)
            grown(log, events, note="x" * note_bytes)
            made = create_backup(log, root / "backups" / f"{number}.db", job_id=job(number), full=full)
            is_whole(log, made)
            assert ((None if full else earlier), None) == (made.copied_from, made.refused)
            earlier = f"{number}.db"


def test_whatever_byte_of_the_earlier_one_is_changed_the_bytes_are_those_of_a_full_one(
    backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte, lengths from none to one more; it is never copied, and why is said."""
    monkeypatch.setattr("os.fsync", lambda _fd: None)  # nothing here is about power cuts
    earlier = tmp_path / "backups" / "a.db"
    good = earlier.read_bytes()
    flipped = [good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :] for at in range(len(good))]
    for number, content in enumerate([*flipped, *(good[:at] for at in range(0, len(good), 29)), good + b"x"]):
        earlier.write_bytes(content)
        path = tmp_path / "backups" / "b.db"
        size = backed_up.head().size
        made = create_backup(backed_up, path, job_id=job(number + 2))
        assert archive(backed_up.read(0, size)) == path.read_bytes()
        assert made.refused is not None
        assert (None, "a.db") == (made.copied_from, made.refused[0])
        path.unlink()
        checksum_path(path).unlink()
    earlier.write_bytes(good)
    assert "a.db" == create_backup(backed_up, tmp_path / "backups" / "c.db", job_id=job(1)).copied_from


def test_events_that_were_counted_are_not_read_again(backed_up: EventLog, tmp_path: Path) -> None:
    """The scan goes on behind the copy; without the counts that were kept it begins at the start."""
    earlier = last_recorded(backed_up)
    made = create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    assert [0, earlier.size] == [mark.seq for mark in made.scan.marks]
    is_whole(backed_up, made)
    assert list(backed_up.read(0, made.event.size)) == list(archive_log(made.path).read())
    assert "intact" == check_made(made).report.verdict
    (backed_up.folder / KEPT_COUNTS).unlink()
    made = create_backup(backed_up, tmp_path / "backups" / "c.db", job_id=job(3))
    assert [0] == [mark.seq for mark in made.scan.marks]
    is_whole(backed_up, made)


def test_whatever_byte_of_the_counts_is_changed_the_record_is_true(
    backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte, each length; and those of another backup are not believed either."""
    monkeypatch.setattr("os.fsync", lambda _fd: None)  # nothing here is about power cuts
    counts, earlier = backed_up.folder / KEPT_COUNTS, last_recorded(backed_up)
    good = counts.read_bytes()
    assert counted_before(backed_up.folder, earlier) is not None
    bent = [good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :] for at in range(len(good))]
    for content in (*bent, *(good[:at] for at in range(len(good))), good + b"x"):
        counts.write_bytes(content)
        assert counted_before(backed_up.folder, earlier) is None
    counts.write_bytes(bent[3])
    is_whole(backed_up, create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2)))
    assert counted_before(backed_up.folder, earlier) is None
    assert counted_before(backed_up.folder, last_recorded(backed_up)) is not None


def test_the_counts_of_the_backups_made_last_are_kept(backed_up: EventLog, tmp_path: Path) -> None:
    """The one that was copied among them, however often others were made since it was."""
    first = last_recorded(backed_up)
    for number in range(2, 9):
        folder = tmp_path / ("backups" if number % 2 else f"other-{number}")
        made = create_backup(backed_up, folder / "b.db", job_id=job(number))
        if number % 2:
            assert [0, first.size] == [mark.seq for mark in made.scan.marks]
            made.path.unlink()
            checksum_path(made.path).unlink()
    assert all(counted_before(backed_up.folder, event) is not None for event in (made.event, first))
    for number in range(KEPT_BACKUPS):
        create_backup(backed_up, tmp_path / f"elsewhere-{number}" / "b.db", job_id=job(10 + number))
    assert counted_before(backed_up.folder, first) is None


@pytest.mark.parametrize("broken", ["write_whole", "read_regular"])
def test_counts_that_cannot_be_kept_cost_their_use_alone(
    broken: str, backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, a file that cannot be read: the backup is made."""

    def fail(path: Path, *_: object, **__: object) -> None:
        raise DiskFullError(path) if broken == "write_whole" else OSError(5, "Input/output error")

    monkeypatch.setattr(recorded, broken, fail)
    is_whole(backed_up, create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2)))


@pytest.mark.parametrize(("change", "found"), [(-1, "{}"), (1, "more"), (64 * 1024 * 1024, "more")])
def test_of_one_of_another_length_no_more_is_read_than_is_recorded(
    change: int, found: str, backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said how long it is, unless it is longer: it may have no end."""
    earlier = tmp_path / "backups" / "a.db"
    recorded = earlier.stat().st_size
    os.truncate(earlier, recorded + change)
    read: list[int] = []

    def counted(path: Path) -> Iterator[bytes]:
        for buffer in buffers(path):
            read.append(len(buffer))
            yield buffer

    monkeypatch.setattr(create, "buffers", counted)
    made = create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    is_whole(backed_up, made)
    assert made.refused is not None
    said = f"got archive bytes at seq 2: {found.format(recorded + change)}, want {recorded}"
    assert (said, 1) == (str(made.refused[1]), len(read))


def _gone(path: Path) -> None:
    path.unlink()


def _foreign(path: Path) -> None:
    path.write_bytes(archive(small_log(5, ledger_id=bytes(16)).read()))


def _linked(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("elsewhere")))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "error"),
    [(_gone, None), (_foreign, DamagedError), (_linked, UnreadableError), (_folder, UnreadableError)],
)
def test_what_is_not_the_recorded_file_is_not_copied(
    change: Callable[[Path], None], error: type[Exception] | None, backed_up: EventLog, tmp_path: Path
) -> None:
    """Gone, another ledger's, a link, no file at all: everything is read from the log."""
    change(tmp_path / "backups" / "a.db")
    made = create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    is_whole(backed_up, made)
    assert made.copied_from is None
    assert (None if made.refused is None else type(made.refused[1])) is error


def test_one_that_the_log_does_not_extend_is_not_copied(
    backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has another link where it ends."""
    link_at = backed_up.link_at
    with monkeypatch.context() as patch:
        patch.setattr(backed_up, "link_at", lambda seq: Link(bytes(32)) if seq == 2 else link_at(seq))
        made = create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    is_whole(backed_up, made)
    assert made.refused is not None
    assert f"got link at seq 2: {'00' * 32}, want {link_at(2).hex()}" == str(made.refused[1])


def test_a_record_that_is_false_is_not_believed(backed_up: EventLog, tmp_path: Path) -> None:
    """The SHA-256 of the file, and other events than it holds: found in the copy, and everything is read anew."""
    path = tmp_path / "backups" / "a.db"
    recorded = last_recorded(backed_up)
    for number, size in enumerate((recorded.size - 1, recorded.size + 1)):
        link = backed_up.link_at(size - 1)
        assert link is not None
        event = BackupCreated(
            name="a.db", size=size, link=link, archive_bytes=path.stat().st_size, sha256=recorded.sha256,
            types=recorded.types, providers=recorded.providers, streams=1, streams_hash=recorded.streams_hash,
        )  # fmt: skip
        draft = Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)
        backed_up.append([draft], append_id=append_id(f"false/{number}"))
        made = create_backup(backed_up, tmp_path / "backups" / f"b{number}.db", job_id=job(number + 2))
        is_whole(backed_up, made)
        assert ("a.db", None) == (made.refused[0] if made.refused else None, made.copied_from)
        made.path.unlink()


def last_recorded(log: EventLog) -> BackupCreated:
    """Return what `log` recorded of its newest backup."""
    *_, (_, event) = events_of(log.read(), BackupCreated)
    return event


def test_new_events_are_re_hashed(backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage after the copy is found as a full backup finds it: no file, a failure on the record."""
    values = [value for some in backed_up.values(0, backed_up.head().size) for value in some]
    bad = values[5][:-1] + b"!"
    bent = [*values[:5], bad, *values[6:]]
    with monkeypatch.context() as patch:
        patch.setattr(backed_up, "values", lambda start, stop: iter([bent[start:stop]]))
        with pytest.raises(DamagedError, match="got link at seq 5"):
            create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    assert {"a.db", "a.db.checksum"} == {path.name for path in (tmp_path / "backups").iterdir()}
    assert "check" == getattr(last_event(backed_up), "stage", None)


@pytest.mark.parametrize("writes", [0, 1])
def test_a_full_disk_leaves_the_earlier_one_alone(
    writes: int, backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the copy, and in what comes after it: no second attempt, no file, an event."""
    before, real, done = (tmp_path / "backups" / "a.db").read_bytes(), PartFile.write, iter(range(100))

    def write(part: PartFile, content: bytes) -> None:
        if next(done) >= writes:
            raise OSError(28, os.strerror(28))
        real(part, content)

    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "write", write)
        with pytest.raises(DiskFullError):
            create_backup(backed_up, tmp_path / "backups" / "b.db", job_id=job(2))
    assert writes + 1 == next(done)
    assert {"a.db", "a.db.checksum"} == {path.name for path in (tmp_path / "backups").iterdir()}
    assert before == (tmp_path / "backups" / "a.db").read_bytes()
    assert "write" == getattr(last_event(backed_up), "stage", None)


def _back_up(root: Path, path: Path, number: int) -> None:
    with EventLog(LedgerHome(root), now=StepClock(1_800_000_000_000_000)) as log:
        create_backup(log, path, job_id=new_id(1_800_000_000_000_000 + number * 1000))


def test_several_at_once_are_all_whole(home: LedgerHome, tmp_path: Path, clock: StepClock) -> None:
    """Each copies what it finds; none sweeps away another's half-made file."""
    with EventLog(home, now=clock) as log:
        grown(log, 500, note="x" * 3_000)
        create_backup(log, tmp_path / "backups" / "a.db", job_id=job(1))
        grown(log, 5)
    paths = [tmp_path / "backups" / f"b{number}.db" for number in range(3)]
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_back_up, args=(home.root, path, at)) for at, path in enumerate(paths)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [0, 0, 0] == [child.exitcode for child in children]
    with EventLog(home, now=clock, readonly=True) as log:
        content = archive(log.read())
    assert all(content.startswith(path.read_bytes()) for path in paths)
    assert all(scan(path).flaw is None for path in paths)


def test_the_newest_recorded_file_of_the_folder_is_found(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far back it is recorded; what lies elsewhere, or is named otherwise, is none."""
    monkeypatch.setattr("ledger.backup.recorded.WINDOW_EVENTS", 3)
    made = create_backup(log, tmp_path / "a.db", job_id=job(1))
    create_backup(log, tmp_path / "other" / "b.db", job_id=job(2))
    grown(log, 20)
    size = log.head().size
    assert made.event == newest_beside(log, tmp_path / "new.db", size)
    assert newest_beside(log, tmp_path / "new.archive", size) is None
    made.path.unlink()
    assert newest_beside(log, tmp_path / "new.db", size) is None


@pytest.mark.damages("an event claims what comes after it")
@pytest.mark.parametrize(("more", "believed"), [(0, True), (1, False), (2, False)])
def test_an_event_that_claims_what_comes_after_it_records_no_backup(
    more: int, believed: bool, backed_up: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would vouch for itself; the one before it counts, in a log that took such an event unseen."""
    monkeypatch.setattr("ledger.store.engine.check_claims", lambda *_: None)
    path, seq = tmp_path / "backups" / "b.db", backed_up.head().size
    honest = newest_beside(backed_up, path, seq)
    assert honest is not None
    claim = msgspec.structs.replace(honest, size=seq + more)
    backed_up.append([Draft(job_id=JOB, stream=LEDGER_STREAM, event=claim)], append_id=append_id("claim"))
    grown(backed_up, 3)
    assert (claim if believed else honest) == newest_beside(backed_up, path, backed_up.head().size)


def test_known_events_are_not_re_hashed_and_their_end_is(backed_up: EventLog, tmp_path: Path) -> None:
    """A scan that is given a head takes what comes before it as it is, if it comes to that head."""
    records = list(backed_up.read())
    content = archive(records)
    spoilt = content.replace(b"TICK2.SA", b"TOCK2.SA")
    assert spoilt != content
    (tmp_path / "s.db").write_bytes(spoilt)
    known, short = Head(4, records[3].link), Head(len(records) + 1, Link(bytes(32)))
    assert (None, backed_up.head()) == ((found := scan(tmp_path / "s.db", counted=True, known=known)).flaw, found.head)
    other = scan(tmp_path / "s.db", counted=True, known=Head(3, records[3].link)).flaw
    assert other is not None
    assert (2, "link") == (other.seq, other.kind)
    missing = scan(tmp_path / "s.db", counted=True, known=short).flaw
    assert missing is not None
    assert (len(records), "missing event") == (missing.seq, missing.kind)
