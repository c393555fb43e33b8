"""What a file is likely to be is read while it is hashed, and counts once the hash has proven it."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.backup.archive_log import ArchiveLog
from ledger.errors import ArchiveDamagedError, NoArchiveError, NothingToShowError
from ledger.files.checksum import FileHash, hash_file
from ledger.files.hash_beside import HashBeside
from ledger.log_source import LogSource
from projections.fold.digest import digest
from projections.store import archive_cache
from projections.store.archive_cache import SEAL, KeptScan, LikelyArchive, answered, read_archive
from projections.store.mending import StoreDroppedWarning
from projections.store.registry import ALL
from projections.store.replaying import replay
from projections.store.store import View
from tests.projections.store.kept_archives import (
    LOG,
    NAMES,
    WHOLE,
    entry,
    forged,
    halved,
    kept,
    other_head,
    refuse,
    sealed,
)
from tests.projections.story import told
from tests.support.archives import archive, put

Work = Callable[[LogSource, View], dict[str, str]]


class Asked:
    """The digests of some read models, and over what they were asked for."""

    def __init__(self, *names: str) -> None:
        self.names = names or tuple(NAMES)
        self.over: list[type[LogSource]] = []

    def __call__(self, log: LogSource, view: View) -> dict[str, str]:
        """Return the digest of each."""
        self.over.append(type(log))
        return {name: digest(view.state[name]).hex() for name in self.names}


def filled(path: Path, cache: Path, *names: str) -> dict[str, str]:
    """Have what is asked for kept, and return it."""
    return answered(path, cache, Asked(*names))


def unsealed(folder: Path) -> None:
    """Change a byte of every store."""
    for store in folder.glob("*/data.mdb"):
        content = bytearray(store.read_bytes())
        content[len(content) // 2] ^= 1
        store.write_bytes(content)


def emptied(folder: Path) -> None:
    """Leave the scan alone."""
    for store in (one for one in folder.iterdir() if one.is_dir()):
        shutil.rmtree(store)


def sealless(folder: Path) -> None:
    """Take the seals away."""
    for seal in folder.glob(f"*/{SEAL}"):
        seal.unlink()


def content_of(folder: Path) -> dict[str, bytes]:
    """Return every file there."""
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_it_is_read_before_the_hash_is_known_and_counts_behind_it(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reading, which is not made again; the archive counts as used then."""
    want = filled(path, cache)
    steps: list[str] = []
    hashing, asked = HashBeside(path), Asked()

    def proves(_: HashBeside, file: FileHash) -> bool:
        steps.append(f"proven after {len(asked.over)}")
        return hash_file(path) == file

    monkeypatch.setattr(HashBeside, "proves", proves)
    monkeypatch.setattr(archive_cache, "read_archive", refuse)
    os.utime(entry(cache), (1, 1))
    assert want == answered(path, cache, asked, hashing=hashing)
    assert ([LikelyArchive], ["proven after 1"]) == (asked.over, steps)
    assert entry(cache).stat().st_mtime > 1


def test_without_a_hash_under_way_or_a_cache_nothing_is_foreseen(path: Path, cache: Path) -> None:
    """Small files are hashed at once, and what is not cached is scanned."""
    want = replay(LOG)
    for _ in range(2):
        for place in (None, cache):
            asked = Asked()
            assert want == answered(path, place, asked)
            assert 1 == len(asked.over)
            assert LikelyArchive not in asked.over
    cold = Asked()
    assert want == answered(path, cache.with_name("other"), cold, hashing=HashBeside(path))
    assert 1 == len(cold.over)


@pytest.mark.parametrize("change", [halved, unsealed, emptied, sealless])
def test_an_entry_of_another_file_is_never_believed(change: Callable[[Path], None], path: Path, cache: Path) -> None:
    """It is as long, ends alike and was used last: nothing of it is told, warned of, filled or removed."""
    want = filled(path, cache)
    folder = forged(cache)
    change(folder)
    before, asked = content_of(folder), Asked()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert want == answered(path, cache, asked, hashing=HashBeside(path))
    assert LikelyArchive == asked.over[0]
    assert 2 == len(asked.over)
    assert before == content_of(folder)


def test_what_it_lies_about_would_have_been_told(path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the hash not asked: so the tests above do look at lies."""
    want = filled(path, cache, "ingest_logs")
    halved(forged(cache))
    monkeypatch.setattr(LikelyArchive, "is_proven", lambda _: True)
    assert want != answered(path, cache, Asked("ingest_logs"), hashing=HashBeside(path))


def shorter(kept: KeptScan) -> KeptScan:
    """Return the scan of a file of a byte less."""
    return msgspec.structs.replace(kept, file=msgspec.structs.replace(kept.file, file_bytes=len(WHOLE) - 1))


@pytest.mark.parametrize("change", [other_head, shorter])
def test_what_ends_otherwise_is_not_likely(change: Callable[[KeptScan], KeptScan], path: Path, cache: Path) -> None:
    """The next one that was used is."""
    want = filled(path, cache)
    forged(cache, change)
    asked = Asked()
    assert want == answered(path, cache, asked, hashing=HashBeside(path))
    assert [LikelyArchive] == asked.over


def test_an_error_over_a_lie_is_not_raised(path: Path, cache: Path) -> None:
    """The work is done again; over the truth it is."""
    filled(path, cache)
    forged(cache)
    over: list[type[LogSource]] = []

    def work(log: LogSource, _: View) -> str:
        over.append(type(log))
        if len(over) == 1:
            raise NothingToShowError("nothing", wanted="something")
        return "something"

    assert "something" == answered(path, cache, work, hashing=HashBeside(path))
    assert 2 == len(over)
    for folder in cache.iterdir():
        if not folder.samefile(cache / archive_cache._name(hash_file(path), ALL)):
            shutil.rmtree(folder)
    over.clear()
    with pytest.raises(NothingToShowError):
        answered(path, cache, work, hashing=HashBeside(path))
    assert [LikelyArchive] == over


def test_an_order_to_end_is_followed_at_once(path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the hash."""
    filled(path, cache)
    hashing = HashBeside(path)

    def work(_log: LogSource, _view: View) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(HashBeside, "proves", refuse)
    with pytest.raises(KeyboardInterrupt):
        answered(path, cache, work, hashing=hashing)
    hashing.end()


def test_damage_to_what_is_kept_of_the_file_itself_is_mended_once_that_is_proven(path: Path, cache: Path) -> None:
    """Told as ever, and the answer is the log's."""
    want = filled(path, cache, "ingest_logs")
    store = entry(cache) / "ingest_logs"
    with lmdb.open(str(store)) as env, env.begin(write=True) as txn:
        for key, value in [row for row in txn.cursor() if row[0][0]]:
            txn.put(key, bytes([value[0] ^ 4]) + value[1:])
    sealed(store)
    asked = Asked("ingest_logs")
    with pytest.warns(StoreDroppedWarning):
        assert want == answered(path, cache, asked, hashing=HashBeside(path))
    assert [LikelyArchive] == asked.over


def test_what_was_not_asked_for_yet_is_folded_once_the_file_is_proven(path: Path, cache: Path) -> None:
    """And kept."""
    filled(path, cache, "metrics")
    asked = Asked("prices")
    assert {"prices": replay(LOG)["prices"]} == answered(path, cache, asked, hashing=HashBeside(path))
    assert [LikelyArchive] == asked.over
    assert {"metrics/seal", "prices/seal"} <= set(kept(cache))


@pytest.mark.parametrize("at", ["begun", "answered"])
def test_a_file_that_is_replaced_meanwhile_is_read_anew(at: str, path: Path, cache: Path) -> None:
    """By one of which other things are kept, after the hash began or after the answer was made."""
    other = archive(told(list(range(60, 120))).read())
    elsewhere = put(path.with_name("b.db"), other)
    want = filled(elsewhere, cache)
    filled(path, cache)
    hashing, asked = HashBeside(path), Asked()

    def work(log: LogSource, view: View) -> dict[str, str]:
        found = asked(log, view)
        if at == "answered" and len(asked.over) == 1:
            elsewhere.rename(path)
        return found

    if at == "begun":
        elsewhere.rename(path)
    assert want == answered(path, cache, work, hashing=hashing)


def test_a_damaged_file_is_refused_as_ever(path: Path, cache: Path) -> None:
    """By a bit in its middle; and one that is gone."""
    filled(path, cache)
    put(path, WHOLE[: len(WHOLE) // 2] + bytes([WHOLE[len(WHOLE) // 2] ^ 1]) + WHOLE[len(WHOLE) // 2 + 1 :])
    asked = Asked("metrics")
    with pytest.raises(ArchiveDamagedError):
        answered(path, cache, asked, hashing=HashBeside(path))
    assert [] == asked.over
    hashing = HashBeside(path)
    path.unlink()
    with pytest.raises(NoArchiveError):
        answered(path, cache, asked, hashing=hashing)


def test_a_checksum_of_other_bytes_is_damage_as_ever(path: Path, cache: Path) -> None:
    """Told of the file, once that is hashed."""
    filled(path, cache)
    put(path.with_name("a.db.checksum"), f"{bytes(32).hex()}  a.db\n".encode())
    with pytest.raises(ArchiveDamagedError, match="got checksum"):
        answered(path, cache, Asked(), hashing=HashBeside(path))


def test_a_folder_that_others_may_write_to_makes_nothing_likely(path: Path, cache: Path) -> None:
    """The file is scanned."""
    want = filled(path, cache)
    cache.chmod(0o770)
    asked = Asked()
    assert want == answered(path, cache, asked, hashing=HashBeside(path))
    assert [ArchiveLog] == asked.over


def test_read_archive_takes_a_hash_that_is_under_way(path: Path, cache: Path) -> None:
    """For commands that do more than answer."""
    first = read_archive(path, cache, hashing=HashBeside(path))
    assert msgspec.structs.replace(first.scan, counts=None) == read_archive(path, cache, hashing=HashBeside(path)).scan


def changes() -> Iterator[Callable[[Path], None]]:
    """Yield what may become of an entry."""
    yield from (halved, unsealed, emptied, sealless, shutil.rmtree)


@given(
    st.lists(st.integers(0, 999), max_size=15),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=5),
    st.lists(st.tuples(st.booleans(), st.sampled_from(list(changes()))), max_size=3),
)
def test_whatever_lies_in_the_cache_the_answer_is_that_of_a_replay(
    numbers: list[int], names: list[str], faults: list[tuple[bool, Callable[[Path], None]]]
) -> None:
    """Any history and questions; an entry that lies, and damage to it or to the true one that its seal shows."""
    log = told(numbers)
    want = replay(log)
    with TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("error")
        path, cache = put(Path(name) / "a.db", archive(log.read())), Path(name) / "cache"
        filled(path, cache, *names)
        true, lie = entry(cache), forged(cache)
        halved(lie)
        for lies, fault in faults:
            # What is sealed under the true hash is that file's own: only the lie may be forged so.
            if lies or fault is not halved:
                folder = lie if lies else true
                if folder.exists():
                    fault(folder)
            asked = Asked(*names)
            assert {name: want[name] for name in names} == answered(path, cache, asked, hashing=HashBeside(path))
