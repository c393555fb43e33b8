"""A file that version 1 imported by codes is imported again: what was blended, rejected or left out comes apart."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.codec import Draft, decode_envelope, decode_event
from ledger.events import SeriesRetired, ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.providers.cotahist import importing, layout, recorded
from ledger.ingest.providers.cotahist.intake import Contents
from ledger.ingest.providers.evidence import answer
from ledger.ingest.rules import judge
from ledger.ingest.rules.held import Held
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from tests.cli.commands.ingest.test_import_cotahist import DAYS, imported
from tests.ledger.ingest.answers import instant
from tests.support.cli import run_main
from tests.support.cotahist import line, made
from tests.support.oracle import check_home

NOW = {"B3_LEDGER_NOW": "2026-01-05T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
AT = instant("2026-01-05T11:00:00+00:00")
SHARE = [line(day) for day in DAYS]
AUCTION = [line(DAYS[0], "XPTO3", 900, market="017")]
OPTIONS = [
    line(DAYS[0], "BBASA45", 76, market="070", expiry="20250117"),
    line(DAYS[1], "BBASA45", 12, market="070", expiry="20260116"),
]
FORWARDS = [line(DAYS[0], "PETR4T", 3800 + days, market="030", term=f"{days:03}") for days in (30, 60)]
WEEKLY = [line(DAYS[0], "PETRA375W2", 50, market="070", expiry="20250110")]


def imported_by_code(tmp_path: Path, path: Path, by_code: Mapping[str, Sequence[bytes]]) -> None:
    """Append what version 1 made of the file at `path`: one series per code, of all its lines on one market."""
    sha256 = hashlib.sha256(path.read_bytes()).digest()
    contents = Contents(
        name=path.name,
        sha256=sha256,
        made_on=date(2025, 12, 31),
        window=Window(DAYS[0], DAYS[2]),
        records=9,
        outside=0,
        refused=(),
        tickers=len(by_code),
        started_at=AT,
        finished_at=AT,
    )
    with EventLog(LedgerHome(tmp_path / "dados"), now=lambda: AT, lock_timeout_s=5) as log:
        for ticker, lines in by_code.items():
            kept, bars = answer(b"".join(lines)), tuple(layout.quote(line).bar for line in lines)
            fetch = importing.evidence(ticker, kept, bars, contents)
            fetch = replace(fetch, source=replace(fetch.source, version="1"))
            reading = recorded.reading_by_code(b"".join(lines))
            decision = judge.judge(fetch, Held({}), basis="as_traded", exchange=None, reading=reading)
            assert isinstance(decision, ValidationCompleted)
            drafts = [
                Draft(job_id=bytes(16), stream=ticker, event=fetch),
                Draft(job_id=bytes(16), stream=ticker, event=decision, cause=log.head().size),
            ]
            log.append(drafts, append_id=append_id(f"cotahist/{sha256.hex()}/{ticker}"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger in which version 1 imported `OLD.TXT`, which lies beside it."""
    imported(tmp_path, made(tmp_path / "BEGIN.TXT", [line(DAYS[0], "ABEV3")]).name)
    path = made(tmp_path / "OLD.TXT", [*SHARE, *AUCTION, *OPTIONS, *FORWARDS, *WEEKLY])
    by_code = {"BBASA45.SA": OPTIONS, "PETR4.SA": SHARE, "PETR4T.SA": FORWARDS, "XPTO3.SA": AUCTION}
    imported_by_code(tmp_path, path, by_code)
    return tmp_path


def retired(tmp_path: Path) -> list[SeriesRetired]:
    """Return the records of ended series in the ledger."""
    with EventLog(LedgerHome(tmp_path / "dados"), now=lambda: 0, readonly=True) as log:
        events = [decode_event(decode_envelope(record.seq, record.body)) for record in log.read(0)]
    return [event for event in events if isinstance(event, SeriesRetired)]


def test_the_same_file_brings_what_version_1_did_not_hold_apart(old: Path) -> None:
    """What it held right counts as unchanged, and the old series are recorded as ended."""
    (row,) = imported(old, "OLD.TXT", "--market", "all").lines()
    assert (7, 6, 3, 0, 2) == tuple(row[name] for name in ("tickers", "added", "unchanged", "rejected", "retired"))
    assert [("BBASA45.SA", DAYS[1], None, False), ("XPTO3.SA", DAYS[0], None, False)] == [
        (one.ticker, one.on, one.into, one.undone) for one in retired(old)
    ]
    (again,) = imported(old, "OLD.TXT", "--market", "all").lines()
    assert (7, 0, 0) == (again["repeated"], again["added"], again["retired"])
    assert [0, 0] == [run_main(command, cwd=old, env=NOW).code for command in ("verify", "audit")]
    check_home(LedgerHome(old / "dados"))


def test_a_person_who_undid_it_is_not_overruled(old: Path) -> None:
    """Another file that has the same codes apart records nothing more."""
    imported(old, "OLD.TXT", "--market", "all")
    undone = run_main("retire", "BBASA45", "--undo", "--reason", "kept", cwd=old, env=NOW)
    assert 0 == undone.code
    made(old / "NEW.TXT", OPTIONS)
    (row,) = imported(old, "NEW.TXT", "--market", "all").lines()
    assert (2, 0, 3) == (row["unchanged"], row["retired"], len(retired(old)))


def test_a_share_whose_auction_alone_came_once_is_no_blended_series(old: Path) -> None:
    """It has sessions of its own from another file: nothing of it ends."""
    made(old / "SHARE.TXT", [line(DAYS[1], "XPTO3", 905)])
    imported(old, "SHARE.TXT")
    imported(old, "OLD.TXT", "--market", "all")
    assert ["BBASA45.SA"] == [one.ticker for one in retired(old)]
