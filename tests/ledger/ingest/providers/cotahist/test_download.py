"""The exchange's file comes whole or not at all, and what was kept is never replaced."""

import hashlib
import os
import threading
import time
from datetime import date
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, UnwritableError
from ledger.ingest.providers.cotahist import download
from ledger.ingest.providers.cotahist.download import Download, KeptFile, Period
from ledger.ingest.providers.port import DownloadError
from tests.support.cotahist import header, line, text
from tests.support.file_server import FileServer, Serves

DAY = date(2025, 3, 7)
FILE = text([line(DAY, f"AAA{letter}3") for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"])
PERIOD = Period.parse("2025-03-07")
NAME = "COTAHIST_D07032025.ZIP"


def fetched(folder: Path, server: FileServer, *, limit_bytes: int = 10**9, idle_s: float = 5) -> KeptFile:
    """Return what is kept in `folder` of what the server serves."""
    one = Download(PERIOD, folder, base_url=server.url, limit_bytes=limit_bytes, idle_s=idle_s)
    return one.run(lambda *_: None)


def names(folder: Path) -> list[str]:
    """Return what is in the folder."""
    return sorted(os.listdir(folder))


@pytest.mark.parametrize(
    ("written", "name"),
    [("2024", "COTAHIST_A2024.ZIP"), ("2024-02", "COTAHIST_M022024.ZIP"), ("2024-02-15", "COTAHIST_D15022024.ZIP")],
)
def test_a_period_names_the_exchanges_file(written: str, name: str) -> None:
    """A year, a month, a day."""
    assert name == Period.parse(written).name


@pytest.mark.parametrize("written", ["", "24", "2024-2", "2024-13", "2024-02-30", "1985", "2024-02-15-01", "+2024"])
def test_another_period_is_refused(written: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match="want"):
        Period.parse(written)


def test_a_file_comes_and_is_kept(tmp_path: Path) -> None:
    """Under its own name, mode 0600, in a folder of mode 0700; how much came is told as it comes."""
    told: list[tuple[int, int | None]] = []
    folder = tmp_path / "data" / "cotahist"
    with FileServer(Serves(body=FILE)) as server:
        base_url = f"{server.url}/mirror/"
        kept = Download(PERIOD, folder, base_url=base_url, limit_bytes=10**9, idle_s=5).run(lambda *at: told.append(at))
        assert [f"/mirror/{NAME}"] == [path for path, _ in server.asked]
    assert (
        KeptFile(
            path=folder / NAME,
            sha256=hashlib.sha256(FILE).digest(),
            file_bytes=len(FILE),
            resumed_bytes=0,
            came="fetched",
        )
        == kept
    )
    assert (FILE, [NAME]) == ((folder / NAME).read_bytes(), names(folder))
    assert (0o600, 0o700) == ((folder / NAME).stat().st_mode & 0o777, folder.stat().st_mode & 0o777)
    assert (len(FILE), len(FILE)) == told[-1]


def test_the_same_bytes_again_change_nothing_and_other_bytes_are_kept_beside(tmp_path: Path) -> None:
    """A file that was issued again has a name of its own, by its content; the first one stays."""
    other = text([line(DAY)])
    with FileServer(Serves(body=FILE)) as server:
        first = fetched(tmp_path, server)
        before = first.path.stat().st_mtime_ns
        assert ("unchanged", first.path) == ((again := fetched(tmp_path, server)).came, again.path)
        server.serves.body = other
        beside = fetched(tmp_path, server)
        assert "beside" == beside.came
        assert f"COTAHIST_D07032025-{hashlib.sha256(other).hexdigest()[:12]}.ZIP" == beside.path.name
        assert ("unchanged", beside.path) == ((again := fetched(tmp_path, server)).came, again.path)
    assert (FILE, other, before) == (first.path.read_bytes(), beside.path.read_bytes(), first.path.stat().st_mtime_ns)
    assert 2 == len(names(tmp_path))


@pytest.mark.parametrize(
    ("serves", "kind", "words"),
    [
        (Serves(status=404, body=b"none"), "not-found", "got status 404 for COTAHIST_D07032025.ZIP from 127.0.0.1:"),
        (Serves(status=500, body=b"broken"), "bad-answer", "got status 500"),
        (Serves(status=429, body=b"later"), "rate-limit", "got status 429"),
        (Serves(status=302, headers={"Location": "http://x:y@elsewhere.example/a?b"}), "bad-answer", "elsewhere.exam"),
        (Serves(status=206, body=FILE), "bad-answer", "got status 206"),  # nobody asked for a part
        (Serves(body=b"<html>so sorry</html>", headers={"Content-Type": "text/html"}), "bad-answer", "of text/html"),
        (Serves(body=b""), "bad-answer", "got 0 bytes"),
        (Serves(body=FILE * 40), "bad-answer", "got more than 100000 bytes"),
        (Serves(body=FILE, cut_at=1000), "connection", f"got 1000 of {len(FILE)} bytes"),
        (Serves(body=b"x" * 10**6, status=404), "not-found", "got status 404"),
    ],
)
def test_what_is_no_file_is_refused_by_kind(serves: Serves, kind: str, words: str, tmp_path: Path) -> None:
    """Nothing gets the file's name, and no part of a URL that may be secret is told."""
    with FileServer(serves) as server, pytest.raises(DownloadError, match=words) as error:
        fetched(tmp_path, server, limit_bytes=100_000)
    assert kind == error.value.kind
    assert NAME not in names(tmp_path)
    assert "x:y" not in str(error.value)


def test_nobody_at_the_other_end_is_said(tmp_path: Path) -> None:
    """As a connection that failed; one that goes quiet as a timeout, within its time."""
    with FileServer(Serves()) as server:
        gone = server.url
    with pytest.raises(DownloadError, match="curl error 7") as error:
        Download(PERIOD, tmp_path, base_url=gone, limit_bytes=1, idle_s=1).run(lambda *_: None)
    assert "connection" == error.value.kind
    with FileServer(Serves(body=FILE, cut_at=500, stalls=True)) as server:
        began = time.monotonic()
        with pytest.raises(DownloadError, match="nothing more in time") as error:
            fetched(tmp_path, server, idle_s=1)
        assert time.monotonic() - began < 8
    assert "timeout" == error.value.kind


def test_what_broke_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Only the rest is asked for, and only of the same file."""
    with FileServer(Serves(body=FILE, cut_at=1000)) as server:
        with pytest.raises(DownloadError):
            fetched(tmp_path, server)
        assert [f"{NAME}.part", f"{NAME}.part.etag"] == names(tmp_path)
        server.serves.cut_at = None
        kept = fetched(tmp_path, server)
        asked = server.asked[-1][1]
    assert ("bytes=1000-", '"one"') == (asked["Range"], asked["If-Range"])
    assert (1000, FILE, [NAME]) == (kept.resumed_bytes, kept.path.read_bytes(), names(tmp_path))


@pytest.mark.parametrize("etag", ['"two"', None, 'W/"one"'])
def test_a_part_of_another_file_is_never_gone_on_with(etag: str | None, tmp_path: Path) -> None:
    """The server decides by what it said of the part; where it said nothing binding, the part is given up."""
    with FileServer(Serves(body=FILE, cut_at=1000, etag='"one"' if etag == '"two"' else etag)) as server:
        with pytest.raises(DownloadError):
            fetched(tmp_path, server)
        server.serves = Serves(body=(other := text([line(DAY)])), etag=etag)
        kept = fetched(tmp_path, server)
    assert (0, other) == (kept.resumed_bytes, kept.path.read_bytes())


def test_a_part_that_is_longer_than_the_file_is_given_up(tmp_path: Path) -> None:
    """A server that has no such range is asked for all of it."""
    (tmp_path / f"{NAME}.part").write_bytes(FILE + b"more")
    (tmp_path / f"{NAME}.part.etag").write_text('"one"')
    with FileServer(Serves(body=FILE)) as server:
        kept = fetched(tmp_path, server)
        assert 2 == len(server.asked)
    assert (0, FILE) == (kept.resumed_bytes, kept.path.read_bytes())


def test_a_length_that_nobody_says_is_taken_as_it_comes(tmp_path: Path) -> None:
    """The end of the connection is the end of the file; the importer reads to the trailer."""
    with FileServer(Serves(body=FILE, says_length=False)) as server:
        assert FILE == fetched(tmp_path, server).path.read_bytes()


def test_one_download_at_a_time(tmp_path: Path) -> None:
    """The other one is told so, and touches nothing."""
    with FileServer(Serves(body=FILE, cut_at=500, stalls=True)) as server:
        outcome: list[DownloadError] = []

        def first() -> None:
            try:
                fetched(tmp_path, server)
            except DownloadError as error:
                outcome.append(error)

        worker = threading.Thread(target=first)
        worker.start()
        while not server.asked:
            time.sleep(0.01)
        with pytest.raises(DownloadError, match="another download") as error:
            fetched(tmp_path, server)
        server.over.set()
        worker.join()
    assert ("locked", "connection") == (error.value.kind, outcome[0].kind)


def test_a_link_or_a_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    """Nothing is written through it, and nobody waits for it."""
    (tmp_path / "target").write_bytes(b"mine")
    (tmp_path / f"{NAME}.part").symlink_to(tmp_path / "target")
    with FileServer(Serves(body=FILE)) as server, pytest.raises(UnwritableError):
        fetched(tmp_path, server)
    assert b"mine" == (tmp_path / "target").read_bytes()
    (tmp_path / f"{NAME}.part").unlink()
    os.mkfifo(tmp_path / NAME)
    with FileServer(Serves(body=FILE)) as server, pytest.raises(UnwritableError):
        fetched(tmp_path, server)


def test_a_full_disk_is_named_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what came so far waits."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "pwrite_whole", full)
    with FileServer(Serves(body=FILE)) as server, pytest.raises(DiskFullError):
        fetched(tmp_path, server)


def test_the_beginning_of_a_text_is_enough_to_know_it() -> None:
    """As the importer knows it."""
    assert header(2025, DAY).startswith(download.BEGINNING)
