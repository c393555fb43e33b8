"""A backup is one consistent prefix of the log, whole under its name or not there at all."""

import multiprocessing
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.appending import Appended
from ledger.audit.counts import Counts
from ledger.backup.archive_log import archive_log
from ledger.backup.create import CreatedBackup, create_backup, failure
from ledger.backup.scan import scan
from ledger.chain import GENESIS, Head, Link, Seq, link
from ledger.codec import Draft, decode_envelope, decode_event, streams_hash
from ledger.errors import DamagedError, DiskFullError, NameTakenError, StorageError, UnwritableError
from ledger.events import BackupCreated, Event
from ledger.files.atomic_file import PartFile
from ledger.ids import append_id, new_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import EventCount
from tests.ledger.watching import Watched
from tests.support.archives import archive
from tests.support.drafts import JOB, StepClock, connection_tested

DAY_US = 1_770_000_000_000_000


def job(number: int) -> bytes:
    """Return a job id of its own."""
    return new_id(DAY_US + number * 1000)


def last_event(log: EventLog) -> Event:
    """Return the event at the end of `log`."""
    size = log.head().size
    (record,) = log.read(size - 1)
    return decode_event(decode_envelope(record.seq, record.body))


@pytest.fixture(params=[0, 7], ids=["checked by a child meanwhile", "checked after"])
def full(log: EventLog, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> EventLog:
    """A ledger of six events; a backup of it is checked either way."""
    monkeypatch.setattr("ledger.backup.create.WORTH_A_CHILD_EVENTS", request.param)
    log.append([connection_tested(number) for number in range(5)], append_id=append_id("n"))
    return log


def test_a_backup_is_the_archive_of_the_log(full: EventLog, tmp_path: Path) -> None:
    """Byte for byte; what is returned and what the log tells of it agree with the file."""
    head, content = full.head(), archive(full.read())
    path = tmp_path / "backups" / "a.db"
    made = create_backup(full, path, job_id=job(1))
    types = (EventCount("connection.tested/1", 5), EventCount("ledger.created/1", 1))
    providers, streams = (EventCount("yfinance", 5),), (EventCount("ledger", 6),)
    assert content == path.read_bytes()
    told = BackupCreated(
        name="a.db",
        size=head.size,
        link=head.link,
        archive_bytes=len(content),
        sha256=sha256(content).digest(),
        types=types,
        providers=providers,
        streams=1,
        streams_hash=streams_hash(streams),
    )
    found = replace(scan(path), counts=Counts(types, providers, streams))
    assert (told, CreatedBackup(path=path, scan=found, event=told, seq=Seq(head.size))) == (last_event(full), made)


def test_the_checksum_is_what_sha256sum_checks(full: EventLog, tmp_path: Path) -> None:
    """By its own `-c`, in the backup's folder."""
    create_backup(full, tmp_path / "a.db", job_id=job(1))
    done = subprocess.run(
        ["sha256sum", "-c", "a.db.checksum"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (0, "a.db: OK\n") == (done.returncode, done.stdout)


def test_only_the_owner_may_read_it(full: EventLog, tmp_path: Path) -> None:
    """0600 both, whatever the umask lets through; the folder is private when it is new."""
    before = os.umask(0)
    try:
        create_backup(full, tmp_path / "backups" / "a.db", job_id=job(1))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backups").iterdir()}
    assert {"a.db": 0o600, "a.db.checksum": 0o600} == modes
    assert 0o700 == stat.S_IMODE((tmp_path / "backups").stat().st_mode)


def test_a_newer_backup_extends_an_older_one(full: EventLog, tmp_path: Path) -> None:
    """The older file is a byte prefix of the newer one."""
    first = create_backup(full, tmp_path / "a.db", job_id=job(1))
    second = create_backup(full, tmp_path / "b.db", job_id=job(2))
    assert (tmp_path / "b.db").read_bytes()[: first.event.archive_bytes] == (tmp_path / "a.db").read_bytes()
    assert first.event.size + 1 == second.event.size


def test_a_name_that_is_taken_is_refused(full: EventLog, tmp_path: Path) -> None:
    """Nothing is overwritten and nothing is told: it was not tried."""
    (tmp_path / "a.db").write_text("precious", "utf-8")
    with pytest.raises(NameTakenError):
        create_backup(full, tmp_path / "a.db", job_id=job(1))
    assert ("precious", 6) == ((tmp_path / "a.db").read_text("utf-8"), full.head().size)
    assert ["a.db"] == [path.name for path in tmp_path.iterdir() if path.is_file()]


def test_what_a_dead_backup_left_goes_with_the_next(full: EventLog, tmp_path: Path) -> None:
    """A part nobody holds is removed; one that somebody is writing, and a stranger's file, stay."""
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / ".dead.db.1.b3-ledger-part").write_bytes(b"half")
    (folder / ".stranger.part").write_bytes(b"not ours")
    alive = PartFile(folder / "alive.db")
    create_backup(full, folder / "a.db", job_id=job(1))
    names = {path.name for path in folder.iterdir()}
    alive.discard()
    assert {"a.db", "a.db.checksum", ".stranger.part", alive.path.name} == names


@pytest.mark.parametrize("seq", [0, 3])
def test_a_log_that_does_not_hold_is_not_backed_up(
    seq: int, full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seq is named, no file stays, and the log tells of the failure."""
    whole = [value for values in full.values(0, 6) for value in values]
    bad = whole[seq][:-1] + b"!"
    bent = [*whole[:seq], bad, *whole[seq + 1 :]]
    want = link(Link(whole[seq - 1][:32]) if seq else GENESIS, bad[32:]).hex()
    with monkeypatch.context() as patch:
        patch.setattr(full, "values", lambda start, stop: iter([bent[start:stop]]))
        with pytest.raises(DamagedError) as damage:
            create_backup(full, tmp_path / "backups" / "a.db", job_id=JOB)
    assert f"got link at seq {seq}: {whole[seq][:32].hex()}, want {want}" == str(damage.value)
    check_failed(full, tmp_path, "check", damage.value)


def check_failed(log: EventLog, tmp_path: Path, stage: str, error: BaseException) -> None:
    """Assert that no file of the backup stayed, and that the log tells of it as its last event."""
    assert [] == list((tmp_path / "backups").iterdir())
    check_told(log, stage, error)


def check_told(log: EventLog, stage: str, error: BaseException) -> None:
    """Assert that the last event of `log` tells of `error`."""
    draft, identifier = failure("a.db", stage, error, job_id=JOB)
    (record,) = log.read(log.head().size - 1)
    envelope = decode_envelope(record.seq, record.body)
    assert (draft.event, identifier) == (decode_event(envelope), envelope.append_id)


def test_a_head_that_the_events_do_not_lead_to_is_damage(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every event holds, and the database says another end."""
    head = full.head()
    with monkeypatch.context() as patch:
        patch.setattr(full, "head", lambda: Head(head.size, Link(bytes(32))))
        with pytest.raises(DamagedError) as damage:
            create_backup(full, tmp_path / "backups" / "a.db", job_id=JOB)
    assert f"got stored head at seq 5: {'00' * 32}, want {head.link.hex()}" == str(damage.value)
    check_failed(full, tmp_path, "check", damage.value)


def test_a_disk_that_gives_back_other_bytes_is_noticed(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is re-read is not what was written: no backup."""

    def spoil(part: PartFile) -> None:
        os.pwrite(part.fd, b"!", 100)

    monkeypatch.setattr(PartFile, "sync", spoil)
    path = tmp_path / "backups" / "a.db"
    with pytest.raises(StorageError) as refusal:
        create_backup(full, path, job_id=JOB)
    want = f"got 'other bytes than were written' from the database at {path}, want a sound commit"
    assert want == str(refusal.value)
    check_failed(full, tmp_path, "check", refusal.value)


@pytest.mark.parametrize(("calls", "stage"), [(0, "write"), (1, "publish")])
def test_a_full_disk_leaves_nothing(
    calls: int, stage: str, full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clear error, no file, an event; whether the copy or its name finds no room."""
    real, before = os.fsync, iter(range(100))

    def full_disk(fd: int) -> None:
        if next(before) >= calls:
            raise OSError(28, os.strerror(28))
        real(fd)

    (tmp_path / "backups").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_disk)
        with pytest.raises(DiskFullError) as refusal:
            create_backup(full, tmp_path / "backups" / "a.db", job_id=JOB)
    check_failed(full, tmp_path, stage, refusal.value)


def test_a_backup_without_its_checksum_is_a_failure(full: EventLog, tmp_path: Path) -> None:
    """The archive itself is whole and keeps its name."""
    (tmp_path / "a.db.checksum").mkdir()
    content = archive(full.read())
    with pytest.raises(UnwritableError) as refusal:
        create_backup(full, tmp_path / "a.db", job_id=JOB)
    assert tmp_path / "a.db.checksum" == refusal.value.path
    assert content == (tmp_path / "a.db").read_bytes()
    check_told(full, "publish", refusal.value)


def test_a_backup_that_the_log_does_not_take_note_of_is_a_failure(
    full: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told as soon as the log takes events again; where it does not, the failure itself is what is raised."""
    real, failures = full.append, iter([StorageError(tmp_path, "once")])

    def append(drafts: Sequence[Draft], *, append_id: bytes) -> Appended:
        for error in failures:
            raise error
        return real(drafts, append_id=append_id)

    with monkeypatch.context() as patch:
        patch.setattr(full, "append", append)
        with pytest.raises(StorageError, match="once") as refusal:
            create_backup(full, tmp_path / "a.db", job_id=JOB)
    check_told(full, "record", refusal.value)
    failures = iter([StorageError(tmp_path, "first"), StorageError(tmp_path, "second")])
    before = full.head()
    with monkeypatch.context() as patch:
        patch.setattr(full, "append", append)
        with pytest.raises(StorageError, match="first"):
            create_backup(full, tmp_path / "b.db", job_id=JOB)
    assert before == full.head()


def test_copying_and_checking_are_watched(full: EventLog, tmp_path: Path) -> None:
    """Every event, twice."""
    watched = Watched()
    create_backup(full, tmp_path / "a.db", job_id=JOB, watch=watched)
    assert [("copying", 6, 6), ("checking", 6, 6)] == watched.tasks


def test_what_is_appended_meanwhile_is_left_out(full: EventLog, tmp_path: Path) -> None:
    """The copy is what was there when it began."""
    content = archive(full.read())

    @contextmanager
    def watch(doing: str, _events: int | None) -> Iterator[None]:
        full.append([connection_tested(99)], append_id=append_id(f"meanwhile/{doing}"))
        yield

    made = create_backup(full, tmp_path / "a.db", job_id=JOB, watch=watch)
    assert (content, 8) == ((tmp_path / "a.db").read_bytes(), made.seq)


def test_the_event_of_a_backup_is_one_a_job(full: EventLog, tmp_path: Path) -> None:
    """Its id begins with the job's time."""
    made = create_backup(full, tmp_path / "a.db", job_id=JOB)
    (record,) = full.read(made.seq)
    envelope = decode_envelope(record.seq, record.body)
    want = (append_id(f"backup.created/{JOB.hex()}", job_id=JOB), JOB, "ledger")
    assert want == (envelope.append_id, envelope.job_id, envelope.stream)


def test_an_interrupted_backup_is_told_as_such(full: EventLog, tmp_path: Path) -> None:
    """Ctrl-C in the middle of the copy: no file, and the event says interrupted."""

    def interrupt(_events: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interruption:
        create_backup(
            full, tmp_path / "backups" / "a.db", job_id=JOB, watch=lambda _doing, _events: nullcontext(interrupt)
        )
    check_failed(full, tmp_path, "write", interruption.value)


def _append_for_ever(root: Path) -> None:
    clock = StepClock()
    with EventLog(LedgerHome(root), now=clock) as log:
        number = 0
        while True:
            log.append([connection_tested(number, note="x" * 300)] * 3, append_id=os.urandom(16))
            number += 1


def test_a_backup_under_ingest_is_one_consistent_prefix(home: LedgerHome, tmp_path: Path, clock: StepClock) -> None:
    """While another process appends without pause: each verifies, and equals a later one cut to its length."""
    writer = multiprocessing.get_context("fork").Process(target=_append_for_ever, args=(home.root,))
    writer.start()
    try:
        with EventLog(home, now=clock) as log:
            paths = [tmp_path / f"{number}.db" for number in range(4)]
            for number, path in enumerate(paths):
                wait_for_growth(log)
                create_backup(log, path, job_id=job(number))
    finally:
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    contents = [path.read_bytes() for path in paths]
    sizes = [archive_log(path).head().size for path in paths]
    assert sorted(set(sizes)) == sizes
    assert all(contents[-1].startswith(content) for content in contents)
    with EventLog(home, now=clock, readonly=True) as log:
        assert archive(log.read(0, sizes[-1])) == contents[-1]


def wait_for_growth(log: EventLog) -> None:
    """Wait until the writer has appended something more."""
    size, deadline = log.head().size, time.monotonic() + 120
    while log.head().size == size:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("step", range(2, 19))  # from the part's making to the event's append
def test_a_kill_leaves_no_half_backup(step: int, home: LedgerHome, tmp_path: Path, clock: StepClock) -> None:
    """Killed at each system call that changes something: under the final name is a whole backup or nothing."""
    with EventLog(home, now=clock) as log:
        log.append([connection_tested(number) for number in range(50)], append_id=append_id("n"))
    path = tmp_path / "backups" / "a.db"
    child = os.fork()
    if child == 0:
        _die_at(step)
        with EventLog(home, now=clock) as log:
            create_backup(log, path, job_id=job(1))
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    if path.exists():
        assert (None, 51) == (scan(path).flaw, scan(path).head.size)
    with EventLog(home, now=clock) as log:
        again = create_backup(log, tmp_path / "backups" / "b.db", job_id=job(2))
    assert {"b.db", "b.db.checksum"} <= {item.name for item in path.parent.iterdir()} <= {
        "a.db", "a.db.checksum", "b.db", "b.db.checksum"
    }  # fmt: skip
    assert again.event.size in {51, 52}


def _die_at(step: int) -> None:
    """Have this process killed at its call number `step` of those that the backup's file goes through."""
    import ledger.files.atomic_file as module

    calls = iter(range(1000))

    def fatal(name: str) -> None:
        original = getattr(os, name)

        def call(*args, **options):  # type: ignore[no-untyped-def]  # stands in for any function of os
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **options)

        setattr(module.os, name, call)

    for name in ("open", "fsync", "posix_fadvise", "rename", "write", "unlink"):
        fatal(name)
