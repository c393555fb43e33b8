"""`main alerts` says what is wrong, records its beginning and its end, and tells a receiver of each once."""

import fcntl
import subprocess
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ledger.codec import decode_envelope, decode_event
from ledger.events import AlertRaised, AlertSent, Event
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.mark import VerdictMark, clear_mark, put_mark
from tests.support.cli import Result, command, environment, run_main
from tests.support.receiver import Came, Receiver, Says
from tests.support.sample_ledger import FOLDER, NOW, kept, look

SECRET = f"whsec_{b64encode(b'never tell anybody of this').decode()}"
OTHER = f"whsec_{b64encode(b'another secret, just as long').decode()}"
TOKEN = "/hook/tOkEn-of-the-path"  # noqa: S105 - to be looked for where it must not be
MISSING = "got 3 sessions missing, want none"
ON = NOW | {"ALERTING_ENABLED": "true", "ALERT_TIMEOUT_SECONDS": "1"}
SPOOL = Path("dados") / "sample" / "alerts" / "transitions.jsonl"


def told(receiver: Receiver, folder: Path, *args: str, **env: str) -> Result:
    """Run `main alerts` with `receiver` as its webhook."""
    settings = ON | {"ALERT_WEBHOOK_URL": f"{receiver.url}{TOKEN}", "ALERT_WEBHOOK_SECRET": SECRET} | env
    return run_main("alerts", *args, cwd=folder, env=settings)


def recorded(folder: Path, ledger: Path = Path("dados") / "sample") -> list[Event]:
    """Return the events of alerts that the log has, in order."""
    with EventLog(LedgerHome(folder / ledger), now=lambda: 0, readonly=True, check=False) as log:
        envelopes = [decode_envelope(record.seq, record.body) for record in log.read()]
        raw = b"".join(record.body for record in log.read())
    found = [decode_event(one) for one in envelopes if one.type.startswith("alert.")]
    assert TOKEN.encode() not in raw
    assert b"127.0.0.1" not in raw
    return found


def data_of(came: Came) -> dict[str, Any]:
    """Return what a message says, its signature having been verified by the reference library."""
    Webhook(SECRET).verify(came.body, dict(came.headers))
    found: dict[str, Any] = msgspec.json.decode(came.body)["data"]
    return found


def test_by_itself_it_only_prints(sample: Path) -> None:
    """What is wrong, and why it ends as it does; nothing is recorded, since nobody asked for it."""
    before = kept(sample)
    found = look("alerts", "--format", "json", cwd=sample)
    (row,) = found.lines()
    del row["job_id"]
    assert (1, f"warning: sessions.missing ITUB4.SA: {MISSING}\n") == (found.code, found.err)
    assert row == {
        "ticker": "ITUB4.SA", "metric": "sessions.missing", "value": 3, "threshold": 0,
        "timestamp": "2026-02-13T23:00:00Z", "severity": "warning", "reason": MISSING,
        "episode_id": None, "delivery": None,
    }  # fmt: skip
    assert f"warning: sessions.missing ITUB4.SA | {MISSING}\n" == look("alerts", cwd=sample).out
    assert before == kept(sample)
    assert not (sample / SPOOL).parent.exists()


def test_a_late_ticker_is_critical(sample: Path) -> None:
    """As in `main metrics`."""
    found = run_main("alerts", "--format", "json", cwd=sample, env={"B3_LEDGER_NOW": "2026-02-18T21:30:00Z"})
    lag = [(row["ticker"], row["value"]) for row in found.lines() if row["metric"] == "ingest.lag"]
    assert (2, [("ITUB4.SA", 426_600), ("PETR4.SA", 426_600)]) == (found.code, lag)


def test_a_beginning_is_recorded_and_delivered_once(copy: Path) -> None:
    """However often one looks; the reference library verifies the signature, and no other secret does."""
    with Receiver(204) as receiver:
        first, again = (told(receiver, copy, "--format", "json") for _ in range(2))
    (came,) = receiver.came
    (row,), (same,) = first.lines(), again.lines()
    raised, sent = recorded(copy)
    assert isinstance(raised, AlertRaised)
    assert isinstance(sent, AlertSent)
    assert ("raised", "delivered", 1, 204) == (sent.transition, sent.outcome, sent.attempts, sent.status_code)
    assert (sha256(b"127.0.0.1").digest(), raised.episode_id) == (sent.host_hash, sent.episode_id)
    assert data_of(came) == {**{key: row[key] for key in row if key != "delivery"}, "transition": "raised"}
    assert (1, 1, row, "delivered") == (first.code, again.code, same, row["delivery"])
    assert (TOKEN, "sessions.missing") == (came.path, msgspec.json.decode(came.body)["type"])
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(came.body, dict(came.headers))
    assert b"" == (copy / SPOOL).read_bytes()


def test_while_one_secret_replaces_another_both_sign(copy: Path) -> None:
    """A receiver that knows either takes the message."""
    with Receiver(200) as receiver:
        told(receiver, copy, ALERT_WEBHOOK_SECRET=f"{OTHER} {SECRET}")
    (came,) = receiver.came
    assert Webhook(OTHER).verify(came.body, dict(came.headers)) == Webhook(SECRET).verify(came.body, dict(came.headers))


@pytest.mark.parametrize(
    ("says", "outcome", "attempts", "status", "words"),
    [
        ([Says(301, {"location": "/elsewhere"})], "failed", 1, 301, "status 301"),
        ([410], "gone", 1, 410, "status 410"),
        ([429, 200], "delivered", 2, 200, None),
        ([Says(429, {"retry-after": "0"}), Says(503, {"retry-after": "0"}), 200], "delivered", 3, 200, None),
        ([Says(429, {"retry-after": "3600"})], "failed", 1, 429, "status 429"),
        ([Says(500, {"retry-after": "0"})], "failed", 3, 500, "status 500"),
        ([404], "failed", 1, 404, "status 404"),
        ([None], "failed", 2, None, "no answer within 1 s"),
        ([Says(None, drips=True)], "failed", 2, None, "no answer within 1 s"),
    ],
)
def test_every_answer_has_its_end(
    says: list[int | Says | None], outcome: str, attempts: int, status: int | None, words: str | None, copy: Path
) -> None:
    """A redirect is not followed, 410 ends it, and what may pass is tried again, within a deadline."""
    began = time.monotonic()
    with Receiver(*(one if isinstance(one, Says | int) else Says(one) for one in says)) as receiver:
        found = told(receiver, copy)
    assert time.monotonic() - began < 20
    (sent,) = (event for event in recorded(copy) if isinstance(event, AlertSent))
    assert (outcome, attempts, status) == (sent.outcome, sent.attempts, sent.status_code)
    assert (1, attempts) == (found.code, len(receiver.came))
    assert 1 == len({(came.headers["webhook-id"], came.body) for came in receiver.came})
    about = "sessions.missing of ITUB4.SA, want a status of 2xx"
    warned = f"warning: webhook: got {words} from {receiver.url}/*** for {about}"
    assert (words is not None) is (warned in found.err)
    assert TOKEN not in found.err


def test_nobody_there_is_a_failure_that_names_no_address(copy: Path) -> None:
    """The reason alone."""
    with Receiver(200) as receiver:
        pass
    found = told(receiver, copy)
    assert f"got Connection refused from {receiver.url}/*** for" in found.err
    assert (1, True) == (found.code, TOKEN not in found.err)


def test_what_failed_is_sent_again_as_the_same_message(copy: Path) -> None:
    """Its failure is recorded once, however long it lasts."""
    with Receiver(404, 404, 200) as receiver:
        for _ in range(4):
            told(receiver, copy)
    outcomes = [event.outcome for event in recorded(copy) if isinstance(event, AlertSent)]
    assert (["failed", "delivered"], 3) == (outcomes, len(receiver.came))
    assert 1 == len({(came.headers["webhook-id"], came.body) for came in receiver.came})


def test_who_wants_no_more_gets_no_more_until_named_by_hand(copy: Path) -> None:
    """Not by another beginning either."""
    with Receiver(410, 200) as receiver:
        told(receiver, copy)
        put_mark(copy / FOLDER, VerdictMark(verdict="tampered"))
        silent = told(receiver, copy)
        assert (2, 1) == (silent.code, len(receiver.came))
        assert "got 410 Gone earlier, and nothing was sent from" in silent.err
        by_hand = told(receiver, copy, "--webhook", f"{receiver.url}{TOKEN}")
    assert (2, ["sessions.missing", "verdict.bad"]) == (
        by_hand.code,
        [data_of(came)["metric"] for came in receiver.came],
    )


def test_while_nothing_may_be_appended_it_is_kept_and_told(copy: Path) -> None:
    """A bad verdict stops every writer; what was told of it is recorded under the same ids once that is over."""
    put_mark(copy / FOLDER, VerdictMark(verdict="tampered"))
    with Receiver(200) as receiver:
        found = told(receiver, copy)
        assert (2, []) == (found.code, recorded(copy))
        assert "note: alerts are kept in dados/sample/alerts, not recorded: got a ledger that main verify" in found.err
        again = told(receiver, copy)
        clear_mark(copy / FOLDER)
        over = told(receiver, copy)
    bad, missing, end = map(data_of, receiver.came)
    assert ("verdict.bad", "critical", "raised") == (bad["metric"], bad["severity"], bad["transition"])
    assert ("verdict.bad", "resolved", bad["episode_id"]) == (end["metric"], end["transition"], end["episode_id"])
    assert (2, 1, "sessions.missing") == (again.code, over.code, missing["metric"])
    events = recorded(copy)
    shape = [(type(event).__name__, getattr(event, "metric", None)) for event in events]
    assert shape == [
        ("AlertRaised", "verdict.bad"), ("AlertRaised", "sessions.missing"),
        ("AlertSent", "verdict.bad"), ("AlertSent", "sessions.missing"),
        ("AlertResolved", "verdict.bad"), ("AlertSent", "verdict.bad"),
    ]  # fmt: skip
    assert bad["episode_id"].replace("-", "") == events[0].episode_id.hex()
    assert b"" == (copy / SPOOL).read_bytes()
    assert 0 == look("verify", cwd=copy).code
    assert 0 == look("rebuild", "--check", cwd=copy).code


@pytest.mark.damages("the database's file")
def test_a_ledger_that_cannot_be_read_is_told_of_once(copy: Path) -> None:
    """Its log can take no event, so the book beside it is all that remembers."""
    data = copy / FOLDER / "data.mdb"
    data.write_bytes(data.read_bytes()[:9000])
    with Receiver(200) as receiver:
        codes = [told(receiver, copy).code for _ in range(2)]
    (came,) = receiver.came
    assert ([2, 2], "verdict.bad") == (codes, data_of(came)["metric"])


def test_a_backup_ends_the_alarm_over_its_age(home: LedgerHome, tmp_path: Path) -> None:
    """The beginning and the end of an episode have two ids, and the end says what it is the end of."""
    assert home.root == tmp_path / "dados"
    env = ON | {"B3_LEDGER_NOW": "2026-02-15T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
    env |= {"ALERT_BACKUP_AGE_THRESHOLD": "1", "ALERT_VERIFICATION_AGE_THRESHOLD": "0", "ALERT_WEBHOOK_SECRET": SECRET}
    with Receiver(200) as receiver:
        env |= {"ALERT_WEBHOOK_URL": f"{receiver.url}{TOKEN}"}
        assert 1 == run_main("alerts", cwd=tmp_path, env=env).code
        assert 0 == run_main("backup", "--create", cwd=tmp_path, env=env).code
        assert 3 == run_main("alerts", cwd=tmp_path, env=env).code  # nothing is wrong, nor was ever ingested
    begun, ended = map(data_of, receiver.came)
    assert ("raised", "resolved", begun["episode_id"]) == (
        begun["transition"],
        ended["transition"],
        ended["episode_id"],
    )
    assert 2 == len({came.headers["webhook-id"] for came in receiver.came})
    names = [type(event).__name__ for event in recorded(tmp_path, Path("dados"))]
    assert ["AlertRaised", "AlertSent", "AlertResolved", "AlertSent"] == names


def test_a_receiver_that_never_answers_is_not_in_the_way_of_ingest(copy: Path) -> None:
    """No lock of the log is held while a message is under way."""
    with Receiver(Says(None)) as receiver:
        env = ON | {"ALERT_WEBHOOK_URL": receiver.url, "ALERT_WEBHOOK_SECRET": SECRET, "ALERT_TIMEOUT_SECONDS": "20"}
        line = command("alerts")
        waiting = subprocess.Popen(
            line, cwd=copy, env=environment(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not receiver.came:
                time.sleep(0.02)
            ran = run_main(
                "--no-network", "--ticker", "VALE3", cwd=copy, env=NOW | {"INGEST_LOCK_TIMEOUT_SECONDS": "0"}
            )
            assert (0, None) == (ran.code, waiting.poll())
        finally:
            waiting.terminate()
            waiting.communicate()


def test_there_is_one_at_a_time(copy: Path) -> None:
    """The second one is told, and does nothing."""
    (copy / SPOOL).parent.mkdir()
    with (copy / SPOOL).with_name("lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = run_main("alerts", cwd=copy, env=ON)
    assert (3, "") == (found.code, found.out)
    assert found.err.startswith("error: got another main alerts at work (dados/sample/alerts/lock is locked)")


@pytest.mark.parametrize(
    ("damage", "end", "code"),
    [(None, "/log", 1), ("mark", "/2", 2), ("gone", "/3", 3)],
)
def test_a_switch_hears_the_beginning_and_the_end(damage: str | None, end: str, code: int, copy: Path) -> None:
    """With the job's id; 1 goes to the log, since every other number is a failure there."""
    if damage == "mark":
        put_mark(copy / FOLDER, VerdictMark(verdict="tampered"))
    folder = copy.parent if damage == "gone" else copy
    with Receiver(200) as receiver:
        found = run_main("alerts", "--ping", f"{receiver.url}{TOKEN}?a=b", cwd=folder, env=NOW)
    begun, ended = (came.path for came in receiver.came)
    (rid,) = {path.partition("&rid=")[2] for path in (begun, ended)}
    assert (f"{TOKEN}/start?a=b&rid={rid}", f"{TOKEN}{end}?a=b&rid={rid}", 36) == (begun, ended, len(rid))
    assert code == found.code


def test_a_switch_that_does_not_hear_is_a_warning(tmp_path: Path) -> None:
    """Named by its host alone."""
    with Receiver(503) as receiver:
        env = NOW | {"METRICS_INGEST_LAG_THRESHOLD": "1"}
        found = run_main("alerts", "--ping", f"{receiver.url}{TOKEN}", cwd=tmp_path, env=env)
    assert f"warning: ping start: got status 503 from {receiver.url}/***, want a status of 2xx\n" in found.err
    assert (3, True) == (found.code, TOKEN not in found.err.replace(f"--ping {receiver.url}{TOKEN}", ""))


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """Neither those in force nor those that cannot be parsed."""
    url = f"https://hooks.example.com:8443{TOKEN}?key=1"
    env = {"ALERT_WEBHOOK_URL": url, "ALERT_PING_URL": url, "ALERT_WEBHOOK_SECRET": SECRET}
    shown = run_main("config", cwd=tmp_path, env=env).out
    assert "ALERT_WEBHOOK_URL='https://hooks.example.com:8443/***'  # environment" in shown
    assert "ALERT_WEBHOOK_SECRET='***'  # environment" in shown
    for name, value in (("ALERT_WEBHOOK_SECRET", "hunter2"), ("ALERT_WEBHOOK_URL", f"ftp://x{TOKEN}")):
        bad = run_main("alerts", cwd=tmp_path, env={name: value})
        assert f"error: got {name}='***' from environment, want " in bad.err
        assert (3, True) == (bad.code, value not in bad.err)
    assert SECRET.removeprefix("whsec_") not in shown
    assert TOKEN not in shown


def test_a_webhook_without_a_secret_is_refused(sample: Path) -> None:
    """An unsigned message could be anybody's."""
    found = run_main("alerts", cwd=sample, env=ON | {"ALERT_WEBHOOK_URL": f"https://hooks.example.com{TOKEN}"})
    words = "error: got https://hooks.example.com/*** without ALERT_WEBHOOK_SECRET, want the secret that signs"
    assert (3, True) == (found.code, found.err.startswith(words))
