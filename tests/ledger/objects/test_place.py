"""A place in an object store: whatever the store raises is told as its own, by the URL."""

from pathlib import Path

import pytest

from ledger.objects.errors import StoreError
from ledger.objects.place import ObjectPlace

pytest.importorskip("obstore")


@pytest.mark.parametrize("raised", [NotImplementedError, ValueError, OSError, TimeoutError])
def test_what_a_store_raises_names_the_place(raised: type[Exception], tmp_path: Path) -> None:
    """Asked for, read or written."""
    place = ObjectPlace((tmp_path / "nas").as_uri(), create=True)
    with pytest.raises(StoreError, match="no such thing") as caught, place.asking():
        raise raised("no such thing")
    assert place.url in str(caught.value)


def test_an_operation_that_a_store_does_not_have(tmp_path: Path) -> None:
    """A folder has no e-tags: what obstore raises there is Python's NotImplementedError, and no error of its own."""
    place = ObjectPlace((tmp_path / "nas").as_uri(), create=True)
    place.put("note", b"one")
    with pytest.raises(StoreError), place.asking():
        place._api.put(place._store, "note", b"two", mode={"e_tag": "1"})
    assert [b"one"] == list(place.read("note"))


def test_a_bug_is_no_word_of_the_store(tmp_path: Path) -> None:
    """It is not dressed up as one."""
    place = ObjectPlace((tmp_path / "nas").as_uri(), create=True)
    with pytest.raises(KeyError), place.asking():
        raise KeyError("ours")
