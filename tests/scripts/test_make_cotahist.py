"""The synthetic file: what its page promises is in it, and the same seed is the same file."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from ledger.ingest.providers.cotahist import file, layout
from ledger.ingest.providers.cotahist.identity import identity
from tests.support.cli import REPOSITORY
from tests.support.cotahist import quotes, whole

LINES = list(quotes(records=12_000, year=2025, seed=1))


def by_code() -> dict[str, list[bytes]]:
    """Return each code's lines, day by day."""
    found = defaultdict(list)
    for line in LINES:
        found[layout.code(line)].append(line)
    return found


def marked(line: bytes) -> bool:
    """Return whether a corporate action's marker shows."""
    return b" ED " in line[39:49]


def distribution(line: bytes) -> int:
    """Return the number of the line's distribution (DISMES)."""
    return int(line[242:245])


@pytest.mark.parametrize("records", [1, 249, 250, 251, 12_000])
def test_a_file_holds_as_many_records_as_were_asked_for(records: int) -> None:
    """However they fall on the sessions."""
    assert records == len(list(quotes(records=records, year=2025, seed=1)))


def test_the_same_seed_gives_the_same_lines() -> None:
    """And another one others."""
    assert LINES == list(quotes(records=12_000, year=2025, seed=1))
    assert LINES != list(quotes(records=12_000, year=2025, seed=2))


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (lambda line: int(line[210:217]), {1, 10, 1000}),
        (layout.market, {b"010", b"020", b"070"}),
        (lambda line: line[10:12], {b"02", b"78", b"96", b"97"}),
        (lambda line: isinstance(identity(line), str), {True, False}),
    ],
)
def test_every_kind_is_there(of: Callable[[bytes], object], expected: set[object]) -> None:
    """Factors, markets, codes of the tables and out of them, and a code that is no ticker."""
    assert expected == {of(line) for line in LINES}


def test_a_split_shows_in_its_number_and_lingers_in_its_marker() -> None:
    """The number steps once, with the price; the marker stays for 8 sessions, or to the end of the year."""
    split = [lines for lines in by_code().values() if any(map(marked, lines))]
    assert split
    for lines in split:
        numbers = [distribution(line) for line in lines]
        runs = [(shows, len(list(run))) for shows, run in groupby(lines, key=marked)]
        first = next(n for n, line in enumerate(lines) if marked(line))
        closes = [layout.quote(line).bar.close for line in lines]
        assert (min(8, len(lines) - first), {100, 101}) == (dict(runs)[True], set(numbers) | {100})
        assert first == 0 or (numbers.index(101) == first and 0.4 < closes[first] / closes[first - 1] < 0.6)


def test_the_script_writes_a_file_that_can_be_imported(tmp_path: Path) -> None:
    """A ZIP, byte for byte the same."""
    script = REPOSITORY / "scripts" / "make_cotahist.py"
    for name in ("a.zip", "b.zip"):
        args = [sys.executable, script, "--records", "300", "--year", "2024", "--out", tmp_path / name]
        subprocess.run(args, check=True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with file.opened(tmp_path / "a.zip") as text:
        read = [line for batch in text.batches() for _, line in batch]
    assert list(whole(quotes(records=300, year=2024, seed=1), year=2024))[1:-1] == read
