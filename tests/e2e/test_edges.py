"""Files that are none, numbers without end, answers written to harm: one line, an exit code, and no waiting."""

import gzip
import os
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import pytest

from ledger.events import FetchFailed
from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace
from tests.support import sample_ledger
from tests.support.cli import Result, command, environment, run_main
from tests.support.cotahist import header, line, trailer
from tests.support.memory import peak_anonymous_bytes
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import Status, YahooServer

TICKER = "PETR4.SA"
SERIES = make_series(sessions(Window(date(2026, 1, 5), date(2026, 2, 12))), seed=1)
MEGABYTE = 1_000_000
MADE_ON = date(2025, 12, 31)
UNKNOWN = 3
SOON_S = 20.0


def refused(result: Result) -> str:
    """Return the one error line of a command that refused, exit 3, with its hint and nothing else."""
    said = [words for words in result.err.splitlines() if not words.startswith(("{", "Usage: "))]
    assert (UNKNOWN, 2) == (result.code, len(said)), result
    assert said[1].startswith("hint: ")
    return said[0].removeprefix("error: ")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's ledger, for commands that change nothing."""
    return sample_ledger.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a sample ledger of its own, to be tampered with."""
    sample_ledger.make(tmp_path)
    return tmp_path


INPUTS = {
    "tickers file": ("--tickers-file", "INPUT"),
    "bars": ("validate", "INPUT"),
    "saved head": ("verify", "--from-head", "INPUT"),
    "COTAHIST": ("import-cotahist", "--dry-run", "INPUT"),
    "archive": ("verify", "INPUT"),
    "--ledger": ("prices", "--ticker", "PETR4", "--ledger", "INPUT"),
    "snapshot": ("snapshot", "--check", "INPUT"),
}


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "link to a pipe"])
@pytest.mark.parametrize("args", INPUTS.values(), ids=INPUTS)
def test_what_is_no_regular_file_is_refused_and_never_waited_for(args: tuple[str, ...], kind: str, made: Path) -> None:
    """A pipe without a writer would block, a device without an end fill the memory."""
    pipe, link = made / f"pipe-{len(kind)}-{args[0].strip('-')}", made / f"link-{len(kind)}-{args[0].strip('-')}"
    pipe.unlink(missing_ok=True)
    link.unlink(missing_ok=True)
    os.mkfifo(pipe)
    link.symlink_to(pipe if kind.endswith("pipe") else "/dev/zero")
    path = {"pipe": str(pipe), "device": "/dev/zero"}.get(kind, str(link))
    words = [path if word == "INPUT" else word for word in args]
    result = run_main(*words, cwd=made, env=sample_ledger.NOW, timeout_s=SOON_S)
    assert result.code in {2, 3}, result
    assert "Traceback" not in result.err
    assert "internal error" not in result.err


OWN_FILES = {
    "CURRENT": Path("dados/sample/CURRENT"),
    "head": sample_ledger.FOLDER / "head",
    "data.mdb": sample_ledger.FOLDER / "data.mdb",
    "lock.mdb": sample_ledger.FOLDER / "lock.mdb",
    "writer.lock": Path("dados/sample/locks/writer.lock"),
    "a snapshot": Path("snapshots") / sample_ledger.PETR4_CSV,
    "its .checksum": Path("snapshots") / f"{sample_ledger.PETR4_CSV}.checksum",
    "projections/CURRENT": sample_ledger.FOLDER / "projections" / "CURRENT",
    "projections/lock": sample_ledger.FOLDER / "projections" / "lock",
    ".env": Path(".env"),
}


@pytest.mark.damages("a file of the ledger is a pipe", always=False)
@pytest.mark.parametrize("path", OWN_FILES.values(), ids=OWN_FILES)
def test_a_pipe_under_a_name_of_ours_hangs_no_command(path: Path, own: Path) -> None:
    """Neither what reads nor what writes waits for its other end."""
    (own / path).unlink(missing_ok=True)
    os.mkfifo(own / path)
    for args in (["health"], ["verify"], ["snapshot", "--check"], ["prices", "--ticker", "PETR4"], [*RUN]):
        result = run_main(*args, cwd=own, env=sample_ledger.NOW, timeout_s=SOON_S)
        assert result.code in {0, 1, 2, 3}, result
        assert "Traceback" not in result.err
        assert "internal error" not in result.err


RUN = ("--no-network", "--ticker", "VALE3")
LINKED = {name: OWN_FILES[name] for name in ("head", "lock.mdb", "writer.lock", "projections/lock")}


@pytest.mark.damages("a file of the ledger is a link", always=False)
@pytest.mark.parametrize("path", LINKED.values(), ids=LINKED)
def test_a_link_inside_the_ledger_is_refused_by_name_and_what_it_leads_to_is_left_alone(path: Path, own: Path) -> None:
    """Whoever may put a link there must not have a file of the user's overwritten."""
    target = own / "mine"
    target.write_bytes(b"mine")
    (own / path).unlink(missing_ok=True)
    (own / path).symlink_to(target)
    result = run_main(*RUN, cwd=own, env=sample_ledger.NOW, timeout_s=SOON_S)
    assert b"mine" == target.read_bytes()
    # Read models can be made in memory, so a lock of theirs that is refused costs nothing but time.
    wanted = (0, False) if path.parent.name == "projections" else (result.code or UNKNOWN, True)
    assert wanted == (result.code, path.name in result.err), result
    assert "internal error" not in result.err


@pytest.mark.parametrize("name", ["CURRENT.new", "locks/VALE3.SA.new", "locks/VALE3.SA.lock"])
def test_no_link_is_followed_where_a_file_is_made(name: str, own: Path) -> None:
    """The names are foreseeable."""
    target = own / "mine"
    target.write_bytes(b"mine")
    (own / "dados/sample" / name).symlink_to(target)
    result = run_main(*RUN, cwd=own, env=sample_ledger.NOW, timeout_s=SOON_S)
    assert b"mine" == target.read_bytes()
    assert "internal error: got" not in result.err


@pytest.mark.parametrize(
    ("args", "settings", "error"),
    [
        (("--ticker", "PETR4", "--max-days", "1000000"), {}, "got 1000000, want one in the range"),
        (("test-conn", "--provider", "yfinance", "--timeout", "nan"), {}, "got 'nan', want a number of seconds"),
        (("test-conn", "--provider", "yfinance", "--timeout", "inf"), {}, "got inf, want one in the range"),
        (("test-conn", "--provider", "yfinance", "--timeout", "1e300"), {}, "got 1e+300, want one in the range"),
        (("logs", "--limit", "9223372036854775808"), {}, "want one in the range"),
        (("logs", "--offset", "9223372036854775808"), {}, "want one in the range"),
        (("events", "--limit", "9" * 400), {}, "want one in the range"),
        (("events", "show", "9223372036854775808"), {}, "want one in the range"),
        (("compare", "--ticker", "PETR4", "--limit", "9" * 5000), {}, "want"),
        (("prices", "--ticker", "PETR4", "--as-of", "9" * 5000), {}, "want a seq, a day"),
        (("prices", "--ticker", "PETR4", "--start", "0000-01-01"), {}, "got '0000-01-01', want a day that exists"),
        (("prices", "--ticker", "PETR4", "--out", ""), {}, "got '', want a file (--out)"),
        (("verify", "--save-head", ""), {}, "got '', want a file (--save-head)"),
        (("backup", "--create", "--out", "-"), {}, "got '-', want a file"),
        (("export", "--format", "csv", "--out", ""), {}, "got '', want a folder (--out)"),
        (("health",), {"INGEST_LOCK_TIMEOUT_SECONDS": "1e10"}, "got INGEST_LOCK_TIMEOUT_SECONDS='1e10'"),
        (("health",), {"ADAPTER_TIMEOUT_SECONDS": "nan"}, "got ADAPTER_TIMEOUT_SECONDS='nan'"),
        (("health",), {"ADAPTER_MAX_RETRIES": "9" * 5000}, "got ADAPTER_MAX_RETRIES="),
        (("health",), {"METRICS_INGEST_LAG_THRESHOLD": "9" * 30}, "got METRICS_INGEST_LAG_THRESHOLD="),
        (("health",), {"ANSWER_MAX_BYTES": "0"}, "got ANSWER_MAX_BYTES='0'"),
        (("health",), {"B3_LEDGER_NOW": "0000-01-01T00:00:00Z"}, "got B3_LEDGER_NOW="),
    ],
)
def test_a_number_out_of_its_range_is_a_usage_error(
    args: tuple[str, ...], settings: dict[str, str], error: str, made: Path
) -> None:
    """Before anything is done, with the range in words."""
    assert error in refused(run_main(*args, cwd=made, env={**sample_ledger.NOW, **settings}))


@pytest.mark.parametrize("cell", ["9" * 400, "-" + "9" * 400, "1e999", "nan", "0" * 5000 + "1"])
@pytest.mark.parametrize("column", [1, 5])
def test_a_cell_of_any_length_is_judged_or_refused(cell: str, column: int, tmp_path: Path) -> None:
    """Prices and volumes without end."""
    cells = ["2025-11-03", "10", "11", "9", "10", "100"]
    cells[column] = cell
    (tmp_path / "bars.csv").write_text(f"date,open,high,low,close,volume\n{','.join(cells)}\n")
    result = run_main("validate", "bars.csv", cwd=tmp_path)
    assert result.code in {0, 1, 2}
    assert "internal error" not in result.err


@pytest.mark.parametrize("day", ["0000-01-01", "0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_time_is_judged_or_refused(day: str, tmp_path: Path) -> None:
    """No calendar fails on it."""
    (tmp_path / "bars.csv").write_text(f"date,open,high,low,close,volume\n{day},10,11,9,10,100\n")
    result = run_main("validate", "bars.csv", cwd=tmp_path)
    assert result.code in {0, 1, 2}
    assert "internal error" not in result.err


@pytest.mark.parametrize(
    "content",
    [
        b'{"ticker":"PETR4.SA","pid":1,"job_id":"x","since":1}',
        b'{"ticker":"PETR4.SA","pid":-1,"job_id":"00000000-0000-0000-0000-000000000000","since":1}',
        b'{"ticker":"PETR4.SA","pid":1,"job_id":"00000000-0000-0000-0000-000000000000","since":9223372036854775807}',
        b'{"ticker":"\\u001b[2J","pid":99999999999999999999,"job_id":"","since":-1}',
        b"[" * 5000,
        b"\xff",
    ],
)
def test_a_hostile_holder_is_nobody(content: bytes, own: Path) -> None:
    """While its lock is held, too."""
    locks = own / "dados/sample/locks"
    (locks / "PETR4.SA.holder").write_bytes(content)
    words = ["flock", str(locks / "PETR4.SA.lock"), *command("health")]
    done = subprocess.run(
        words, cwd=own, env=environment(sample_ledger.NOW), capture_output=True, timeout=60, check=False
    )
    assert done.returncode in {0, 1}
    assert b"error" not in done.stderr


@pytest.mark.parametrize(
    "content",
    ["DATA_DIR ./elsewhere\n", "DATA_DIR\n", "'DATA_DIR=x\n", "=x\n", "DATA_DIR=x\0\n", "A=1\nwhat is this?\nB=2\n"],
)
def test_a_garbled_line_of_dotenv_is_refused_and_no_ledger_is_made_elsewhere(content: str, tmp_path: Path) -> None:
    """By its number, and without its words: it may hold a password."""
    (tmp_path / ".env").write_text(content)
    error = refused(run_main("--no-network", "--ticker", "PETR4", cwd=tmp_path))
    assert "want NAME=value on each line" in error
    assert [".env"] == os.listdir(tmp_path)


def test_a_byte_order_mark_is_no_part_of_what_follows(made: Path) -> None:
    """In a file of tickers and in .env, as editors on Windows write them."""
    (made / "tickers.txt").write_bytes(b"\xef\xbb\xbfPETR4\r\n# none\r\n")
    assert 0 == run_main("--no-network", "--tickers-file", "tickers.txt", cwd=made, env=sample_ledger.NOW).code


def test_bytes_that_are_no_utf_8_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    """In an argument and in a setting."""
    bad = os.fsdecode(b"a\xff")
    assert "want UTF-8" in refused(run_main("--no-network", "--ticker", "PETR4", bad, cwd=tmp_path))
    assert "SNAPSHOT_DIR" in refused(
        run_main("--no-network", "--ticker", "PETR4", cwd=tmp_path, env={"SNAPSHOT_DIR": bad})
    )
    assert [] == os.listdir(tmp_path)


def test_a_working_folder_that_is_no_utf_8_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    """The engine opens no such path."""
    folder = tmp_path / os.fsdecode(b"a\xff")
    folder.mkdir()
    assert "want a folder, its whole path in UTF-8" in refused(run_main(*RUN, cwd=folder))
    assert [] == os.listdir(folder)


@pytest.mark.parametrize("times", [1, 64])
def test_an_answer_that_unpacks_without_end_is_a_bad_answer(times: int, place: Workplace, server: YahooServer) -> None:
    """Within its bound in memory, and long before the deadline; a good ticker beside it is untouched."""
    bomb = gzip.compress(bytes(times * 16 * 1024 * 1024), 1)
    server.series["VALE3.SA"] = SERIES
    server.faults[TICKER] = [Status(code=200, body=bomb, encoding="gzip", times=None)]
    args = command("--ticker", TICKER, "--ticker", "VALE3", "--jobs", "1")
    settings = {**place.settings, "ADAPTER_MAX_RETRIES": "0"}
    peak = peak_anonymous_bytes(args, cwd=place.folder, env=environment(settings), codes=[1])
    (failed,) = (one.event for one in place.events(TICKER) if isinstance(one.event, FetchFailed))
    assert ("bad-answer", True) == (failed.error_kind, "want at most 12582912" in failed.message)
    assert failed.finished_at - failed.started_at < 10_000_000
    assert "validation.completed" in place.types("VALE3.SA")
    assert peak < 150 * MEGABYTE  # yfinance and pandas take more than half of that


@pytest.mark.parametrize("path", ["bars.csv", "snapshots/PETR4-20260213.csv", "snapshots/PETR4-20260213.csv.checksum"])
def test_a_file_without_end_is_refused_in_little_memory(path: str, own: Path) -> None:
    """Twenty gigabytes of nothing, on a disk that holds none of them."""
    with (own / path).open("ab") as file:
        file.truncate(20 * 10**9)
    args = ("validate", path) if path == "bars.csv" else ("snapshot", "--check")
    peak = peak_anonymous_bytes(command(*args), cwd=own, env=environment(sample_ledger.NOW), codes=[3])
    assert peak < 200 * MEGABYTE
    assert "File too long" in run_main(*args, cwd=own, env=sample_ledger.NOW).err


def test_a_zip_of_a_ticker_without_end_is_refused_in_little_memory(tmp_path: Path) -> None:
    """Three million equal lines in three megabytes."""
    path, quote = tmp_path / "A.ZIP", line(date(2025, 1, 2))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("A.TXT", "w") as member,
    ):
        member.write(header(2025, MADE_ON))
        for _ in range(300):
            member.write(quote * 10_000)
        member.write(trailer(2025, MADE_ON, 3_000_000))
    args = command("import-cotahist", path.name)
    peak = peak_anonymous_bytes(args, cwd=tmp_path, env=environment(), codes=[2])
    assert peak < 100 * MEGABYTE


def test_a_password_in_a_url_is_shown_nowhere(place: Workplace, server: YahooServer) -> None:
    """Not by config, not in an error, a log line or an event."""
    server.series[TICKER] = SERIES
    address = server.url.removeprefix("http://")
    settings = {"YAHOO_BASE_URL": f"http://someone:s3cret@{address}", "LOG_LEVEL": "DEBUG"}
    config = place.run("config", **settings)
    ran = place.run("--ticker", TICKER, "--ticker", "VALE3", **settings)
    bad = place.run("health", **settings | {"YAHOO_BASE_URL": "ftp://someone:s3cret@h/?token=s3cret"})
    assert (0, 1, 3) == (config.code, ran.code, bad.code)
    assert f"YAHOO_BASE_URL=http://***@{address}" in config.out.replace("'", "")
    data = (place.home.current() or Path()) / "data.mdb"
    for words in (config.out, config.err, ran.out, ran.err, bad.err, data.read_bytes().decode("latin-1")):
        assert "s3cret" not in words
        assert "someone" not in words


def test_no_event_holds_the_crumb(place: Workplace, server: YahooServer) -> None:
    """It serves as a password for as long as its cookie does."""
    server.series[TICKER] = SERIES
    assert 0 == place.run("--ticker", TICKER).code
    data = (place.home.current() or Path()) / "data.mdb"
    assert b"crumb" not in data.read_bytes()
