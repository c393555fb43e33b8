"""`main rebuild` makes the stored read models again, and `--check` holds them against the log."""

from pathlib import Path

import lmdb
import msgspec
import pytest

from projections.store.folder import Shelf
from projections.store.lmdb_tables import CHECK_BYTES, sealed, unsealed
from projections.store.registry import ALL
from projections.store.store import HEAD_KEY, Model, StoredHead
from tests.support.sample_ledger import EVENTS, FOLDER, kept, look

NAMES = [one.name for one in ALL]


def corrupt(folder: Path) -> bytes:
    """Change one stored price, its check as well, behind the projections' back; return its key."""
    store = Shelf(folder / FOLDER).current()
    assert store is not None
    with lmdb.open(str(store)) as env, env.begin(write=True) as txn:
        cursor = txn.cursor()
        cursor.set_range(b"\1")  # the first table of the first projection: bars
        key, stored = cursor.item()
        value = stored[:-CHECK_BYTES]
        txn.put(key, sealed(key, value[:-1] + bytes([value[-1] ^ 1])))
    return bytes(key[1:])


def test_what_is_stored_is_what_a_replay_gives(sample: Path) -> None:
    """Any reading command brings it up to the log."""
    look("metrics", cwd=sample)
    found = look("rebuild", "--check", "--format", "json", cwd=sample)
    (row,) = found.lines()
    head = row.pop("head")
    assert (0, 64) == (found.code, len(head))
    assert {"verdict": "same", "projections": NAMES, "events": EVENTS, "differences": []} == row


def test_a_difference_is_named_by_projection_table_and_key(copy: Path) -> None:
    """And a rebuild mends it, leaving log and snapshots as they were."""
    key, before = corrupt(copy), kept(copy)
    found = look("rebuild", "--check", "--format", "json", cwd=copy)
    (row,) = found.lines()
    (apart,) = row["differences"]
    assert (2, "different", "prices", "bars", key.hex()) == (
        found.code,
        row["verdict"],
        apart["projection"],
        apart["table"],
        apart["key"],
    )
    assert f"prices: table bars, key {key.hex()}" in look("rebuild", "--check", cwd=copy).out
    assert 0 == look("rebuild", cwd=copy).code
    assert (0, before) == (look("rebuild", "--check", cwd=copy).code, kept(copy))


@pytest.mark.damages("rows of two read models, of which one is mended", always=False)
@pytest.mark.parametrize(("name", "code"), [("prices", 0), ("metrics", 2)])
def test_one_projection_is_mended_alone(name: str, code: int, copy: Path) -> None:
    """The others stay as they are, wrong ones too."""
    corrupt(copy)
    done = look("rebuild", "--projection", name, cwd=copy)
    assert (0, f"rebuilt: {name} at {EVENTS} events\n") == (done.code, done.out)
    assert code == look("rebuild", "--check", cwd=copy).code


def test_with_nothing_stored_there_is_nothing_to_check(copy: Path) -> None:
    """Exit 3, and nothing is made."""
    Shelf(copy / FOLDER).forget()
    found = look("rebuild", "--check", cwd=copy)
    assert (3, "") == (found.code, found.out)
    assert Shelf(copy / FOLDER).current() is None


def test_a_row_that_fails_its_check_is_not_copied(copy: Path) -> None:
    """Then all are built again, with a warning; `--check` before that says which row it is."""
    key = corrupt(copy)
    path = Shelf(copy / FOLDER).current()
    assert path is not None
    with lmdb.open(str(path)) as env, env.begin(write=True) as txn:
        txn.put(b"\1" + key, b"\0" + txn.get(b"\1" + key)[1:])
    checked = look("rebuild", "--check", "--format", "json", cwd=copy)
    (apart,) = checked.lines()[0]["differences"]
    assert (2, "damaged", key.hex()) == (checked.code, apart["stored"], apart["key"])
    done = look("rebuild", "--projection", "metrics", cwd=copy)
    assert (0, f"rebuilt: metrics at {EVENTS} events\n") == (done.code, done.out)
    assert done.err.startswith("warning: stored read models at ")
    assert (0, "") == (look("rebuild", "--check", cwd=copy).code, look("rebuild", "--check", cwd=copy).err)


def test_projections_of_another_version_are_not_checked(copy: Path) -> None:
    """They are built again by the next command that may write."""
    path = Shelf(copy / FOLDER).current()
    assert path is not None
    with lmdb.open(str(path)) as env, env.begin(write=True) as txn:
        stored = msgspec.msgpack.decode(unsealed(path, HEAD_KEY, txn.get(HEAD_KEY)), type=StoredHead)
        older = {**stored.models, "prices": Model(0, stored.models["prices"].tables)}
        txn.put(HEAD_KEY, sealed(HEAD_KEY, msgspec.msgpack.encode(msgspec.structs.replace(stored, models=older))))
    assert 3 == look("rebuild", "--check", cwd=copy).code
    look("metrics", cwd=copy)
    assert 0 == look("rebuild", "--check", cwd=copy).code


def test_a_name_that_is_no_projection_is_refused(sample: Path) -> None:
    """Those that are, are named."""
    found = look("rebuild", "--projection", "prizes", cwd=sample)
    assert (3, True) == (found.code, "prices" in found.err)
