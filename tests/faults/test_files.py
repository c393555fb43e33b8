"""A few dozen damaged databases in every run; the long form is `python -m tests.faults --only files --full`."""

from pathlib import Path

from ledger.audit.verify import verify_ledger
from tests.faults import files
from tests.faults.place import contents
from tests.faults.tally import Tally


def test_no_damaged_database_is_called_intact(tmp_path: Path) -> None:
    """Or every event in it, its index and its head are what they were; commands end with a line and no signal."""
    tally = Tally(part="files", seed=2, rounds=40)
    files.campaign(2, 40, tmp_path, tally)
    assert [] == tally.violations
    assert tally.counts["verdict tampered"] > 10
    assert tally.counts["older files put in place, named rolled_back"] > 5


def test_the_index_of_appends_is_a_part_of_what_must_hold(tmp_path: Path) -> None:
    """One of its numbers changed, pages and chain left sound: `--structure` tells, since a retry goes by it."""
    subject = files.Subject(tmp_path)
    data = subject.stages[-1].data
    name, run = subject.contents.appends[7]
    changed = data.replace(name + run, name + run[:-1] + b"\x09")
    subject.put(changed, subject.stages[-1].anchor)
    assert subject.contents.appends != contents(subject.folder).appends
    assert "tampered" == verify_ledger(subject.home, structure=True).verdict
