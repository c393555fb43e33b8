"""Brings the archive that the segments at a place make together into a file, where it is a backup as any other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import LedgerError
from ledger.files.atomic_file import PartFile, part_file
from ledger.files.checksum import checksum_path
from ledger.objects.errors import ObjectDiffersError, SegmentsError
from ledger.objects.place import ObjectPlace
from ledger.objects.segments import Placed, chain, checksum_name, placed


@contextmanager
def fetched(place: ObjectPlace, *, whole: bool = True) -> Iterator[Path]:
    """Give the archive at `place` as a file with its `.checksum` among the temporary files, gone after the block.

    It is no more checked than any file that was copied. Without `whole` it may lack its last segments: the checksum of
    the whole is beside it, and says so of it as of a file that was cut. What the block raises names the place instead
    of the file. Takes the archive's bytes on disk and a buffer of memory.

    Raises: SegmentsError where there is no whole run of segments; StoreError; DiskFullError, UnwritableError.
    """
    objects = placed(place.objects())
    segments = chain(place.url, objects)
    if not segments:
        raise SegmentsError(place.url, "no segment", wanted="a backup made by main backup --create --to")
    ledger_id, stop = segments[-1].ledger_id, segments[-1].stop
    checksums = [one for one in objects if one.ledger_id == ledger_id and one.name.endswith(".checksum")]
    later = max((one for one in checksums if one.status == "gap"), key=lambda one: one.stop, default=None)
    if later and whole:
        raise SegmentsError(
            place.url, f"no segment of the events {stop} to {later.stop - 1}", wanted=f"those of {later.name}"
        )
    with tempfile.TemporaryDirectory(prefix="b3-ledger-") as folder:
        path = Path(folder) / place.name
        with part_file(path) as part:
            for one in segments:
                copy_object(place, one, part)
            part.publish()
        for one in checksums:
            if one.name == (later.name if later else checksum_name(ledger_id, stop)):
                with part_file(checksum_path(path)) as part:
                    copy_object(place, one, part)
                    part.publish()
        try:
            yield path
        except LedgerError as error:
            error.args = tuple(str(value).replace(str(path), place.url) for value in error.args)
            # Hints are made of it.
            if "path" in vars(error):
                vars(error)["path"] = place.url
            raise


def copy_object(place: ObjectPlace, one: Placed, part: PartFile) -> None:
    """Add the bytes of an object to `part`, as many as were listed of it.

    Raises: ObjectDiffersError; StoreError; OSError.
    """
    left = one.size_bytes
    for some in place.read(one.name):
        left -= len(some)
        if left < 0:
            break
        part.write(some)
    if left:
        raise ObjectDiffersError(place.url, one.name)
