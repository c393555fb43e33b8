"""The checksum beside a file is written whole, and what is read there is a hash or an error."""

import os
import stat
from pathlib import Path

import pytest

from ledger.errors import ChecksumDamagedError, UnreadableError
from ledger.files.checksum import LONGEST_BYTES, checksum_path, read_checksum, write_checksum

HEX = "ab" * 32
SHA256 = b"\xab" * 32


def test_a_checksum_is_written_and_read_back(tmp_path: Path) -> None:
    """Beside the file, with its base name, private; again over what was there."""
    path = tmp_path / "a.db"
    before = os.umask(0)
    try:
        for sha256 in (bytes(32), bytes(range(32))):
            write_checksum(path, sha256)
            assert sha256 == read_checksum(path)
    finally:
        os.umask(before)
    assert tmp_path / "a.db.checksum" == checksum_path(path)
    assert f"{bytes(range(32)).hex()}  a.db\n" == checksum_path(path).read_text("utf-8")
    assert 0o600 == stat.S_IMODE(checksum_path(path).stat().st_mode)


@pytest.mark.parametrize(
    "content", [HEX, f"{HEX.upper()}\n", f"{HEX}  /some/where/else.db\n", f"{HEX} *a.db\n", f"{HEX}  {'x' * 8126}"]
)
def test_a_checksum_is_bare_or_before_any_name(content: str, tmp_path: Path) -> None:
    """The longest path that there is fits."""
    (tmp_path / "a.db.checksum").write_text(content, "utf-8")
    assert SHA256 == read_checksum(tmp_path / "a.db")


@pytest.mark.parametrize(
    "content",
    ["", HEX[:-2], f"{HEX}ab", "x" * 64, f"{HEX}  a.db\n{HEX}  b.db\n", " " * LONGEST_BYTES + HEX],
)
def test_anything_else_is_damaged_and_not_absent(content: str, tmp_path: Path) -> None:
    """What it begins with is told."""
    (tmp_path / "a.db.checksum").write_text(content, "utf-8")
    with pytest.raises(ChecksumDamagedError) as damage:
        read_checksum(tmp_path / "a.db")
    found, beside = repr(content[:20].encode()), tmp_path / "a.db.checksum"
    assert (beside, found) == (damage.value.path, damage.value.found)
    assert f"got {found} in {beside}, want 64 hex digits and a file name" == str(damage.value)


def test_no_more_is_read_than_a_hash_and_a_path_take(tmp_path: Path) -> None:
    """Whatever lies under the name is never taken into memory whole."""
    (tmp_path / "a.db.checksum").write_text(f"{HEX}  {'x' * (LONGEST_BYTES - 66)}\nmore", "utf-8")
    assert SHA256 == read_checksum(tmp_path / "a.db")


def test_no_checksum_is_none(tmp_path: Path) -> None:
    """Absent is absent."""
    assert None is read_checksum(tmp_path / "a.db")


def test_one_that_cannot_be_read_is_told_by_its_name(tmp_path: Path) -> None:
    """The checksum's own, not the file's."""
    (tmp_path / "a.db.checksum").mkdir()
    with pytest.raises(UnreadableError) as refusal:
        read_checksum(tmp_path / "a.db")
    want = f"got 'Is a directory' on reading {tmp_path / 'a.db.checksum'}, want a readable file"
    assert want == str(refusal.value)
