"""`main import-cotahist --download` fetches the exchange's file, keeps it, and imports it."""

from datetime import date
from pathlib import Path

import pytest

from tests.support.cli import Result, run_main
from tests.support.cotahist import line, text
from tests.support.file_server import FileServer, Serves

DAY = date(2025, 3, 7)
FILE = text([line(DAY, code) for code in ("PETR4", "VALE3")])
NAME = "COTAHIST_D07032025.ZIP"
KEPT = Path("dados") / "cotahist" / NAME


def downloaded(tmp_path: Path, server: FileServer, *args: str, **env: str) -> Result:
    """Return how the command ended that asks `server`, printing JSON."""
    settings = {"COTAHIST_BASE_URL": server.url, "ADAPTER_BACKOFF_SECONDS": "0", **env}
    args = args or ("--download", DAY.isoformat())
    return run_main("import-cotahist", *args, "--format", "json", cwd=tmp_path, env=settings)


def test_a_file_is_fetched_kept_and_imported(tmp_path: Path) -> None:
    """The second time nothing is appended; a file that was issued again is kept beside, and imported."""
    with FileServer(Serves(body=FILE)) as server:
        first = downloaded(tmp_path, server)
        again = downloaded(tmp_path, server)
        server.serves.body = text([line(DAY, code, close=3800) for code in ("PETR4", "VALE3")])
        reissued = downloaded(tmp_path, server)
    (row,) = first.lines()
    assert (NAME, 2, True) == (row["file"], row["added"], row["created"])
    assert FILE == (tmp_path / KEPT).read_bytes()
    assert f"{NAME}: 0.0 MB, kept as {KEPT}" in first.err
    assert (2, 0) == ((row := again.lines()[0])["repeated"], row["added"])
    assert "the bytes kept before" in again.err
    assert 2 == reissued.lines()[0]["revised"]
    assert "other bytes than those kept before, which stay" in reissued.err
    assert 2 == len(list((tmp_path / KEPT).parent.iterdir()))


@pytest.mark.parametrize(
    ("serves", "kind", "words"),
    [
        (Serves(status=404), "not-found", "got status 404 for COTAHIST_D07032025.ZIP"),
        (Serves(body=b"<html>", headers={"Content-Type": "text/html"}), "bad-answer", "6 bytes of text/html"),
        (Serves(body=FILE * 9), "bad-answer", "more than 4000 bytes"),
    ],
)
def test_a_file_that_does_not_come_is_said_by_kind(serves: Serves, kind: str, words: str, tmp_path: Path) -> None:
    """With exit code 2 and a hint that can be pasted; no ledger is made of nothing."""
    with FileServer(serves) as server:
        done = downloaded(tmp_path, server, IMPORT_MAX_BYTES="4000")
        assert 1 == len(server.asked)
    (row,) = done.lines()
    assert (2, "error", kind) == (done.code, row["status"], row["error_kind"])
    assert words in row["error_message"]
    assert "hint: main import-cotahist --download 2025-03-07" in done.err
    assert not (tmp_path / "dados" / "CURRENT").exists()


def test_what_breaks_off_is_tried_again_from_where_it_stopped(tmp_path: Path) -> None:
    """As often as other answers are; the next command goes on with what came."""
    with FileServer(Serves(body=FILE, cut_at=100)) as server:
        broken = downloaded(tmp_path, server, ADAPTER_MAX_RETRIES="2")
        assert [None, "bytes=100-", "bytes=200-"] == [asked.get("Range") for _, asked in server.asked]
        server.serves.cut_at = None
        done = downloaded(tmp_path, server)
        assert "bytes=300-" == server.asked[-1][1]["Range"]
    assert (2, "connection") == (broken.code, broken.lines()[0]["error_kind"])
    assert 2 == done.lines()[0]["added"]
    assert FILE == (tmp_path / KEPT).read_bytes()


def test_files_and_downloads_are_rows_of_one_command(tmp_path: Path) -> None:
    """One that did not come costs no other one its place."""
    (tmp_path / "D.TXT").write_bytes(FILE)
    with FileServer(Serves(status=404)) as server:
        done = downloaded(tmp_path, server, "D.TXT", "--download", "2025")
        assert ["/COTAHIST_A2025.ZIP"] == [path for path, _ in server.asked]
    assert [("COTAHIST_A2025.ZIP", "error"), ("D.TXT", "success")] == [
        (row["file"], row["status"]) for row in done.lines()
    ]
    assert 1 == done.code


def test_a_dry_run_keeps_nothing(tmp_path: Path) -> None:
    """It judges what it fetched, and leaves no file."""
    with FileServer(Serves(body=FILE)) as server:
        done = downloaded(tmp_path, server, "--download", "2025-03-07", "--dry-run")
    assert (0, "dry_run", 2) == (done.code, (row := done.lines()[0])["status"], row["added"])
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "got no file, want FILE or --download"),
        (("--download", "2025-3"), "got '2025-3', want a year, a month or a day"),
        (("--download", "1985"), "want 1986 or later"),
        (("--download", "2199"), "got --download 2199, want 20"),
        (("--download", "2025-03-08"), "got --download 2025-03-08, when B3 was closed, want a session"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is(
    args: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    """A usage error, and no folder is made."""
    done = run_main("import-cotahist", *args, cwd=tmp_path, env={"COTAHIST_BASE_URL": "http://127.0.0.1:9"})
    assert 3 == done.code
    assert words in done.err
    assert [] == list(tmp_path.iterdir())
