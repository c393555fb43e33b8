"""Snapshots held against the log: events, files, the first line apart."""

import os
from pathlib import Path

import pytest

from ledger.errors import UnreadableError
from projections.queries.publish import publish
from projections.queries.snapshot_check import SnapshotCheck, check_snapshots, first_apart
from projections.queries.snapshot_csv import Csv, render
from tests.projections.story import TICKERS, Story, bar, day

T = TICKERS[0]
OLD, NEW = ({day(0): bar(0), day(1): bar(1)}, {day(0): bar(0), day(1): bar(1, 11_000_000)})


def record(story: Story, csv: Csv) -> int:
    """Append that `csv` was written, all events before it folded in."""
    return story.snapshot(csv.name, position=story.log.head().size, sha256=csv.sha256, rows=csv.rows)


@pytest.fixture
def revised(tmp_path: Path) -> tuple[Story, int, int]:
    """Return a story of a snapshot that was written twice under one name, and the seqs of both events."""
    story = Story()
    story.decided(story.fetched(), bars=list(OLD.values()))
    first = record(story, render(T, OLD))
    story.decided(story.fetched(), bars=[bar(1, 11_000_000)])
    second = record(story, render(T, NEW))
    publish(render(T, NEW), tmp_path)
    return story, first, second


def test_every_event_is_checked_at_its_position_and_the_file_against_the_newest(
    tmp_path: Path, revised: tuple[Story, int, int]
) -> None:
    """The older event of the name holds too, although the file has moved on."""
    story, first, second = revised
    old, new = render(T, OLD), render(T, NEW)
    digests = {first: old.sha256.hex(), second: new.sha256.hex()}
    expected = [
        *(
            SnapshotCheck(name=new.name, seq=seq, status="ok", expected_sha256=digest, found_sha256=digest)
            for seq, digest in digests.items()
        ),
        SnapshotCheck(
            name=new.name,
            path=str(tmp_path / new.name),
            seq=second,
            status="ok",
            expected_sha256=digests[second],
            found_sha256=digests[second],
        ),
    ]
    assert expected == check_snapshots(story.log, tmp_path)


def test_a_changed_byte_is_named_by_its_line(tmp_path: Path, revised: tuple[Story, int, int]) -> None:
    """Every byte of the file, one at a time."""
    story, _, _ = revised
    csv = render(T, NEW)
    path = tmp_path / csv.name
    for index in range(len(csv.content)):
        path.write_bytes(csv.content[:index] + bytes([csv.content[index] ^ 1]) + csv.content[index + 1 :])
        found = check_snapshots(story.log, tmp_path, [path])[-1]
        assert ("mismatch", csv.content[:index].count(b"\n") + 1) == (found.status, found.line)


def test_an_absent_file_is_reported_and_is_no_mismatch(tmp_path: Path, revised: tuple[Story, int, int]) -> None:
    """Snapshots may be cleared away; the log can give them back."""
    story, _, _ = revised
    (tmp_path / render(T, NEW).name).unlink()
    assert ["ok", "ok", "absent"] == [one.status for one in check_snapshots(story.log, tmp_path)]


def test_a_file_that_no_event_names_is_unrecorded(tmp_path: Path) -> None:
    """It is not this ledger's."""
    path = tmp_path / "VALE3-20260105.csv"
    path.write_bytes(b"")
    assert ["unrecorded"] == [one.status for one in check_snapshots(Story().log, tmp_path)]
    assert [] == check_snapshots(Story().log, tmp_path, [])


@pytest.mark.parametrize("content", [b"0" * 64, b"nonsense", b""])
def test_a_wrong_checksum_file_is_line_zero(tmp_path: Path, revised: tuple[Story, int, int], content: bytes) -> None:
    """The CSV is right, and what others will hold against it is not."""
    story, _, _ = revised
    (tmp_path / f"{render(T, NEW).name}.checksum").write_bytes(content)
    found = check_snapshots(story.log, tmp_path)[-1]
    assert ("mismatch", 0) == (found.status, found.line)


def test_an_event_that_the_log_does_not_bear_out_is_a_mismatch(tmp_path: Path) -> None:
    """Other prices, or none at all, at its position."""
    story = Story()
    csv = render(T, OLD)
    record(story, csv)
    story.decided(story.fetched(), bars=[bar(0)])
    record(story, csv)
    found = check_snapshots(story.log, tmp_path)
    assert ["mismatch", "mismatch", "absent"] == [one.status for one in found]


def test_every_position_is_rendered_from_one_walk(tmp_path: Path) -> None:
    """Positions in any order, behind their events or past the end: each as the decisions before it leave the series."""
    story, known = Story(), dict[int, Csv]()
    bars = {}
    for number in range(12):
        story.decided(story.fetched(), bars=[bar(number % 5, 10_000_000 + number)])
        bars = {**bars, day(number % 5): bar(number % 5, 10_000_000 + number)}
        known[story.log.head().size] = render(T, bars)
    positions = sorted(known, key=lambda position: position * 7 % 11)
    for position in (*positions, *positions):
        csv = known[position]
        story.snapshot(csv.name, position=position, sha256=csv.sha256, rows=csv.rows)
    newest = known[max(known)]
    story.snapshot(newest.name, position=10_000, sha256=newest.sha256, rows=newest.rows)
    found = check_snapshots(story.log, tmp_path)
    assert ["ok"] * 25 == [one.status for one in found if one.path is None]


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.csv", "..", ".", "", "a/b.csv"])
def test_a_name_that_is_a_path_is_refused_and_never_opened(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote the event does not choose what is read on this machine."""
    folder = tmp_path / "snapshots"
    (folder / "a").mkdir(parents=True)
    for path in (tmp_path / "secret.csv", folder / "a" / "b.csv"):
        path.write_bytes(b"secret\n")
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)])
    csv = render(T, {day(0): bar(0)})
    story.snapshot(name, position=story.log.head().size, sha256=csv.sha256, rows=1)
    monkeypatch.setattr("projections.queries.snapshot_check._content", pytest.fail)
    found = check_snapshots(story.log, folder)
    assert [(name, None, "ok"), (name, None, "refused")] == [(one.name, one.path, one.status) for one in found]


def test_what_is_no_regular_file_is_not_read(tmp_path: Path, revised: tuple[Story, int, int]) -> None:
    """A pipe would wait for ever, and a device would not end."""
    story, _, _ = revised
    path = tmp_path / render(T, NEW).name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UnreadableError, match="Not a regular file"):
        check_snapshots(story.log, tmp_path)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (b"a\nb\n", None),
        (b"a\nb", (2, "b", "b")),
        (b"a\n", (2, "b", "")),
        (b"a\nb\nc\n", (3, "", "c")),
        (b"a\r\nb\n", (1, "a", "a\r\n")),
        (b"\xff\nb\n", (1, "a", "\\xff")),
    ],
)
def test_the_first_line_apart(found: bytes, expected: tuple[int, str, str] | None) -> None:
    """Line ends and missing lines count."""
    assert expected == first_apart(b"a\nb\n", found)
