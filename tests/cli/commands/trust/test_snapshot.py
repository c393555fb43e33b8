"""`main snapshot` prints what the events give, and `--check` names the first line that differs."""

import hashlib
from pathlib import Path

import lmdb
import pytest
from msgspec.msgpack import encode

from projections.store.folder import Shelf
from projections.store.lmdb_tables import CHECK_BYTES, sealed
from tests.support.cli import Result
from tests.support.sample_ledger import FOLDER, PETR4_CSV, kept, look


def test_a_snapshot_is_regenerated_byte_for_byte(sample: Path) -> None:
    """From events alone, on stdout."""
    written = (sample / "snapshots" / PETR4_CSV).read_text()
    assert Result(0, written, "") == look("snapshot", "--ticker", "petr4", cwd=sample)


def test_a_snapshot_goes_to_a_file_of_choice(sample: Path, tmp_path: Path) -> None:
    """And says what it is."""
    out = tmp_path / "x.csv"
    content = (sample / "snapshots" / PETR4_CSV).read_bytes()
    found = look("snapshot", "--ticker", "petr4", "--as-of", "2", "--out", str(out), "--format", "json", cwd=sample)
    (row,) = found.lines()
    assert (0, content) == (found.code, out.read_bytes())
    assert row == {
        "ticker": "PETR4.SA",
        "snapshot": str(out),
        "name": PETR4_CSV,
        "rows": 503,
        "checksum": hashlib.sha256(content).hexdigest(),
        "events": 3,
        "provider": "sample",
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--ticker", "petr4", "--as-of", "1"], "got no sessions of PETR4.SA in the first 2 events, want at least one"),
        (["--ticker", "vale3"], "got no series of VALE3.SA, want one that was ingested"),
        ([], "got no --ticker, want one, or --check"),
        (["x.csv"], "got files, want --check before them"),
        (["--failed", "--ticker", "petr4"], "got --failed without --check, want both"),
        (
            ["--check", "--ticker", "petr4"],
            "got --check with --ticker, --as-of, --source or --out, want it alone or with files",
        ),
        (["--ticker", "petr4", "--array"], "got --format json for a CSV on stdout, want --out"),
    ],
)
def test_what_cannot_be_printed_is_refused(args: list[str], message: str, sample: Path) -> None:
    """Each with one line and exit 3."""
    found = look("snapshot", *args, cwd=sample)
    assert (3, f"error: {message}") == (found.code, found.err.splitlines()[0])


def test_every_event_and_every_file_is_checked(sample: Path) -> None:
    """Two snapshots: two events, two files."""
    found = look("snapshot", "--check", "--format", "json", cwd=sample)
    rows = found.lines()
    assert (0, {"ok"}, 4) == (found.code, {row["status"] for row in rows}, len(rows))


def test_a_changed_byte_is_named_by_its_line(copy: Path) -> None:
    """The checksum file is left to speak for the rest."""
    path = copy / "snapshots" / PETR4_CSV
    lines = path.read_text().splitlines(keepends=True)
    wanted = lines[2].rstrip()
    lines[2] = f"{wanted}0\n"
    path.write_text("".join(lines))
    before = kept(copy)
    found = look("snapshot", "--check", f"snapshots/{PETR4_CSV}", cwd=copy)
    line = f"{PETR4_CSV}: mismatch (snapshots/{PETR4_CSV}): line 3: got '{wanted}0', want '{wanted}'\n"
    summary = "error: checked 1 event and 1 file: 1 ok, 1 mismatch\n"
    assert Result(2, f"{PETR4_CSV}: ok (event 3)\n{line}", summary) == found
    assert Result(2, line, summary) == look("snapshot", "--check", "--failed", f"snapshots/{PETR4_CSV}", cwd=copy)
    assert (2, before) == (look("snapshot", "--check", cwd=copy).code, kept(copy))


def test_an_absent_file_is_reported_and_no_error(copy: Path) -> None:
    """The events are there all the same."""
    (copy / "snapshots" / PETR4_CSV).unlink()
    found = look("snapshot", "--check", cwd=copy)
    assert (0, True) == (found.code, f"{PETR4_CSV}: absent (snapshots/{PETR4_CSV})\n" in found.out)


def test_a_file_that_no_event_tells_of_was_not_checked(copy: Path) -> None:
    """Unknown when it was asked about, a stranger when it just lies there."""
    (copy / "snapshots" / "ABCD3-20260213.csv").write_text("date\n")
    assert 0 == look("snapshot", "--check", cwd=copy).code
    found = look("snapshot", "--check", "snapshots/ABCD3-20260213.csv", cwd=copy)
    line = "ABCD3-20260213.csv: unrecorded (snapshots/ABCD3-20260213.csv)\n"
    assert Result(3, f"{line}checked 0 events and 1 file: 1 unrecorded\n", "") == found


def test_with_nothing_written_there_is_nothing_to_check(tmp_path: Path) -> None:
    """No ledger, no check."""
    assert 3 == look("snapshot", "--check", cwd=tmp_path).code


def test_what_holds_is_left_out_on_request(sample: Path) -> None:
    """The summary counts it all the same."""
    done = Result(0, "checked 2 events and 2 files: 4 ok\n", "")
    assert done == look("snapshot", "--check", "--failed", cwd=sample)


@pytest.mark.damages("rows of the read models, their checks mended")
def test_a_poisoned_store_is_not_asked(copy: Path) -> None:
    """Price row, snapshot row, CSV and checksum edited alike: the log knows better."""
    path = copy / "snapshots" / PETR4_CSV
    false = path.read_bytes().replace(b",39.66,", b",39.67,", 1)
    digest = hashlib.sha256(false).digest()
    before = hashlib.sha256(path.read_bytes()).digest()
    path.write_bytes(false)
    path.with_name(f"{PETR4_CSV}.checksum").write_text(f"{digest.hex()}  {PETR4_CSV}\n")
    store = Shelf(copy / FOLDER).current()
    assert store is not None
    with lmdb.open(str(store)) as env, env.begin(write=True) as txn:
        for key, stored in list(txn.cursor()):
            value = stored[:-CHECK_BYTES]
            edited = value.replace(before, digest).replace(encode(39_660_000), encode(39_670_000))
            txn.put(key, sealed(key, edited))
    found = look("snapshot", "--check", cwd=copy)
    assert 2 == found.code
    assert f"{PETR4_CSV}: ok (event 3)\n{PETR4_CSV}" not in found.out
    assert "line 3: got '2024-02-15,38.81,39.67," in found.out
