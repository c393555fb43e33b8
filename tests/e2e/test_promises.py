"""What a run promises whatever it is asked: same events same bytes, a dry run writes nothing, sample and real apart."""

import hashlib
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from ledger.codec import decode_envelope, decode_event
from ledger.events import FetchFailed, LedgerCreated
from ledger.market.sessions import sessions
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from tests.e2e.workplace import NOW, Workplace, at
from tests.support.oracle import check_home
from tests.support.yahoo_series import dividend, make_series
from tests.support.yahoo_server import Reset, Status, YahooServer

TICKER = "PETR4.SA"
RUN = ("--ticker", TICKER)
OFFLINE = (*RUN, "--no-network")
DAYS = sessions(Window(date(2025, 11, 3), date(2026, 2, 12)))
SERIES = dividend(make_series(DAYS, seed=1), DAYS[30], 0.4)
SAMPLE = ("PETR4", "VALE3", "BBAS3", "ITUB4")


def snapshots(folder: Path) -> dict[str, bytes]:
    """Return every file that the runs in `folder` left for others to read."""
    return {path.name: path.read_bytes() for path in sorted((folder / "snapshots").iterdir())}


# --- same events, same bytes ---------------------------------------------------------------------


def test_two_folders_under_two_clocks_hold_the_same_snapshots(tmp_path: Path, server: YahooServer) -> None:
    """Yahoo answers the same on two days of the same weekend: no byte of what is written tells which day it was."""
    server.series[TICKER] = SERIES
    made = []
    for name, moment in (("first", NOW + timedelta(days=1)), ("second", NOW + timedelta(days=2))):
        (tmp_path / name).mkdir()
        place = Workplace(tmp_path / name, server)
        server.now = moment
        assert 0 == place.run(*RUN, B3_LEDGER_NOW=at(moment)).code
        made.append(snapshots(place.folder))
        place.close()
    assert ["PETR4-20260212.csv", "PETR4-20260212.csv.checksum"] == list(made[0])
    assert made[0] == made[1]


def test_two_folders_under_two_clocks_hold_the_same_sample(tmp_path: Path) -> None:
    """So does the sample, years apart, in any time zone."""
    words = [word for ticker in SAMPLE for word in ("--ticker", ticker)]
    made = []
    for name, settings in (
        ("first", {}),
        ("second", {"B3_LEDGER_NOW": "2031-07-01T03:04:05Z", "TZ": "Asia/Tokyo", "LC_ALL": "C"}),
    ):
        (tmp_path / name).mkdir()
        place = Workplace(tmp_path / name)
        assert 1 == place.run("--no-network", *words, **settings).code  # ITUB4 has rows that are rejected
        made.append(snapshots(place.folder))
        place.close()
    assert 2 * len(SAMPLE) == len(made[0])
    assert made[0] == made[1]


def test_a_checksum_is_what_sha256sum_checks(offline: Workplace) -> None:
    """In the folder of the snapshots, with no word about paths."""
    (row,) = offline.run(*OFFLINE, "--format", "json").lines()
    file = offline.folder / row["snapshot"]
    assert row["checksum"] == hashlib.sha256(file.read_bytes()).hexdigest()
    checked = subprocess.run(["sha256sum", "-c", f"{file.name}.checksum"], cwd=file.parent, check=False)
    assert 0 == checked.returncode


# --- a dry run -----------------------------------------------------------------------------------


def test_a_dry_run_in_an_empty_folder_leaves_it_empty(place: Workplace, server: YahooServer) -> None:
    """It fetches and judges, says what it would have accepted, and makes no ledger."""
    server.series[TICKER] = SERIES
    result = place.run(*RUN, "--dry-run", "--format", "json")
    (row,) = result.lines()
    told = (result.code, row["status"], row["added"], row["seq"], row["snapshot"])
    assert (0, "dry_run", len(DAYS), None, None) == told
    assert {} == place.tree()


def test_a_dry_run_beside_a_ledger_changes_no_byte(place: Workplace, server: YahooServer) -> None:
    """It judges against what is held, and appends nothing."""
    earlier = NOW - timedelta(days=3)
    server.series[TICKER] = SERIES
    server.now = earlier
    assert 0 == place.run(*RUN, B3_LEDGER_NOW=at(earlier)).code
    server.now = NOW
    before = place.tree()
    (row,) = place.run(*RUN, "--dry-run", "--format", "json").lines()
    assert ("dry_run", 3) == (row["status"], row["added"])
    assert before == place.tree()


def test_a_dry_run_that_fails_says_so(place: Workplace) -> None:
    """A ticker that nobody knows is exit 2, and still nothing is written."""
    result = place.run("--ticker", "XXXX9", "--dry-run", "--format", "json")
    assert (2, "not-found") == (result.code, result.lines()[0]["error_kind"])
    assert {} == place.tree()


def test_a_dry_run_of_the_sample_writes_nothing(offline: Workplace) -> None:
    """No sample ledger either."""
    assert 0 == offline.run(*OFFLINE, "--dry-run").code
    assert {} == offline.tree()


# --- creation ------------------------------------------------------------------------------------


def test_a_first_run_that_reached_nobody_makes_no_ledger(place: Workplace, server: YahooServer) -> None:
    """Whatever was tried, nothing is evidence: exit 2, `created` false, and only locks are left."""
    nobody = {"YAHOO_BASE_URL": "http://127.0.0.1:9", "ADAPTER_MAX_RETRIES": "1", "ADAPTER_BACKOFF_SECONDS": "0"}
    first = place.run(*RUN, "--ticker", "VALE3.SA", "--format", "json", **nobody)
    rows = first.lines()
    assert (2, [("connection", False, None)] * 2) == (
        first.code,
        [(row["error_kind"], row["created"], row["seq"]) for row in rows],
    )
    assert all("ledger" not in row for row in rows)
    assert "created" not in first.err.replace('"created":false', "")
    assert ["locks"] == [path.name for path in (place.folder / "dados").iterdir()]
    server.series[TICKER] = SERIES
    assert place.run(*RUN, "--format", "json").lines()[0]["created"]


def test_any_status_makes_the_ledger_and_what_failed_before_it_goes_in_first(
    place: Workplace, server: YahooServer
) -> None:
    """The first attempt was reset, the second got a 503: both are events, in order."""
    server.faults[TICKER] = [Reset(), Status(code=503, times=None)]
    limits = {"ADAPTER_MAX_RETRIES": "1", "ADAPTER_BACKOFF_SECONDS": "0"}
    (row,) = place.run(*RUN, "--format", "json", **limits).lines()
    assert ("error", True) == (row["status"], row["created"])
    assert ["fetch.failed", "fetch.failed"] == place.types(TICKER)
    failed = [one.event for one in place.events(TICKER)]
    assert [(1, "connection", None), (2, row["error_kind"], 503)] == [
        (event.attempt, event.error_kind, event.status_code) for event in failed if isinstance(event, FetchFailed)
    ]


def test_creation_is_told_once_with_the_absolute_path(place: Workplace, server: YahooServer) -> None:
    """The run that makes the ledger says where; later ones do not."""
    server.series[TICKER] = SERIES
    first, second = (place.run(*RUN, "--format", "json") for _ in range(2))
    folder = str(place.folder / "dados" / "ledger-1")
    assert (True, folder) == (first.lines()[0]["created"], first.lines()[0]["ledger"])
    assert f"created ledger {folder}" == first.err.splitlines()[0]
    assert {"created", "ledger"}.isdisjoint(second.lines()[0])
    assert (0o700, 0o600) == (mode(folder), mode(f"{folder}/data.mdb"))


def mode(path: str) -> int:
    """Return who may read and write a file."""
    return Path(path).stat().st_mode & 0o777


def test_must_exist_creates_nothing_and_is_content_with_a_ledger(place: Workplace, server: YahooServer) -> None:
    """In the wrong folder cron gets exit 3; in the right one it runs."""
    server.series[TICKER] = SERIES
    assert 3 == place.run(*RUN, "--must-exist").code
    assert {} == place.tree()
    assert 0 == place.run(*RUN).code
    assert 0 == place.run(*RUN, "--must-exist").code


# --- sample and real -----------------------------------------------------------------------------


def kind(home: LedgerHome) -> str:
    """Return whether a ledger says that its data are real."""
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        (record,) = log.read(0, 1)
        created = decode_event(decode_envelope(0, record.body))
    assert isinstance(created, LedgerCreated)
    return created.kind


def test_sample_and_real_never_share_a_log(place: Workplace, server: YahooServer) -> None:
    """Each has its own, event 0 says which it is, and the sample's snapshots stay where a real run writes."""
    server.series["VALE3.SA"] = SERIES
    (sample,) = place.run(*OFFLINE, "--format", "json").lines()
    (real,) = place.run("--ticker", "VALE3", "--format", "json").lines()
    assert ("sample", "yfinance") == (sample["provider"], real["provider"])
    assert ("real", "sample") == (kind(place.home), kind(place.home.sample))
    assert {"VALE3.SA", "ledger"} == {one.stream for one in place.events()}
    assert {sample["snapshot"], real["snapshot"]} == {
        f"snapshots/{name}" for name in snapshots(place.folder) if name.endswith(".csv")
    }


def test_where_a_real_ledger_is_no_network_replays_it(place: Workplace, server: YahooServer) -> None:
    """What it holds is written again; what it does not hold is an error with a hint, and no sample steps in."""
    server.series["VALE3.SA"] = SERIES
    assert 0 == place.run("--ticker", "VALE3").code
    before, asked = place.head(), len(server.requests)
    (place.folder / "snapshots" / "VALE3-20260212.csv").unlink()
    replayed, missing = place.run("--ticker", "VALE3", "--ticker", TICKER, "--no-network", "--format", "json").lines()
    assert ("success", "yfinance", len(DAYS)) == (replayed["status"], replayed["provider"], replayed["rows"])
    assert ("error", "internal") == (missing["status"], missing["error_kind"])
    assert "got no sessions of PETR4.SA in the ledger" in missing["error_message"]
    assert asked == len(server.requests)
    assert before.size + 1 == place.head().size  # the file was gone, so writing it is an event
    assert place.home.sample.current() is None


def test_the_sample_needs_no_clock_and_no_socket(offline: Workplace) -> None:
    """A fresh folder, an address that nobody answers, any clock: exit 0."""
    settings = {"YAHOO_BASE_URL": "http://127.0.0.1:9", "B3_LEDGER_NOW": "2020-01-01T00:00:00Z"}
    result = offline.run(*OFFLINE, "--format", "json", **settings)
    (row,) = result.lines()
    assert (0, "success", "sample", True) == (result.code, row["status"], row["provider"], row["created"])
    check_home(offline.home)


def test_the_sample_survives_a_real_run_that_failed(place: Workplace, server: YahooServer) -> None:
    """`--sample` reads it, verifies it and goes on with it, although there is a real ledger now."""
    assert 0 == place.run(*RUN, "--no-network").code
    sample = place.run("prices", TICKER, "--format", "json").lines()
    server.faults[TICKER] = [Status(code=503, times=None)]
    assert (2, ["fetch.failed"]) == (place.run(*RUN, ADAPTER_MAX_RETRIES="0").code, place.types(TICKER))
    assert 3 == place.run("prices", TICKER).code
    assert sample == place.run("prices", TICKER, "--sample", "--format", "json").lines()
    assert [0, 0] == [place.run(*words, "--sample").code for words in (("verify",), (*RUN, "--no-network"))]


@pytest.mark.parametrize("url", ["http://192.0.2.1", "http://localhost.example.org", "https://mirror.example"])
def test_an_invented_clock_never_enters_a_real_ledger(offline: Workplace, url: str) -> None:
    """Only a loopback address makes a real run a test."""
    result = offline.run(*RUN, B3_LEDGER_NOW="2026-02-13T12:00:00Z", YAHOO_BASE_URL=url)
    assert 3 == result.code
    assert result.err.startswith("error: got B3_LEDGER_NOW on a real ledger, want it unset\nhint: unset B3_LEDGER_NOW")
    assert {} == offline.tree()
