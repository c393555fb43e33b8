"""A witness cosigns what extends what it saw, and what it said lies in the note and in the log."""

from pathlib import Path

import pytest

from ledger.checkpoint.errors import CosignatureError, NoAnswerError
from ledger.checkpoint.holding import hold_tiles
from ledger.checkpoint.note import COSIGNATURE, VerifierKey, open_note, parse_verifier
from ledger.checkpoint.outside.cosignature import cosignatures
from ledger.checkpoint.outside.witnessing import AskedWitness, Cosigned, cosign
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import CHECKPOINT
from ledger.checkpoint.signing import Signed
from ledger.checkpoint.statement import parse_statement
from ledger.codec import decode_envelope, decode_event
from ledger.events import CheckpointCosigned
from ledger.store.event_log import EventLog
from tests.ledger.checkpoint.places import KEY, more, sign
from tests.support.drafts import JOB
from tests.support.witness import TIME_S, Reply, Witness


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where checkpoints are published."""
    return tmp_path / "out"


@pytest.fixture
def witness(log: EventLog, out: Path) -> Witness:
    """A witness that knows the log, which was signed once."""
    made = Witness()
    made.known[sign(log, out).statement.origin] = str(KEY.verifier())
    return made


def ask(log: EventLog, signed: Signed, url: str, *witnesses: Witness) -> Cosigned:
    """Have a checkpoint cosigned."""
    keys = tuple(parse_verifier(one.vkey(), COSIGNATURE) for one in witnesses)
    return cosign(log, signed, AskedWitness(url=url, keys=keys, timeout_s=5), job_id=JOB, lock_timeout_s=5)


def recorded(log: EventLog) -> list[CheckpointCosigned]:
    """Return every cosignature that the log records."""
    events = (decode_event(decode_envelope(one.seq, one.body)) for one in log.read())
    return [event for event in events if isinstance(event, CheckpointCosigned)]


def test_what_is_kept(log: EventLog, out: Path, witness: Witness) -> None:
    """The line joins the note, which opens and holds as before, and is an event."""
    signed = sign(log, out)
    with witness.serving() as url:
        found = ask(log, signed, f"{url}?key=secret", witness)
    note = Published(out).read(CHECKPOINT) or b""
    assert signed.note + witness.line(signed.statement.text()) == note
    assert signed.statement == parse_statement(open_note(note, KEY.verifier()))
    (event,) = recorded(log)
    assert (signed.statement.size, signed.statement.root, f"{url}?***", "witness.example/w1", TIME_S * 1_000_000) == (
        event.size,
        event.root,
        event.url,
        event.witness,
        event.time,
    )
    assert (signed.note + event.cosignature.encode(), event.key_id) == (note, found.cosignatures[0].key.key_id)
    assert "secret" not in f"{event} {found}"


@pytest.mark.parametrize("steps", [[1], [3, 250, 1], [255, 1, 1], [600, 5]])
def test_what_extends_is_cosigned_each_time(log: EventLog, out: Path, witness: Witness, steps: list[int]) -> None:
    """By the proof from what the witness saw last, over the borders of tiles; asked once each."""
    with witness.serving() as url:
        ask(log, sign(log, out), url, witness)
        for events in steps:
            more(log, events)
            signed = sign(log, out)
            ask(log, signed, url, witness)
            assert 1 == len(cosignatures(Published(out).read(CHECKPOINT) or b"", keys_of(witness)))
            assert "intact" == hold_tiles(signed.statement, Published(out)).verdict
    assert (len(steps) + 1, len(steps) + 1) == (len(witness.asked), len(recorded(log)))


def keys_of(witness: Witness) -> tuple[VerifierKey, ...]:
    """Return the witness's key."""
    return (parse_verifier(witness.vkey(), COSIGNATURE),)


def test_a_witness_that_knows_more_than_we_remember(log: EventLog, out: Path, witness: Witness) -> None:
    """It says which size it saw (409), and is asked again from there."""
    more(log, 5)
    with witness.serving() as url:
        ask(log, sign(log, out), url, witness)
        more(log, 300)
        ask(log, sign(log, out), f"{url}/", witness)  # under another name: what it saw is not known
    assert [b"old 0", b"old 0", b"old 7"] == [one.split(b"\n")[0] for one in witness.asked]


def test_again_it_is_not_asked(log: EventLog, out: Path, witness: Witness) -> None:
    """Nothing new is nothing to say; the line comes back where the note lost it."""
    signed = sign(log, out)
    with witness.serving() as url:
        first = ask(log, signed, url, witness)
    size, note = log.head().size, Published(out).read(CHECKPOINT)
    Published(out).put_checkpoint(signed.statement, signed.note)
    again = sign(log, out)
    assert (signed.statement, True) == (again.statement, again.repeated)
    second = ask(log, again, url, witness)
    assert (first.seqs, first.cosignatures, True) == (second.seqs, second.cosignatures, second.repeated)
    assert (size, note) == (log.head().size, Published(out).read(CHECKPOINT))


def test_two_witnesses(log: EventLog, out: Path, witness: Witness) -> None:
    """Each has its line."""
    other = Witness("other")
    other.known |= witness.known
    signed = sign(log, out)
    with witness.serving() as one, other.serving() as two:
        for url in (one, two):
            ask(log, signed, url, witness, other)
    assert ["witness.example/w1", "other"] == [event.witness for event in recorded(log)]
    assert 3 == (Published(out).read(CHECKPOINT) or b"").count("—".encode())


def refuses(log: EventLog, out: Path, witness: Witness, error: type[Exception], match: str) -> None:
    """Assert that nothing comes of asking, and that nothing of it is kept."""
    signed = sign(log, out)
    size, note = log.head().size, Published(out).read(CHECKPOINT)
    with witness.serving() as url, pytest.raises(error, match=match) as refused:
        ask(log, signed, f"{url}?key=secret", witness)
    assert "secret" not in str(refused.value)
    assert (size, note) == (log.head().size, Published(out).read(CHECKPOINT))


def test_a_witness_that_does_not_know_us(log: EventLog, out: Path, witness: Witness) -> None:
    """Neither the origin (404), nor the key (403): it can be told, and asked again."""
    origin = next(iter(witness.known))
    witness.known[origin] = str(KEY.verifier()).replace("PeterNeumann", "another")
    refuses(log, out, witness, NoAnswerError, "got HTTP status 403: none of the keys that signed is known there")
    witness.known.clear()
    refuses(log, out, witness, NoAnswerError, "got HTTP status 404: this origin is not known there")


def test_a_witness_that_saw_another_history(log: EventLog, out: Path, witness: Witness) -> None:
    """More events than there are, others of the same number, or fewer that these do not extend."""
    more(log, 20)
    sign(log, out)
    origin = next(iter(witness.known))
    witness.seen[origin] = 50, bytes(32)
    refuses(
        log, out, witness, CosignatureError, "got a checkpoint of 50 events from http.*, want none larger than the 22"
    )
    witness.seen[origin] = 22, bytes(32)
    refuses(
        log, out, witness, CosignatureError, "got another tree of 22 events|got a tree that this one does not extend"
    )
    witness.seen[origin] = 9, bytes(32)
    refuses(log, out, witness, CosignatureError, "got a tree that this one does not extend")


@pytest.mark.parametrize(
    ("reply", "error", "match"),
    [
        ((500, {}, b""), NoAnswerError, "got HTTP status 500"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), NoAnswerError, "got HTTP status 302"),
        ((200, {}, b""), CosignatureError, "got no cosignature by a known key"),
        ((200, {}, b"nonsense\n"), CosignatureError, "got signature line 'nonsense'"),
        ((200, {}, b"\xff\n"), CosignatureError, "no UTF-8"),
        ((200, {}, bytes(64 * 1024 + 1)), NoAnswerError, "got more than 65536 bytes"),
        ((409, {"Content-Type": "text/x.tlog.size"}, b"-1\n"), CosignatureError, "got another tree"),
        ((409, {"Content-Type": "text/x.tlog.size"}, b"9" * 5000), CosignatureError, "got another tree"),
        ((409, {"Content-Type": "text/x.tlog.size"}, b"0\n"), CosignatureError, "got another tree of 0 events"),
        ((409, {}, b"1\n"), CosignatureError, "got another tree"),
        ((422, {}, b""), CosignatureError, "got a tree that this one does not extend"),
    ],
)
def test_answers_that_are_none(
    log: EventLog, out: Path, witness: Witness, reply: Reply, error: type[Exception], match: str
) -> None:
    """Whatever comes back."""
    witness.answer = lambda _: reply  # type: ignore[method-assign]
    refuses(log, out, witness, error, match)


def test_a_cosignature_of_something_else(log: EventLog, out: Path, witness: Witness) -> None:
    """By a key that is known, over another text; and a good one by a key that is not."""
    witness.answer = lambda _: (200, {}, witness.line("another\n"))  # type: ignore[method-assign]
    refuses(log, out, witness, CosignatureError, "got a cosignature over other bytes")
    stranger = Witness("stranger")
    text = sign(log, out).statement.text()
    witness.answer = lambda _: (200, {}, stranger.line(text))  # type: ignore[method-assign]
    refuses(log, out, witness, CosignatureError, "got no cosignature by a known key")


def test_what_is_published_meanwhile_stays(log: EventLog, out: Path, witness: Witness) -> None:
    """The line of the older one is in the log alone."""
    old = sign(log, out)
    with witness.serving() as url:
        more(log, 3)
        new = sign(log, out)
        ask(log, old, url, witness)
    assert new.note == Published(out).read(CHECKPOINT)
    assert [old.statement.size] == [event.size for event in recorded(log)]
