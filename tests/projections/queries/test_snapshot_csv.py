"""The snapshot's bytes, and the checksum file's."""

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.values import Bar
from projections.queries.snapshot_csv import Csv, render, snapshot_name
from tests.projections.story import day

BARS = {
    day(1): Bar(day(1), 37_320_000, 37_500_000, 12_340, 37_000_000, None, 0),
    day(0): Bar(day(0), 1_000_000, 1_000_001, 999_999, 1_100_000, 1, 12_345),
}
CONTENT = (
    b"date,open,high,low,close,volume\n"
    b"2026-01-05,1.00,1.000001,0.999999,1.10,12345\n"
    b"2026-01-06,37.32,37.50,0.01234,37.00,0\n"
)


def test_a_snapshot_is_sorted_plain_decimals_with_lf() -> None:
    """Whatever the order of the bars."""
    expected = Csv("PETR4-20260106.csv", CONTENT, sha256(CONTENT).digest(), 2)
    assert expected == render("PETR4.SA", BARS)
    assert expected == render("PETR4.SA", dict(sorted(BARS.items())))


def test_no_sessions_make_no_snapshot() -> None:
    """A header alone would pass for one."""
    with pytest.raises(ValueError, match=r"got no sessions of PETR4\.SA, want at least one"):
        render("PETR4.SA", {})


def test_sha256sum_accepts_the_checksum_file(tmp_path: Path) -> None:
    """Run in the folder, as operators do; and it prints the same."""
    csv = render("PETR4.SA", BARS)
    (tmp_path / csv.name).write_bytes(csv.content)
    (tmp_path / "c").write_bytes(csv.checksum)
    assert subprocess.run(["sha256sum", "--quiet", "-c", "c"], cwd=tmp_path, check=False).returncode == 0
    printed = subprocess.run(["sha256sum", csv.name], cwd=tmp_path, check=True, capture_output=True).stdout
    assert printed == csv.checksum


def test_a_name_is_the_ticker_without_its_exchange() -> None:
    """And the day of the last session."""
    assert ["PETR4-20260105.csv", "^BVSP-20260106.csv"] == [
        snapshot_name("PETR4.SA", day(0)),
        snapshot_name("^BVSP", day(1)),
    ]
