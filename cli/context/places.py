"""Places in object stores, as a command line names them by a URL, and archives that are kept there, as files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.urls import masked
from projections.api import extras

if TYPE_CHECKING:
    from ledger.objects.place import ObjectPlace

EXTRA = "objects"


def opened(url: str, *, create: bool = False) -> "ObjectPlace":
    """Return the place at `url`.

    Raises: MissingExtraError without obstore; as `ObjectPlace` does.
    """
    # Imported here: only a command that is given a URL pays for what reads one.
    from ledger.objects.place import ObjectPlace

    extras.load("obstore", extra=EXTRA)
    return ObjectPlace(url, create=create)


def shown(given: Path | str) -> str:
    """Return a path or a URL as it is printed."""
    return masked(given) if isinstance(given, str) else str(given)


@contextmanager
def as_file(archive: Path | str, *, whole: bool = True) -> Iterator[Path]:
    """Give an archive as a file: itself, or what the segments at a URL make together; see `ledger.objects.fetch`.

    Raises: as `opened` and `fetched` do.
    """
    if isinstance(archive, Path):
        yield archive
        return
    from ledger.objects.fetch import fetched

    with fetched(opened(archive), whole=whole) as path:
        yield path
