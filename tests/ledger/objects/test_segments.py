"""What the names of objects say: one run of segments, what is missing of it, what is of somebody else."""

import pytest

from ledger.objects.errors import SegmentsError
from ledger.objects.segments import StoredObject, chain, checksum_name, placed, segment_name

OURS, OTHERS = "0" * 31 + "1", "f" * 32


def statuses(*names: str) -> dict[str, str]:
    """Return what each name is."""
    return {one.name: one.status for one in placed(StoredObject(name, 9) for name in names)}


def test_segments_follow_one_another_from_event_0() -> None:
    """In any order that a store lists them; the chain is that of the events, beyond the digits of a name too."""
    names = [segment_name(OURS, 0, 9), segment_name(OURS, 9, 10), segment_name(OURS, 10, 10**14)]
    found = placed(StoredObject(name, 9) for name in reversed([*names, checksum_name(OURS, 10)]))
    assert names == [one.name for one in chain("s3://b/p", found)]
    assert ["segment"] * 3 + ["checksum"] == [one.status for one in found]


def test_a_gap_is_named() -> None:
    """A segment after missing events, and a checksum of more than is there."""
    names = segment_name(OURS, 0, 5), segment_name(OURS, 7, 9)
    found = placed(StoredObject(name, 9) for name in names)
    assert ["segment", "gap"] == [one.status for one in found]
    with pytest.raises(SegmentsError, match=r"got no segment of the events 5 to 6 at s3://b/p, want one before 0+1-"):
        chain("s3://b/p", found)
    assert "gap" == statuses(names[0], checksum_name(OURS, 9))[checksum_name(OURS, 9)]


def test_of_two_uploads_at_once_the_longer_segment_counts() -> None:
    """The other overlaps, as does one inside what is there; the chain goes on behind the longer one."""
    names = [segment_name(OURS, *events) for events in ((0, 3), (0, 5), (2, 4), (5, 6))]
    assert ["overlap", "segment", "overlap", "segment"] == [statuses(*names)[name] for name in names]
    found = chain("s3://b/p", placed(StoredObject(name, 9) for name in names))
    assert [(0, 5), (5, 6)] == [(one.start, one.stop) for one in found]


def test_what_is_not_ours_is_foreign() -> None:
    """Other names, names below another folder, a segment of nothing; a checkpoint is known."""
    names = ["readme.txt", f"x/{segment_name(OURS, 0, 5)}", segment_name(OURS, 5, 5), f"{segment_name(OURS, 0, 5)}x"]
    assert {"foreign"} == set(statuses(*names).values())
    assert "checkpoint" == statuses("checkpoints/12")["checkpoints/12"]
    assert "foreign" == statuses("checkpoints/012")["checkpoints/012"]


def test_segments_of_two_ledgers_are_no_backup() -> None:
    """Which one was meant nobody can say."""
    found = placed(StoredObject(segment_name(one, 0, 5), 9) for one in (OURS, OTHERS))
    with pytest.raises(SegmentsError, match=f"{OURS}, {OTHERS}"):
        chain("s3://b/p", found)
