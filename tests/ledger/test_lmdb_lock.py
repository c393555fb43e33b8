"""LMDB's lock file has its disk space before LMDB maps it."""

from pathlib import Path

import lmdb

from ledger.lmdb_lock import LOCK_BYTES, LOCK_FILE, allocate_lock


def test_a_new_lock_file_has_all_its_blocks(tmp_path: Path) -> None:
    """None of it is a hole that a full disk could refuse to fill later."""
    allocate_lock(tmp_path)
    found = (tmp_path / LOCK_FILE).stat()
    assert LOCK_BYTES == found.st_size <= found.st_blocks * 512
    assert 0o600 == found.st_mode & 0o777


def test_lmdb_takes_it_as_it_finds_it(tmp_path: Path) -> None:
    """It is not cut, and there is room for the readers that were asked for."""
    allocate_lock(tmp_path)
    with lmdb.open(str(tmp_path), max_readers=512) as env, env.begin() as txn:
        assert txn.get(b"nothing") is None
        assert env.max_readers() >= 512
    assert LOCK_BYTES == (tmp_path / LOCK_FILE).stat().st_size


def test_a_lock_file_that_was_used_is_left_alone(tmp_path: Path) -> None:
    """Its readers and locks are LMDB's business."""
    (tmp_path / LOCK_FILE).write_bytes(b"used")
    allocate_lock(tmp_path)
    assert b"used" == (tmp_path / LOCK_FILE).read_bytes()


def test_a_folder_that_is_not_there_is_left_to_lmdb(tmp_path: Path) -> None:
    """Nothing is raised and nothing is made."""
    allocate_lock(tmp_path / "gone")
    assert [] == list(tmp_path.iterdir())
