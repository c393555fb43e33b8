"""`main events` shows what the log holds, and the provider's answer byte for byte."""

import hashlib
import subprocess
import zlib
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.commands.evidence.events.row import readable
from ledger.codec import Draft
from ledger.events import Event, FetchSucceeded
from ledger.ids import text
from ledger.store.event_log import EventLog
from ledger.values import Answer, Identity, RawBar, Request, Source, Window
from tests.support.cli import Result, command, environment, run_main
from tests.support.drafts import JOB, connection_tested

BODY = b'{"chart": "\x00\xff"}\n'
DAY = date(2026, 2, 13)


def fetched(answer: Answer) -> Draft:
    """Return evidence of one bar whose close the provider did not know."""
    event: Event = FetchSucceeded(
        ticker="PETR4.SA",
        provider="yfinance",
        attempt=1,
        started_at=1,
        finished_at=2,
        request=Request(ticker="PETR4.SA", window=Window(DAY, DAY)),
        source=Source(library="yfinance", version="1"),
        answer=answer,
        identity=Identity(),
        bars=(RawBar(DAY, 1.5, 2.0, 1.0, float("nan"), None, 7),),
        actions=(),
    )
    return Draft(job_id=JOB, stream="PETR4.SA", event=event)


def kept(body: bytes, *, body_bytes: int | None = None) -> Answer:
    """Return `body` as an answer, its length forged when one is given."""
    length = len(body) if body_bytes is None else body_bytes
    return Answer(body=zlib.compress(body), body_bytes=length, sha256=hashlib.sha256(body).digest())


@pytest.fixture
def folder(tmp_path: Path, log: EventLog) -> Path:
    """A working folder whose ledger holds its creation, a fetch (seq 1), a probe (2) and a forged answer (3)."""
    log.append([fetched(kept(BODY))], append_id=bytes(16))
    log.append([connection_tested(1), fetched(kept(BODY * 50, body_bytes=len(BODY)))], append_id=b"1" * 16)
    return tmp_path


def test_a_listing_has_a_line_an_event_oldest_first(folder: Path) -> None:
    """In text and in JSON alike."""
    rows = run_main("events", "--format", "json", cwd=folder).lines()
    lines = run_main("events", cwd=folder).out.splitlines()
    assert [0, 1, 2, 3] == [row["seq"] for row in rows]
    assert [[str(row["seq"]), row["recorded_at"], row["type"], row["stream"]] for row in rows] == [
        line.split()[:4] for line in lines
    ]


@pytest.mark.parametrize(
    ("args", "seqs"),
    [
        (["--ticker", "petr4"], [1, 3]),
        (["--type", "fetch"], [1, 3]),
        (["--type", "connection.tested"], [2]),
        (["--type", "connection.tested/1"], [2]),
        (["--type", "backup"], []),
        (["--since", "2026-02-02"], [0, 1, 2, 3]),
        (["--since", "2026-02-03"], []),
        (["--limit", "1"], [3]),
        (["--limit", "1", "--ticker", "PETR4", "--type", "fetch"], [3]),
    ],
)
def test_filters_narrow_the_listing(args: list[str], seqs: list[int], folder: Path) -> None:
    """A ticker is understood in any case, a type by its family; nothing found is no error."""
    result = run_main("events", *args, "--format", "json", cwd=folder)
    assert (0, seqs) == (result.code, [row["seq"] for row in result.lines()])


def test_an_unknown_type_is_refused(folder: Path) -> None:
    """Rather than found nowhere."""
    result = run_main("events", "--type", "fetch.succeded", cwd=folder)
    assert (3, "") == (result.code, result.out)
    assert result.err.startswith("error: got type 'fetch.succeded', want one of alert.raised/1, ")


def test_an_event_is_shown_whole_but_for_the_answers_body(folder: Path, log: EventLog) -> None:
    """Bytes as hex, times as stored, a NaN as null; the body's length and hash stand for it."""
    (record,) = log.read(1, 2)
    (shown,) = run_main("events", "show", "1", "--format", "json", cwd=folder).lines()
    data = shown.pop("data")
    assert shown == {
        "seq": 1,
        "recorded_at": shown["recorded_at"],
        "job_id": text(JOB),
        "cause": None,
        "stream": "PETR4.SA",
        "type": "fetch.succeeded/1",
        "append_id": bytes(16).hex(),
        "link": record.link.hex(),
    }
    assert {"body_bytes": len(BODY), "sha256": hashlib.sha256(BODY).hexdigest()} == data["answer"]
    assert [["2026-02-13", 1.5, 2.0, 1.0, None, None, 7]] == data["bars"]


def test_the_text_of_an_event_ends_with_its_data(folder: Path) -> None:
    """As JSON that can be read."""
    result = run_main("events", "show", "1", cwd=folder)
    head, _, data = result.out.partition("data: ")
    assert (0, "seq: 1") == (result.code, head.splitlines()[0])
    assert "PETR4.SA" == msgspec.json.decode(data)["ticker"]


def test_raw_is_the_answer_byte_for_byte(folder: Path) -> None:
    """Not one newline more."""
    done = subprocess.run(
        command("events", "show", "1", "--raw"), cwd=folder, env=environment(), capture_output=True, check=True
    )
    assert (BODY, b"") == (done.stdout, done.stderr)


def test_an_answer_that_is_not_what_it_says_is_damage(folder: Path) -> None:
    """A stream longer than announced is never unpacked whole, and none of it is printed."""
    result = run_main("events", "show", "3", "--raw", cwd=folder)
    assert (2, "") == (result.code, result.out)
    assert result.err.startswith(f"error: got answer at seq 3: other bytes, want {len(BODY)} bytes with sha256 ")


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["4"], "got seq 4, want one below 4", "main events --limit 1"),
        (
            ["0", "--raw"],
            "got ledger.created/1 at seq 0, want an event that keeps a provider's answer",
            "main events show --help",
        ),
    ],
)
def test_an_event_that_is_not_there_exits_3(args: list[str], message: str, hint: str, folder: Path) -> None:
    """So does an answer that nobody gave; where the log is too short, the hint shows its last event."""
    assert Result(3, "", f"error: {message}\nhint: {hint}\n") == run_main("events", "show", *args, cwd=folder)


def test_without_a_ledger_there_is_nothing_to_browse(tmp_path: Path) -> None:
    """Looking does not create one."""
    result = run_main("events", "--format", "json", cwd=tmp_path)
    assert (3, []) == (result.code, list(tmp_path.iterdir()))
    assert f"got no ledger in {tmp_path / 'dados'}, want one" == result.lines()[0]["error_message"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b"\x00\xff", "00ff"),
        ([b"\x01", None], ["01", None]),
        ({"body": "kept"}, {"body": "kept"}),
        ({"body": b"x", "body_bytes": 1, "sha256": b"\x02"}, {"body_bytes": 1, "sha256": "02"}),
    ],
)
def test_stored_values_become_readable(stored: Any, shown: Any) -> None:
    """Only an answer loses its body."""
    assert shown == readable(stored)
