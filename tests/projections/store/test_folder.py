"""The folder of stores, and the store that a run keeps open."""

from pathlib import Path

from ledger.chain import EMPTY_HEAD
from projections.store.folder import KeptOpen, Shelf
from projections.store.runner import catch_up, forget, rebuild
from projections.store.store import Store
from tests.projections.story import told


def test_a_store_is_kept_open_between_views(tmp_path: Path) -> None:
    """Until another one is in use, one of the same name included, or there is none."""
    log, kept = told([1, 2]), KeptOpen()
    kept.keep(tmp_path)
    assert [] == opened_twice(tmp_path)
    catch_up(log, tmp_path)
    kept.keep(tmp_path)
    first = opened_twice(tmp_path)
    assert first[0] is first[1]
    rebuild(log, tmp_path)
    kept.keep(tmp_path)
    second = opened_twice(tmp_path)
    assert second[0] is second[1] is not first[0]
    forget(tmp_path)
    catch_up(log, tmp_path)
    kept.keep(tmp_path)
    third = opened_twice(tmp_path)
    assert third[0] is third[1] is not second[0]
    assert EMPTY_HEAD != third[0].head()
    kept.close()
    again = opened_twice(tmp_path)
    assert again[0] is not again[1]


def opened_twice(folder: Path) -> list[Store]:
    """Return the store in use, opened and let go of twice."""
    found = []
    for _ in range(2):
        with Shelf(folder).stored() as store:
            if store is not None:
                found.append(store)
    return found
