"""A ledger that version 0.1.0 wrote goes on: it verifies, rebuilds, shows what it showed, and takes more.

`tests/vectors/ledger-0.1.0/` is made by that version itself; `tests/support/make_old_ledger.py` says how.
"""

import runpy
import struct
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3

from ledger.backup.archive_log import archive_log
from ledger.codec import decode_envelope, decode_event
from ledger.market.sessions import sessions
from ledger.store.home import LedgerHome
from ledger.values import Window
from tests.support import yahoo_series
from tests.support.archives import put
from tests.support.cli import REPOSITORY, Result, run_main
from tests.support.make_old_ledger import SHOWN, TICKER
from tests.support.oracle import check_home, check_log
from tests.support.yahoo_server import YahooServer

VECTORS = REPOSITORY / "tests" / "vectors" / "ledger-0.1.0"
ARCHIVE = VECTORS / "ledger.db"
NOW = {"B3_LEDGER_NOW": "2026-02-20T22:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
TYPES = {
    "backup.created/1", "backup.failed/1", "backup.restored/1", "connection.tested/1", "fetch.failed/1",
    "fetch.succeeded/1", "head.accepted/1", "ingest.failed/1", "ingest.refused/1", "ledger.created/1",
    "snapshot.written/1", "validation.completed/1",
}  # fmt: skip
READING = [
    (["metrics"], 2),
    (["logs"], 0),
    (["health"], 2),
    (["snapshot", "--ticker", TICKER], 0),
    (["snapshot", "--check"], 0),
    (["verify"], 0),
    (["replay"], 0),
    (["rebuild", "--check"], 0),
    (["diff", "--ticker", TICKER, "--from", "5", "--to", "20"], 1),
    (["gaps"], 1),
    (["why", "--ticker", TICKER, "--date", "2025-12-01"], 0),
    (["compare", "--ticker", TICKER], 1),
    (["export", "--out", "{out}", "--format", "csv"], 0),
    (["plot", "--ticker", TICKER, "--out", "{out}.svg"], 0),
    (["events"], 0),
    (["backup", "--list"], 0),
]


def main(*args: str, cwd: Path, **env: str) -> Result:
    """Run `main` on `args` a week after the last event of the old ledger."""
    return run_main(*args, cwd=cwd, env={**NOW, **env})


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """A working folder in which the old ledger was restored; whatever a test does leaves it whole."""
    done = main("backup", "--restore", "--from", str(ARCHIVE), "--yes", cwd=tmp_path)
    assert 0 == done.code, done.err
    yield tmp_path
    check_home(LedgerHome(tmp_path / "dados"))


def test_every_type_of_event_of_then_is_in_it() -> None:
    """And each of them decodes, links and folds."""
    log = archive_log(ARCHIVE)
    envelopes = [decode_envelope(record.seq, record.body) for record in log.read()]
    assert TYPES == {envelope.type for envelope in envelopes}
    assert len(envelopes) == len([decode_event(envelope) for envelope in envelopes])
    check_log(log)


@pytest.mark.parametrize("name", SHOWN)
def test_it_shows_what_it_showed(name: str, tmp_path: Path) -> None:
    """Every field that 0.1.0 printed, value for value."""
    done = main(*SHOWN[name], "--format", "json", "--ledger", str(ARCHIVE), cwd=tmp_path)
    want = [msgspec.json.decode(line) for line in (VECTORS / f"{name}.ndjson").read_bytes().splitlines()]
    assert want == [_fields(row, like) for row, like in zip(done.lines(), want, strict=True)]


def _fields(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in like if key in row}


def test_it_verifies_and_rebuilds(old: Path) -> None:
    """As a backup, as a ledger, and after a rebuild."""
    for args in (["verify", str(ARCHIVE)], ["verify"], ["rebuild"], ["rebuild", "--check"], ["verify", "--structure"]):
        done = main(*args, cwd=old)
        assert 0 == done.code, done.err


def test_every_reading_command_reads_it(old: Path) -> None:
    """With the exit code that what it says calls for, none of them an error."""
    for args, code in READING:
        done = main(*[word.format(out=old / "out") for word in args], cwd=old)
        assert (args, code) == (args, done.code), done.err
        assert "error: " not in done.err


def test_it_takes_more(old: Path) -> None:
    """The next run goes on from what was held, what it wrote holds, and it commits to what the old decisions led to.

    The answer has neither the dividend nor the split that is held: both are kept, and flagged once. So is that every
    price is another one, by no one ratio.
    """
    days = sessions(Window(date(2025, 9, 1), date(2026, 2, 20)))
    with YahooServer() as server:
        server.series[TICKER] = yahoo_series.make_series(days, seed=5, close=16.0)
        server.now = datetime.fromisoformat(NOW["B3_LEDGER_NOW"])
        for code, status, flagged in ((1, "warning", 3), (0, "success", 0)):
            done = main("--ticker", TICKER, "--format", "json", cwd=old, YAHOO_BASE_URL=server.url)
            (row,) = done.lines()
            assert (code, status, flagged) == (done.code, row["status"], row["flagged"]), done.err
            warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
            assert [f"warning: {TICKER}: 3 flagged: main validation {TICKER}"] * code == warnings
    assert len(days) == row["rows"]
    for args in (
        ["verify"],
        ["rebuild", "--check"],
        ["snapshot", "--check"],
        ["backup", "--create", "--out", "new.db"],
    ):
        assert 0 == main(*args, cwd=old).code
    found = runpy.run_path(str(REPOSITORY / "docs" / "examples" / "verify_states.py"))["verify"](old / "new.db")
    assert (None, True) == (found["first_bad"], found["decisions"] > 0)


def test_older_software_stops_at_a_newer_tag_with_its_name(tmp_path: Path) -> None:
    """Nothing that it does not know is skipped: this version meets a tag of later as 0.1.0 meets one of now."""
    content = ARCHIVE.read_bytes()
    last = list(archive_log(ARCHIVE).read())[-1]
    envelope = decode_envelope(last.seq, last.body)
    later = msgspec.structs.replace(envelope, seq=last.seq + 1, append_id=bytes(16), type="validation.completed/99")
    body = msgspec.msgpack.encode(later)
    link = blake3(last.link + body).digest()
    path = put(tmp_path / "later.db", content + struct.pack(">I", len(body)) + link + body)
    done = main("prices", "--ticker", TICKER, "--ledger", str(path), cwd=tmp_path)
    assert 2 <= done.code <= 3
    assert f"got event type 'validation.completed/99' at seq {last.seq + 1}" in done.err
