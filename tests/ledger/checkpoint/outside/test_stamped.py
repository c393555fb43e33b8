"""Timestamps bound the times of a log, and those of a trusted authority hold it to its tree."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyReport, verify_folder
from ledger.backup.verify import verify_archive
from ledger.checkpoint.outside.stamped import SLACK_US, hold_stamps
from ledger.checkpoint.outside.stamping import Authority, stamp
from ledger.checkpoint.outside.timestamp import read_roots
from ledger.codec import Draft
from ledger.events import LEDGER_STREAM, CheckpointTimestamped
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.checkpoint.places import more, sign
from tests.support import timestamp_authority
from tests.support.archives import archive, put
from tests.support.drafts import JOB, StepClock
from tests.support.rechained import body, changed, fields_of, rewrite, stored_bodies

needs_openssl = pytest.mark.skipif(timestamp_authority.MISSING is not None, reason=str(timestamp_authority.MISSING))
HOUR_US = 3_600_000_000


class Stamps:
    """A log of ten events, whose clock moves a second a look, and what is found of it once timestamps are in it."""

    def __init__(self, log: EventLog, clock: StepClock) -> None:
        self.log, self.clock = log, clock
        for _ in range(9):
            more(log, 1)

    def put(self, *, size: int, time_us: int) -> int:
        """Record a timestamp by nobody; return its seq."""
        event = CheckpointTimestamped(size=size, root=bytes(32), authority="http://a", token=b"", time=time_us)
        draft = Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)
        return self.log.append([draft], append_id=append_id(f"stamp/{self.log.head().size}")).first

    def remarks(self) -> list[Flaw]:
        """Return what is remarked of a copy of the log, and of an archive of it: the same."""
        folder = shutil.copytree(self.log.folder, self.log.folder.parent / "copy")
        held = hold_stamps(verify_folder(folder), folder)
        backup = put(folder.parent / "a.db", archive(list(self.log.read())))
        assert "intact" == held.verdict
        assert held.found.remarks == hold_stamps(verify_archive(backup), backup).found.remarks
        assert len(held.found.remarks) == held.found.remark_count
        return list(held.found.remarks)


@pytest.fixture
def stamps(log: EventLog, clock: StepClock) -> Stamps:
    """The same log for all."""
    return Stamps(log, clock)


def test_times_that_agree(stamps: Stamps) -> None:
    """Within what two clocks may differ by: nothing is said."""
    last = stamps.clock.now_us
    stamps.put(size=10, time_us=last - SLACK_US)
    stamps.put(size=10, time_us=last + SLACK_US)
    assert [] == stamps.remarks()


def test_an_event_that_says_it_came_after_its_timestamp(stamps: Stamps) -> None:
    """The first of those is named; the ones before it may well be right."""
    at = [fields_of(one.body)[1] for one in stamps.log.read()]
    seq = stamps.put(size=10, time_us=at[7] - 1 - SLACK_US)
    (remark,) = stamps.remarks()
    assert (7, "recorded_at") == (remark.seq, remark.kind)
    assert remark.expected.endswith(f"Z, by the timestamp at seq {seq}")
    assert remark.expected.startswith("at most 2026-02-")


def test_only_what_it_covers_is_held_against_it(stamps: Stamps) -> None:
    """Of a timestamp over five events the sixth has nothing to say."""
    at = [fields_of(one.body)[1] for one in stamps.log.read()]
    stamps.put(size=5, time_us=at[4] - SLACK_US)
    assert [] == stamps.remarks()


def test_events_that_say_they_came_before_a_timestamp_in_front_of_them(stamps: Stamps) -> None:
    """A clock set back by an hour: the timestamp's own event shows it, as no event after it can be older."""
    seq = stamps.put(size=10, time_us=stamps.clock.now_us + HOUR_US)
    more(stamps.log, 3)
    (remark,) = stamps.remarks()
    assert (seq, "recorded_at", True) == (remark.seq, remark.kind, remark.expected.startswith("at least "))


@pytest.mark.parametrize("size", [0, 11, 2**62])
def test_a_timestamp_over_events_that_were_not_there(stamps: Stamps, size: int) -> None:
    """Nobody can have made it."""
    seq = stamps.put(size=size, time_us=0)
    assert [Flaw(seq, "timestamp", f"one of 1 to {seq} events", f"one of {size}")] == stamps.remarks()


@pytest.mark.parametrize("time_us", [-62_135_596_800_000_000, 253_402_300_799_999_999])
def test_the_ends_of_time(stamps: Stamps, time_us: int) -> None:
    """Are written down as they are."""
    stamps.put(size=10, time_us=time_us)
    assert ["recorded_at"] == [one.kind for one in stamps.remarks()]


def test_a_bad_verdict_stands(stamps: Stamps, tmp_path: Path) -> None:
    """Of a log that does not hold nothing else is said."""
    stamps.put(size=99, time_us=0)
    bad = put(tmp_path / "a.db", archive(list(stamps.log.read()))[:-3])
    report = verify_archive(bad)
    assert ("truncated", report) == (report.verdict, hold_stamps(report, bad))


Held = Callable[..., VerifyReport]


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an authority."""
    folder = tmp_path_factory.mktemp("tsa")
    timestamp_authority.make(folder)
    return folder


@pytest.fixture
def held(home: LedgerHome, tsa: Path, tmp_path: Path) -> Iterator[Held]:
    """Hold a log against its own timestamps, of 7 and 12 events, once its bodies were changed."""
    with EventLog(home, now=lambda: time.time_ns() // 1000) as log, timestamp_authority.authority(tsa) as url:
        authority = Authority(url=url, roots=read_roots(tsa / "root.pem"), timeout_s=5)
        for _ in range(2):
            more(log, 6 if log.head().size == 1 else 3)
            signed = sign(log, tmp_path / "out")
            stamp(log, signed, authority, job_id=JOB, lock_timeout_s=5)
        folder = log.folder
    bodies = stored_bodies(folder)

    def hold(change: Callable[[list[bytes]], list[bytes]], root: Path = tsa / "root.pem") -> VerifyReport:
        rewrite(folder, change(list(bodies)))
        return hold_stamps(verify_folder(folder), folder, read_roots(root))

    yield hold
    rewrite(folder, bodies)


def as_it_is(bodies: list[bytes]) -> list[bytes]:
    """Change nothing."""
    return bodies


@needs_openssl
def test_a_log_that_holds_its_timestamps(held: Held) -> None:
    """They are one witness more."""
    report = held(as_it_is)
    assert ("intact", 0, ("anchor", "timestamp")) == (report.verdict, report.found.remark_count, report.witnesses)


@needs_openssl
@pytest.mark.parametrize("seq", range(1, 7))
def test_an_event_that_was_dated_cannot_be_changed(held: Held, seq: int) -> None:
    """With nothing kept elsewhere but the root certificate: the chain holds, and the authority saw another tree."""

    def change(bodies: list[bytes]) -> list[bytes]:
        # Without `checkpoint.signed`, whose heads a forger would mend as well.
        return [changed(bodies, seq, job_id=bytes(16))[at] for at in (0, 1, 2, 3, 4, 5, 6, 8)]

    report = held(lambda bodies: [body([at, *fields_of(one)[1:]]) for at, one in enumerate(change(bodies))])
    assert ("forked", "timestamp", ()) == (
        report.verdict,
        report.first_bad.kind if report.first_bad else None,
        report.witnesses,
    )


@needs_openssl
def test_another_time_beside_a_token(held: Held) -> None:
    """The time that the authority signed is the one that counts."""

    def later(bodies: list[bytes]) -> list[bytes]:
        return changed(bodies, 8, data={"time": fields_of(bodies[8])[7]["time"] + 1_000_000})

    report = held(lambda bodies: later(bodies)[:9])
    assert ("forked", 8) == (report.verdict, report.first_bad.seq if report.first_bad else None)


@needs_openssl
def test_who_is_not_trusted_dates_nothing(held: Held, tmp_path: Path) -> None:
    """Two remarks, and no witness: nobody else's word was broken."""
    report = held(as_it_is, timestamp_authority.make(tmp_path / "other"))
    assert ("intact", [8, 13], ("anchor",)) == (
        report.verdict,
        [one.seq for one in report.found.remarks],
        report.witnesses,
    )


@needs_openssl
def test_no_timestamp_at_all(held: Held) -> None:
    """Whoever asks for one is told: it may have been taken out."""
    report = held(lambda bodies: bodies[:8])
    assert ("intact", ["none"]) == (report.verdict, [one.found for one in report.found.remarks])
