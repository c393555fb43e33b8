"""A place in an object store: whatever the store raises is told as its own, by the URL."""

import errno
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, HandleShortageError, LedgerError, UnreadableError, UnwritableError
from ledger.objects.errors import NoPlaceError, StoreError
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


@pytest.mark.parametrize("name", ["none", "file", "file/below"])
def test_a_folder_that_is_not_there_is_named_by_its_path(name: str, tmp_path: Path) -> None:
    """Nobody's credentials are at fault; a file is no folder."""
    (tmp_path / "file").touch()
    with pytest.raises(NoPlaceError, match=f"got no folder at file://.*{name}, want one") as caught:
        ObjectPlace((tmp_path / name).as_uri())
    assert tmp_path / name == caught.value.path


@pytest.mark.parametrize(
    ("number", "of_reading", "of_writing"),
    [
        (errno.EACCES, UnreadableError, UnwritableError),
        (errno.EROFS, UnreadableError, UnwritableError),
        (errno.ENOSPC, UnreadableError, DiskFullError),
        (errno.EMFILE, HandleShortageError, HandleShortageError),
    ],
)
def test_what_the_system_said_of_a_folder_is_told_as_such(
    number: int, of_reading: type[LedgerError], of_writing: type[LedgerError], tmp_path: Path
) -> None:
    """As of any other folder; the store puts the number into its words."""
    place = ObjectPlace((tmp_path / "nas").as_uri(), create=True)
    for writing, wanted in ((False, of_reading), (True, of_writing)):
        with pytest.raises(LedgerError) as caught, place.asking(writing=writing):
            raise OSError(f"Generic LocalFileSystem error: Unable to walk dir (os error {number})")
        assert wanted is type(caught.value)


def test_a_place_that_is_no_folder_has_no_word_of_this_system() -> None:
    """A bucket's error is its store's own."""
    place = ObjectPlace("s3://bucket/prices")
    with pytest.raises(StoreError, match="os error 111"), place.asking(writing=True):
        raise OSError("connection refused (os error 111)")
