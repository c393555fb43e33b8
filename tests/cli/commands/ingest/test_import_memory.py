"""An import takes as much memory for a large file as for a small one."""

from pathlib import Path

from tests.support.cli import command, environment
from tests.support.cotahist import made, quotes
from tests.support.memory import peak_anonymous_bytes

MEGABYTE = 1_000_000
NOW = {"B3_LEDGER_NOW": "2026-01-05T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}


def peak_bytes(folder: Path, records: int) -> int:
    """Return the most memory of its own that an import of so many records held."""
    folder.mkdir()
    made(folder / "A.TXT", quotes(records=records, year=2025, seed=4))
    return peak_anonymous_bytes(command("import-cotahist", "A.TXT"), cwd=folder, env=environment(NOW), codes={0, 1})


def test_ten_times_the_records_take_no_more_memory(tmp_path: Path) -> None:
    """49 MB of quotes instead of 5: the difference is what one transaction of the read models holds, not the file."""
    small, large = (peak_bytes(tmp_path / str(records), records) for records in (20_000, 200_000))
    assert large - small < 25 * MEGABYTE, (small, large)
    assert large < 75 * MEGABYTE
