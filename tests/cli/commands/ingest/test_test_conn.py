"""`main test-conn` asks one question, and records the answer where there is a ledger."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cli.app.exit_codes import Exit
from cli.commands.ingest.test_conn import ConnStatus, exit_code, status_of
from cli.entry import run
from ledger.chain import Head, Link
from ledger.ingest.providers.port import Probe
from ledger.ingest.providers.yahoo.provider import YahooProvider
from ledger.store.anchor import Anchor
from ledger.store.event_log import EventLog
from ledger.values import ErrorKind
from tests.support.cli import Result, run_main
from tests.support.sample_ledger import look
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import Fault, Hang, Html, Status, YahooServer

TICKER = "PETR4.SA"
NOW = "2026-02-13T23:00:00Z"


@pytest.fixture
def server() -> Iterator[YahooServer]:
    """A Yahoo on loopback."""
    with YahooServer() as server:
        server.series[TICKER] = make_series([date(2026, 2, 13)])
        yield server


def probe(server: YahooServer, folder: Path, *args: str) -> Result:
    """Ask the server, once, at a fixed time."""
    env = {"YAHOO_BASE_URL": server.url, "B3_LEDGER_NOW": NOW}
    return run_main("test-conn", "--provider", "yfinance", *args, "--format", "json", cwd=folder, env=env)


def types(folder: Path) -> list[str]:
    """Return the types of the ledger's events."""
    return [event["type"] for event in run_main("events", "--format", "json", cwd=folder).lines()]


def test_a_provider_that_answers_is_recorded(server: YahooServer, tmp_path: Path, log: EventLog) -> None:
    """Every field, and the event, which comes eleven days after the last one."""
    before = log.head().size
    found = probe(server, tmp_path)
    (row,) = found.lines()
    latency_ms = row.pop("latency_ms")
    assert (0, "note: the clock is 11 days past the last recorded event\n") == (found.code, found.err)
    assert 0 <= latency_ms < 2000
    assert {"provider": "yfinance", "status": "ok", "last_success_at": NOW, "error": None} == row
    assert (before + 1, ["ledger.created/1", "connection.tested/1"]) == (log.head().size, types(tmp_path))


def test_no_ledger_is_made_for_a_probe(server: YahooServer, tmp_path: Path) -> None:
    """Asking is not ingesting."""
    found = probe(server, tmp_path)
    assert (0, []) == (found.code, list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Status(code=429), (1, "rate-limited", "rate-limit:")),
        (Status(code=500), (2, "unreachable", "bad-answer:")),
        (Html(), (2, "unreachable", "bad-answer:")),
        (Hang(), (2, "unreachable", "timeout:")),
    ],
)
def test_a_provider_in_trouble_is_told_apart(
    fault: Fault, told: tuple[int, str, str], server: YahooServer, tmp_path: Path, log: EventLog
) -> None:
    """And when it last answered is still known."""
    probe(server, tmp_path)
    server.faults[TICKER] = [fault]
    found = probe(server, tmp_path, "--timeout", "0.5")
    (row,) = found.lines()
    kind = row["error"].partition(" ")[0]
    assert (told, NOW) == ((found.code, row["status"], kind), row["last_success_at"])
    assert 3 == log.head().size


def test_a_probe_that_breaks_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that nobody foresaw is `internal`, and no traceback."""

    def breaks(*_: object, **__: object) -> None:
        raise OverflowError("year 99999999999")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(YahooProvider, "probe", breaks)
    assert 2 == run(["test-conn", "--format", "json"])
    row = json.loads(capsys.readouterr().out)
    assert ("unreachable", "internal: got OverflowError: year 99999999999, want none") == (row["status"], row["error"])


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    """Never answered, as far as is known."""
    env = {"YAHOO_BASE_URL": "http://127.0.0.1:1"}
    found = run_main("test-conn", "--format", "json", cwd=tmp_path, env=env)
    (row,) = found.lines()
    assert (2, "unreachable", None) == (found.code, row["status"], row["last_success_at"])
    assert row["error"].startswith("connection: ")


def test_the_sample_answers_ok(sample: Path, tmp_path: Path) -> None:
    """With a ledger of its own or without; the real one is asked for by name."""
    assert sample != tmp_path
    found = look("test-conn", "--provider", "sample", cwd=tmp_path)
    assert Result(0, "sample: ok | 0ms | last success 2026-02-13T23:00:00Z\n", "") == found


def test_the_samples_probe_goes_into_the_samples_ledger(copy: Path) -> None:
    """And Yahoo's does not: real and sample never mix."""
    look("test-conn", "--provider", "sample", cwd=copy)
    env = {"YAHOO_BASE_URL": "http://127.0.0.1:1"}
    run_main("test-conn", cwd=copy, env=env)
    events = run_main("events", "--type", "connection", "--format", "json", cwd=copy).lines()
    assert ["sample"] == [event["data"]["provider"] for event in events]


def test_a_probe_that_cannot_be_recorded_is_shown_all_the_same(
    server: YahooServer, tmp_path: Path, log: EventLog
) -> None:
    """With a warning."""
    head = log.head()
    Anchor.create(log.folder / "head", Head(9, Link(bytes(32)))).close()
    found = probe(server, tmp_path)
    Anchor.create(log.folder / "head", head).close()
    assert (1, "ok", head) == (found.code, found.lines()[0]["status"], log.head())
    assert found.err.startswith("warning: not recorded: got a log of 1 events, want the 9 that the anchor remembers")


@pytest.mark.parametrize("args", [["--provider", "bloomberg"], ["--timeout", "0"], ["--timeout", "soon"]])
def test_a_call_that_makes_no_sense_is_refused(args: list[str], tmp_path: Path) -> None:
    """Exit 3."""
    assert 3 == run_main("test-conn", *args, cwd=tmp_path).code


@pytest.mark.parametrize(
    ("latency_ms", "kind", "status", "code"),
    [
        (2000, None, "ok", 0),
        (2001, None, "slow", 1),
        (1, "rate-limit", "rate-limited", 1),
        (1, "timeout", "unreachable", 2),
        (1, "not-found", "unreachable", 2),
    ],
)
def test_the_threshold_of_slow(latency_ms: int, kind: ErrorKind | None, status: ConnStatus, code: Exit) -> None:
    """Just inside and just outside."""
    found = status_of(Probe(latency_ms=latency_ms, error_kind=kind))
    assert (status, code) == (found, exit_code(found))
