"""A checkpoint is dated once by an authority, and what it answered lies beside it and in the log."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.checkpoint.errors import NoAnswerError, TimestampError
from ledger.checkpoint.note import split_note
from ledger.checkpoint.outside import stamping
from ledger.checkpoint.outside.stamping import Authority, Timestamped, stamp
from ledger.checkpoint.outside.timestamp import query, read_roots
from ledger.checkpoint.signing import Signed
from ledger.codec import decode_envelope, decode_event
from ledger.events import CheckpointTimestamped
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.checkpoint.places import more, sign
from tests.support import timestamp_authority
from tests.support.drafts import JOB
from tests.support.timestamp_authority import Answer

pytestmark = pytest.mark.skipif(timestamp_authority.MISSING is not None, reason=str(timestamp_authority.MISSING))


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an authority."""
    folder = tmp_path_factory.mktemp("tsa")
    timestamp_authority.make(folder)
    return folder


@pytest.fixture
def log(home: LedgerHome) -> Iterator[EventLog]:
    """A log that goes by this machine's clock, as the authority does."""
    with EventLog(home, now=lambda: time.time_ns() // 1000) as opened:
        yield opened


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where checkpoints are published."""
    return tmp_path / "out"


def stamped(log: EventLog, signed: Signed, url: str, tsa: Path, *, timeout_s: float = 5) -> Timestamped:
    """Have a checkpoint dated."""
    authority = Authority(url=url, roots=read_roots(tsa / "root.pem"), timeout_s=timeout_s)
    return stamp(log, signed, authority, job_id=JOB, lock_timeout_s=5)


def recorded(log: EventLog) -> list[CheckpointTimestamped]:
    """Return every timestamp that the log records."""
    events = (decode_event(decode_envelope(one.seq, one.body)) for one in log.read())
    return [event for event in events if isinstance(event, CheckpointTimestamped)]


def test_what_is_kept(log: EventLog, out: Path, tsa: Path, tmp_path: Path) -> None:
    """One answer, in the file and in the event, which OpenSSL finds good over the three lines."""
    more(log, 300)
    signed = sign(log, out)
    with timestamp_authority.authority(tsa) as url:
        found = stamped(log, signed, f"{url}?token=secret", tsa)
    (event,) = recorded(log)
    assert (301, signed.statement.root, f"{url}?***", found.time) == (
        event.size,
        event.root,
        event.authority,
        event.time,
    )
    assert (302, str(out / "checkpoint.tsr"), False) == (found.seq, found.file, found.repeated)
    assert event.token == (out / "checkpoint.tsr").read_bytes()
    assert abs(found.time - time.time_ns() // 1000) < 60_000_000
    (tmp_path / "text").write_text(split_note((out / "checkpoint").read_bytes())[0])
    assert timestamp_authority.verified(tmp_path / "text", out / "checkpoint.tsr", tsa / "root.pem")


def test_it_is_asked_once(log: EventLog, out: Path, tsa: Path) -> None:
    """Again it is the same one, from the log; the file comes back, and nothing new is signed because of it."""
    signed = sign(log, out)
    with timestamp_authority.authority(tsa) as url:
        first = stamped(log, signed, url, tsa)
    size = log.head().size
    (out / "checkpoint.tsr").unlink()
    again = sign(log, out)
    repeated = stamped(log, again, url, tsa)
    assert (signed.statement, True) == (again.statement, again.repeated)
    assert (first.time, first.seq, first.file, True) == (repeated.time, repeated.seq, repeated.file, repeated.repeated)
    assert (size, recorded(log)[0].token) == (log.head().size, (out / "checkpoint.tsr").read_bytes())


def test_another_authority_dates_it_too(log: EventLog, out: Path, tsa: Path) -> None:
    """One may be gone, or not be trusted by everybody."""
    signed = sign(log, out)
    for _ in range(2):
        with timestamp_authority.authority(tsa) as url:
            assert not stamped(log, signed, url, tsa).repeated
    assert 2 == len({event.authority for event in recorded(log)})


def test_the_next_checkpoint_is_not_dated_by_it(log: EventLog, out: Path, tsa: Path) -> None:
    """The file goes before another checkpoint takes the name; the log keeps what it said."""
    signed = sign(log, out)
    with timestamp_authority.authority(tsa) as url:
        stamped(log, signed, url, tsa)
    more(log, 1)
    later = sign(log, out)
    assert (4, False) == (later.statement.size, (out / "checkpoint.tsr").exists())
    with timestamp_authority.authority(tsa) as url:
        found = stamped(log, signed, url, tsa)  # of the one that is no longer published
    assert (None, False) == (found.file, (out / "checkpoint.tsr").exists())


def refuses(answer: Answer, log: EventLog, out: Path, tsa: Path, match: str) -> None:
    """Assert that an answer is refused, and that nothing of it is kept."""
    signed = sign(log, out)
    size = log.head().size
    with (
        timestamp_authority.serving(answer) as url,
        pytest.raises((NoAnswerError, TimestampError), match=match) as refused,
    ):
        stamped(log, signed, f"{url}?token=secret", tsa)
    assert "secret" not in str(refused.value)
    assert (size, False) == (log.head().size, (out / "checkpoint.tsr").exists())


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ((404, {}, b""), "got HTTP status 404 with application/timestamp-reply from http.*want 200 with"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "got HTTP status 200 with text/html"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "got HTTP status 302"),
        ((200, {}, b"nonsense"), "got bytes that are no answer"),
        ((200, {}, bytes(64 * 1024 + 1)), "got more than 65536 bytes"),
    ],
)
def test_what_is_no_timestamp(
    log: EventLog, out: Path, tsa: Path, answer: tuple[int, dict[str, str], bytes], match: str
) -> None:
    """Another status, another type, a redirect, junk, too much."""
    refuses(lambda _: answer, log, out, tsa, match)


def test_what_dates_something_else(log: EventLog, out: Path, tsa: Path) -> None:
    """The answer to another question, and one over another digest, though it bear the nonce."""
    other = query("another\n").content
    refuses(lambda _: (200, {}, timestamp_authority.reply(tsa, other)), log, out, tsa, "another question")

    def over_another(asked: bytes) -> tuple[int, dict[str, str], bytes]:
        digest = asked.index(b"\x04\x20") + 2
        return 200, {}, timestamp_authority.reply(tsa, asked[:digest] + bytes(32) + asked[digest + 32 :])

    refuses(over_another, log, out, tsa, f"got a timestamp over {'00' * 32}, want one over")


def test_an_authority_that_nobody_trusts(log: EventLog, out: Path, tsa: Path, tmp_path: Path) -> None:
    """Under another root."""
    timestamp_authority.make(tmp_path / "other")
    refuses(
        lambda asked: (200, {}, timestamp_authority.reply(tmp_path / "other", asked)),
        log,
        out,
        tsa,
        "one that does not hold",
    )


def test_a_crash_before_the_event(log: EventLog, out: Path, tsa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves a file that holds; the next call asks again and records."""
    signed = sign(log, out)

    def dies(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    with timestamp_authority.authority(tsa) as url:
        with monkeypatch.context() as patch:
            patch.setattr(EventLog, "append", dies)
            with pytest.raises(KeyboardInterrupt):
                stamped(log, signed, url, tsa)
        assert (out / "checkpoint.tsr").exists()
        assert [] == recorded(log)
        stamped(log, signed, url, tsa)
    assert [event.token for event in recorded(log)] == [(out / "checkpoint.tsr").read_bytes()]


def test_no_message_shows_the_url(tsa: Path) -> None:
    """Whoever prints it."""
    shown = repr(Authority(url="https://u:secret@a/?k=secret", roots=read_roots(tsa / "root.pem"), timeout_s=1))
    assert "Authority('https://***@a/?***')" == shown


def test_a_smaller_checkpoint_is_dated_in_the_log(log: EventLog, out: Path, tsa: Path) -> None:
    """One that is published nowhere has no file."""
    more(log, 10)
    sign(log, out)
    small = sign(log, out, size=5)
    with timestamp_authority.authority(tsa) as url:
        assert None is stamped(log, small, url, tsa).file
    assert [5] == [event.size for event in recorded(log)]


def test_two_that_ask_at_once(log: EventLog, out: Path, tsa: Path) -> None:
    """The one that is recorded first is what was said, and what lies beside the checkpoint."""
    more(log, 3)
    signed, found = sign(log, out), list[Timestamped]()

    def answer(query: bytes) -> tuple[int, dict[str, str], bytes]:
        if not found:
            with timestamp_authority.authority(tsa) as url:
                # Under the name that the other one asks.
                found.append(stamped(log, signed, url, tsa))
        return 200, {}, timestamp_authority.reply(tsa, query)

    with timestamp_authority.serving(answer) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stamping, "masked", lambda _: "the authority")
        late = stamped(log, signed, url, tsa)
    assert (found[0].seq, found[0].time, True) == (late.seq, late.time, late.repeated)
    (event,) = recorded(log)
    assert event.token == (out / "checkpoint.tsr").read_bytes()
