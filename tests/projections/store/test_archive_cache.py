"""What is kept of an archive gives what the archive gives, or it is as if it were not there."""

import os
import shutil
import signal
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb
import msgspec
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.frames import Mark
from ledger.backup.scan import Scan, scan
from ledger.chain import Head
from ledger.errors import ArchiveDamagedError, DiskFullError, NoArchiveError, NotAnArchiveError, UnreadableError
from projections.fold.digest import digest
from projections.fold.projection import Projection
from projections.models import prices
from projections.models.prices import Prices
from projections.store import archive_cache
from projections.store.archive_cache import (
    KEPT_ARCHIVES,
    SCAN,
    CachedArchive,
    KeptScan,
    cache_folder,
    read_archive,
)
from projections.store.mending import StoreDroppedWarning
from projections.store.registry import ALL
from projections.store.replaying import replay
from projections.store.unnamed import PREFIX
from tests.projections.store import test_commitments
from tests.projections.store.kept_archives import LOG, NAMES, WHOLE, entry, kept, other_head, refuse, sealed
from tests.projections.store.test_commitments import BARS, DECIDED, Fault
from tests.projections.story import told
from tests.support.archives import archive, put, small_log
from tests.support.committed import SERIES


def digests(path: Path, cache: Path | None, names: Sequence[str] = tuple(NAMES)) -> dict[str, str]:
    """Return the digest of each read model of the archive that is asked for, by the cache."""
    log = read_archive(path, cache)
    assert isinstance(log, CachedArchive)
    with log.view() as view:
        assert log.head() == view.head
        return {name: digest(view.state[name]).hex() for name in names}


def test_the_second_time_nothing_is_scanned_and_nothing_folded(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read models are those of a replay both times, and of the archive without a cache."""
    want = replay(LOG)
    assert want == digests(path, cache)
    monkeypatch.setattr(archive_cache, "scan", refuse)
    monkeypatch.setattr(archive_cache, "folded", refuse)
    monkeypatch.setattr(archive_cache, "folded_aside", refuse)
    assert want == digests(path, cache)
    warm, cold = read_archive(path, cache), archive_log(path)
    assert (cold.head(), cold.created, list(cold.read())) == (warm.head(), warm.created, list(warm.read()))
    assert msgspec.structs.replace(cold.scan, counts=None) == warm.scan


def test_what_is_asked_for_is_kept_and_nothing_else(path: Path, cache: Path) -> None:
    """A folder 0700 and files 0600, nothing left of how they were made."""
    digests(path, cache, ["metrics"])
    assert ["metrics/data.mdb", "metrics/seal", "scan"] == kept(cache)
    digests(path, cache, ["prices", "metrics"])
    assert ["metrics/data.mdb", "metrics/seal", "prices/data.mdb", "prices/seal", "scan"] == kept(cache)
    for one in (cache.parent, cache, *cache.rglob("*")):
        assert (0o700 if one.is_dir() else 0o600) == stat.S_IMODE(one.stat().st_mode), one
    assert [] == [*cache.rglob(f"{PREFIX}*"), *cache.rglob(".*")]


def test_without_a_cache_nothing_is_kept(path: Path, cache: Path) -> None:
    """It is read as any archive is."""
    log = read_archive(path, None)
    assert (False, list(LOG.read())) == (isinstance(log, CachedArchive), list(log.read()))
    assert not cache.parent.exists()


class Later(Prices):
    """The prices of a later version."""

    version = Prices.version + 1


def test_other_bytes_or_another_version_are_another_entry(path: Path, cache: Path) -> None:
    """What was worked out by one version is not looked at by another, nor of another prefix of the same log."""
    digests(path, cache)
    put(path, archive(LOG.read(0, 40)))
    assert replay(LOG, 40) == digests(path, cache)
    later: list[Projection] = [Later() if one.name == prices.NAME else one for one in ALL]
    read_archive(path, cache, later)
    assert 3 == len(list(cache.iterdir()))


def test_only_the_archives_used_last_stay(tmp_path: Path, cache: Path) -> None:
    """To use one counts, not to have made it."""
    paths = [put(tmp_path / f"{size}.db", archive(LOG.read(0, size))) for size in range(10, 15)]
    names: list[str] = []
    for number, path in enumerate(paths[:KEPT_ARCHIVES]):
        digests(path, cache, ["metrics"])
        (new,) = {one.name for one in cache.iterdir()} - set(names)
        names.append(new)
        os.utime(cache / new, (number, number))
    digests(paths[0], cache, ["metrics"])
    digests(paths[3], cache, ["metrics"])
    assert KEPT_ARCHIVES == len(list(cache.iterdir()))
    assert {names[0], names[2]} <= {one.name for one in cache.iterdir()}
    assert replay(LOG, 11) == digests(paths[1], cache)


def damaged(content: bytes, at: int) -> Iterator[bytes]:
    """Yield the content with a bit turned, cut, and zeroed from there on."""
    yield content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]
    yield content[:at]
    yield content[:at] + bytes(len(content) - at)


@pytest.mark.parametrize("name", [SCAN, "metrics/seal", "metrics/data.mdb", "prices/data.mdb"])
def test_a_damaged_cache_is_as_none_and_made_again(name: str, path: Path, cache: Path) -> None:
    """A bit turned, a file cut or its end zeroed, anywhere: the same rows, no warning, and whole the next time."""
    want = digests(path, cache)
    whole = (entry(cache) / name).read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for at in range(0, len(whole), max(1, len(whole) // 12)):
            for content in damaged(whole, at):
                (entry(cache) / name).write_bytes(content)
                assert want == digests(path, cache), (at, len(content))
                if content != whole:
                    assert content != (entry(cache) / name).read_bytes()


@pytest.mark.parametrize("mark", [BARS, DECIDED], ids=["prices", "actions"])
@pytest.mark.parametrize(
    "fault", [getattr(test_commitments, one) for one in ("removed", "doubled", "edited", "twice", "gone")]
)
def test_no_false_price_or_action_is_read_from_a_cache_that_was_forged(
    fault: Fault, mark: bytes, tmp_path: Path, cache: Path
) -> None:
    """Its checks and its seal fit: the state that the archive commits to does not, and the next run has it whole."""
    ledger = test_commitments.told()
    path = put(tmp_path / "a.db", archive(ledger.log.read()))
    digests(path, cache, ["prices"])
    folder = entry(cache) / "prices"
    with lmdb.open(str(folder)) as env, env.begin(write=True) as txn:
        fault(txn, test_commitments.rows(txn, mark), [])
    sealed(folder)
    want = ledger.held()
    log = read_archive(path, cache)
    assert isinstance(log, CachedArchive)
    with log.view() as view:
        with pytest.warns(StoreDroppedWarning) as caught:
            found = prices.held(view.state["prices"], SERIES)
        assert want == found
        assert want.bars == prices.bars(view.state["prices"], SERIES)
    assert 1 == len(caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {"prices": replay(ledger.log)["prices"]} == digests(path, cache, ["prices"])


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_row_whose_check_fails_is_not_served_though_the_seal_fits(name: str, path: Path, cache: Path) -> None:
    """One bit of a row, with the file's seal made again."""
    want = digests(path, cache)
    folder = entry(cache) / name
    with lmdb.open(str(folder)) as env, env.begin(write=True) as txn:
        for key, value in [row for row in txn.cursor() if row[0][0]]:
            txn.put(key, bytes([value[0] ^ 4]) + value[1:])
    sealed(folder)
    with pytest.warns(StoreDroppedWarning):
        assert want == digests(path, cache)
    assert want == digests(path, cache)


def moved(offset_bytes: int, kept: KeptScan) -> KeptScan:
    """Return the scan with another mark somewhere else, behind its last one."""
    mark = Mark(1, offset_bytes, next(LOG.read()).link)
    return msgspec.structs.replace(kept, marks=(*kept.marks, mark))


def shorter(kept: KeptScan) -> KeptScan:
    """Return the scan of a log that ends one event before."""
    *_, before, _ = LOG.read()
    return msgspec.structs.replace(kept, head=Head(kept.head.size - 1, before.link), marks=kept.marks[:1])


def longer(kept: KeptScan) -> KeptScan:
    """Return the scan of a log that goes on."""
    return msgspec.structs.replace(kept, head=Head(kept.head.size + 1, kept.head.link))


def past(kept: KeptScan) -> KeptScan:
    """Return the scan with a mark behind the end."""
    last = Mark(kept.head.size, len(WHOLE), kept.head.link)
    return msgspec.structs.replace(kept, marks=(*kept.marks, last))


def no_marks(kept: KeptScan) -> KeptScan:
    """Return the scan without a mark."""
    return msgspec.structs.replace(kept, marks=())


def other_file(kept: KeptScan) -> KeptScan:
    """Return the scan of other bytes."""
    return msgspec.structs.replace(kept, file=msgspec.structs.replace(kept.file, sha256=bytes(32)))


@pytest.mark.parametrize("offset_bytes", [-1, 0, 21, len(WHOLE), 2**40, 2**64 - 1])
def test_a_mark_that_leads_elsewhere_is_none(offset_bytes: int, path: Path, cache: Path) -> None:
    """Before the file, into a frame, past its end, and past what a file can be."""
    test_a_scan_that_is_not_of_the_file_is_made_again(partial(moved, offset_bytes), path, cache)


@pytest.mark.parametrize("change", [shorter, longer, other_head, past, no_marks, other_file])
def test_a_scan_that_is_not_of_the_file_is_made_again(
    change: Callable[[KeptScan], KeptScan], path: Path, cache: Path
) -> None:
    """Its seal fits, the file does not."""
    want = digests(path, cache)
    held = entry(cache) / SCAN
    whole = held.read_bytes()
    content = msgspec.msgpack.encode(change(msgspec.msgpack.decode(whole[32:], type=KeptScan)))
    held.write_bytes(blake3(content).digest() + content)
    assert want == digests(path, cache)
    assert (LOG.head(), list(LOG.read())) == ((log := read_archive(path, cache)).head(), list(log.read()))
    assert whole == held.read_bytes()


def another_user(monkeypatch: pytest.MonkeyPatch, _cache: Path) -> None:
    """Have the folder be somebody else's."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


def open_to_others(_: pytest.MonkeyPatch, cache: Path) -> None:
    """Let the group write there."""
    cache.chmod(0o770)


def a_link(_: pytest.MonkeyPatch, cache: Path) -> None:
    """Have a link there lead to what is cached."""
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to("elsewhere")


def a_file(_: pytest.MonkeyPatch, cache: Path) -> None:
    """Have a file there."""
    shutil.rmtree(cache)
    cache.write_bytes(b"x")


@pytest.mark.parametrize("change", [another_user, open_to_others, a_link, a_file])
def test_a_folder_that_is_not_ours_alone_is_left_alone(
    change: Callable[[pytest.MonkeyPatch, Path], None], path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing there is read, and nothing written."""
    digests(path, cache)
    change(monkeypatch, cache)
    before = sorted(cache.parent.rglob("*"))
    log = read_archive(path, cache)
    assert (False, LOG.head()) == (isinstance(log, CachedArchive), log.head())
    assert before == sorted(cache.parent.rglob("*"))


@pytest.mark.parametrize("broken", ["create", "write_whole", "put_file", "make_private_folder", "locked_folder"])
def test_a_disk_that_takes_nothing_costs_the_cache_alone(
    broken: str, path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it cannot be written, the rows are the same, and nothing half is left."""
    read_archive(path, cache)
    shutil.rmtree(entry(cache))

    def full(place: Path, *_: object, **__: object) -> None:
        raise DiskFullError(place)

    with monkeypatch.context() as patch:
        patch.setattr(archive_cache, broken, full)
        assert replay(LOG) == digests(path, cache)
    assert [] == [*cache.rglob(f"{PREFIX}*"), *cache.rglob(".*")]
    assert replay(LOG) == digests(path, cache)


@pytest.mark.parametrize("at", ["create", "folded", "put_file", "write_whole"])
def test_a_process_killed_while_it_fills_the_cache_leaves_it_sound(
    at: str, path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one removes what it left, and fills it."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if not pid:
        monkeypatch.setattr(archive_cache, at, die)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            digests(path, cache)
        os._exit(0)
    assert signal.SIGKILL == os.WTERMSIG(os.waitpid(pid, 0)[1])
    assert replay(LOG) == digests(path, cache)
    assert [] == list(cache.rglob(f"{PREFIX}*"))
    assert replay(LOG) == digests(path, cache)


def test_processes_at_once_all_read_what_the_archive_says(path: Path, cache: Path) -> None:
    """Each fills it, one of them stands, and the others read on in what they opened."""
    want, pids = replay(LOG), []
    for number in range(6):
        pid = os.fork()
        if not pid:
            try:
                found = [digests(path, cache, NAMES[number % 5 :] + NAMES[: number % 5]) for _ in range(3)]
                os._exit(0 if [want] * 3 == found else 1)
            finally:
                os._exit(2)
        pids.append(pid)
    assert [0] * 6 == [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert [] == list(cache.rglob(f"{PREFIX}*"))


def test_who_reads_goes_on_though_the_cache_is_removed(path: Path, cache: Path) -> None:
    """And whoever comes next has it filled again."""
    digests(path, cache)
    log = read_archive(path, cache)
    assert isinstance(log, CachedArchive)
    with log.view() as view:
        before = digest(view.state["metrics"])
        shutil.rmtree(cache)
        assert before == digest(view.state["metrics"])
        assert replay(LOG) == {name: digest(view.state[name]).hex() for name in NAMES}
    assert replay(LOG) == digests(path, cache)


def test_a_file_that_changes_while_it_is_read_is_refused(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its hash and its scan, and between its scan and its fold: nothing is kept under a false name."""
    other = archive(told(list(range(60, 120))).read())

    def changed(path: Path) -> Scan:
        return scan(put(path, other))

    with monkeypatch.context() as patch:
        patch.setattr(archive_cache, "scan", changed)
        with pytest.raises(UnreadableError, match="got 'a file that changes'"):
            read_archive(path, cache)
    assert [] == list(cache.iterdir())
    put(path, WHOLE)
    log = read_archive(path, cache)
    assert isinstance(log, CachedArchive)
    put(path, other)
    with log.view() as view, pytest.raises(ArchiveDamagedError):
        digest(view.state["metrics"])
    assert [SCAN] == kept(cache)


def test_what_lies_beside_the_file_is_looked_at_each_time(path: Path, cache: Path) -> None:
    """A `.checksum` of other bytes is damage, cached or not; and so is a damaged file, of which nothing is kept."""
    digests(path, cache)
    put(path.with_name("a.db.checksum"), f"{bytes(32).hex()}  a.db\n".encode())
    with pytest.raises(ArchiveDamagedError, match="got checksum"):
        read_archive(path, cache)
    path.with_name("a.db.checksum").unlink()
    before = sorted(cache.rglob("*"))
    put(path, WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]))
    for _ in range(2):
        with pytest.raises(ArchiveDamagedError, match="got link at seq"):
            read_archive(path, cache)
    assert before == sorted(cache.rglob("*"))


def test_what_is_no_archive_is_refused_as_ever(tmp_path: Path, cache: Path) -> None:
    """Before anything of it is hashed."""
    with pytest.raises(NotAnArchiveError):
        read_archive(put(tmp_path / "n.db", b"nothing of the kind"), cache)
    with pytest.raises(NoArchiveError):
        read_archive(tmp_path / "gone.db", cache)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAnArchiveError):
        read_archive(tmp_path / "pipe", cache)


def test_where_the_cache_is(tmp_path: Path) -> None:
    """As the XDG Base Directory Specification has it; without a home there is none."""
    home = str(tmp_path)
    assert Path("/x/b3-ledger") == cache_folder({"XDG_CACHE_HOME": "/x", "HOME": home})
    for named in ({}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}):
        assert tmp_path / ".cache" / "b3-ledger" == cache_folder({"HOME": home, **named})
        for none in ({}, {"HOME": ""}, {"HOME": "relative"}, {"HOME": str(tmp_path / "gone")}):
            assert None is cache_folder({**none, **named})


def test_an_archive_of_one_event(tmp_path: Path, cache: Path) -> None:
    """The shortest that there is."""
    log = small_log(1)
    path = put(tmp_path / "one.db", archive(log.read()))
    for _ in range(2):
        assert replay(log) == digests(path, cache)
        found: ArchiveLog = read_archive(path, cache)
        assert list(log.read()) == list(found.read())


@given(
    st.lists(st.integers(0, 999), max_size=15),
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 2**20), st.booleans()), min_size=1, max_size=5),
)
def test_however_it_is_asked_and_damaged_the_rows_are_those_of_a_replay(
    numbers: list[int], steps: list[tuple[str, int, bool]]
) -> None:
    """Any history, any order of questions, any byte of anything kept changed in between."""
    log = told(numbers)
    want = replay(log)
    with TemporaryDirectory() as name:
        path, cache = put(Path(name) / "a.db", archive(log.read())), Path(name) / "cache"
        for asked, at, damage in steps:
            assert want[asked] == digests(path, cache, [asked])[asked]
            if damage:
                files = [one for one in sorted(cache.rglob("*")) if one.is_file()]
                chosen = files[at % len(files)]
                content = bytearray(chosen.read_bytes())
                content[at % len(content)] ^= 1 + at % 255
                chosen.write_bytes(content)
