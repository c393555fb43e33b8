"""What can go wrong with copies in an object store; no message shows what a URL hides."""

from pathlib import Path

from ledger.errors import LedgerError
from ledger.foreseen import WORDS_MAX
from ledger.urls import masked, masked_line


class PlaceError(LedgerError):
    """A URL names no place that copies are kept at."""

    def __init__(self, url: str, found: str, *, wanted: str) -> None:
        super().__init__(f"got {masked(url)} with {found}, want {wanted}")
        self.url, self.found, self.wanted = masked(url), found, wanted


class NoPlaceError(LedgerError):
    """There is no folder at the place that is to be read."""

    def __init__(self, url: str, path: Path) -> None:
        super().__init__(f"got no folder at {masked(url)}, want one")
        self.url, self.path = masked(url), path


class StoreError(LedgerError):
    """An object store did not do what it was asked; that says nothing of what it holds."""

    def __init__(self, url: str, words: str) -> None:
        told = masked_line(words.partition("Debug source:")[0], WORDS_MAX)
        super().__init__(f"got no use of {masked(url)} ({told}), want its store to answer")


class NoObjectError(LedgerError):
    """There is no object of that name at a place that may hold some."""

    def __init__(self, place: str, name: str) -> None:
        super().__init__(f"got no object at {masked(place)}/{name}, want one")
        self.place = masked(place)


class ObjectDiffersError(LedgerError):
    """An object holds other bytes than the log has for its name; it was not touched."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(f"got other bytes in {masked(url)}/{name}, want those of the ledger in use: it stays as it is")
        self.url, self.object = masked(url), name


class SegmentsError(LedgerError):
    """The objects at a URL are not one run of segments from event 0 on."""

    def __init__(self, url: str, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found} at {masked(url)}, want {wanted}")
        self.url, self.found, self.wanted = masked(url), found, wanted
