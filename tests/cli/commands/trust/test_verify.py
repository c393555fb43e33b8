"""`main verify` gives a verdict, names the first bad seq, and says what to do next."""

import shutil
from pathlib import Path

import lmdb
import msgspec
import pytest

from cli.commands.trust.verify import row as verify_row
from cli.commands.trust.verify.row import VerifyRow
from ledger.audit.flaw import Flaw
from ledger.audit.verify import verify_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support import sample_ledger
from tests.support.cli import run_main
from tests.support.sample_ledger import EVENTS, FOLDER, look

ROW = VerifyRow(
    verdict="intact",
    events=2,
    head_seq=1,
    head="00",
    first_bad=None,
    last_good_seq=1,
    seconds=0.5,
    witnesses=("anchor", "projections"),
    bytes=10,
)
BAD = msgspec.structs.replace(
    ROW, verdict="tampered", first_bad=Flaw(1, "link", "aa", "bb"), last_good_seq=0, witnesses=()
)


def change(folder: Path, seq: int) -> None:
    """Change one bit of the stored event `seq`."""
    with lmdb.open(str(folder / FOLDER), max_dbs=3) as env:
        events = env.open_db(b"events")
        with env.begin(write=True, db=events) as txn:
            value = bytearray(txn.get(seq.to_bytes(8, "big")))
            value[-1] ^= 1
            txn.put(seq.to_bytes(8, "big"), bytes(value))


def test_an_intact_log_is_held_against_anchor_and_projections(sample: Path) -> None:
    """Every field, as the report in this process has it."""
    found = look("verify", "--format", "json", cwd=sample)
    (row,) = found.lines()
    report = verify_ledger(LedgerHome(sample / "dados" / "sample"))
    assert report.head is not None
    assert (0, "", True) == (found.code, found.err, row.pop("seconds") > 0)
    assert row == {
        "verdict": "intact",
        "events": EVENTS,
        "head_seq": EVENTS - 1,
        "head": report.head.hex(),
        "first_bad": None,
        "last_good_seq": EVENTS - 1,
        "witnesses": ["anchor", "projections"],
        "replaced_by": None,
        "bytes": report.body_bytes,
        "remark_count": 0,
        "remarks": [],
        "marked": None,
        "recorded_seq": None,
        "ahead_seconds": None,
    }


@pytest.mark.damages("one event is changed")
@pytest.mark.parametrize("seq", [0, 3, EVENTS - 1])
def test_a_changed_event_is_named(seq: int, copy: Path) -> None:
    """With the last one that holds."""
    change(copy, seq)
    found = look("verify", "--format", "json", cwd=copy)
    (row,) = found.lines()
    assert (2, "tampered", seq, seq - 1 if seq else None) == (
        found.code,
        row["verdict"],
        row["first_bad"]["seq"],
        row["last_good_seq"],
    )
    first, second = found.err.splitlines()
    assert first.startswith(f"critical: tampered at seq {row['first_bad']['seq']}: got link ")
    assert second.startswith("hint: main backup --list")


@pytest.mark.damages("an older database is put back")
@pytest.mark.parametrize("kept", ["head", "projections"])
def test_either_witness_alone_notices_a_rollback(kept: str, copy: Path, tmp_path: Path) -> None:
    """The anchor, or the stored projections."""
    older = shutil.copy(copy / FOLDER / "data.mdb", tmp_path / "older.mdb")
    sample_ledger.make_more(copy)
    shutil.copy(older, copy / FOLDER / "data.mdb")
    if kept == "head":
        shutil.rmtree(copy / FOLDER / "projections")
    else:
        (copy / FOLDER / "head").unlink()
    found = look("verify", "--format", "json", cwd=copy)
    assert (2, "rolled_back") == (found.code, found.lines()[0]["verdict"])


def test_without_a_witness_intact_is_a_warning(copy: Path) -> None:
    """The end of the log could be gone without a trace."""
    shutil.rmtree(copy / FOLDER / "projections")
    (copy / FOLDER / "head").unlink()
    found = look("verify", cwd=copy)
    assert (1, True) == (found.code, "nothing outside it" in found.out)
    assert "hint: keep a head outside, and hold the log against it: main verify --save-head FILE\n" == found.err


def test_a_saved_head_is_a_witness_of_its_own(copy: Path, tmp_path: Path) -> None:
    """Against a log that grew, and one that was rolled back with all that stands beside it."""
    old = shutil.copytree(copy, tmp_path / "old")
    path = str(tmp_path / "head.json")
    assert 0 == look("verify", "--save-head", path, cwd=copy).code
    sample_ledger.make_more(copy)
    grown = look("verify", "--from-head", path, "--save-head", path, "--format", "json", cwd=copy)
    assert (0, ["anchor", "projections", "saved head"]) == (grown.code, grown.lines()[0]["witnesses"])
    back = look("verify", "--from-head", path, "--format", "json", cwd=old)
    assert (2, "rolled_back") == (back.code, back.lines()[0]["verdict"])
    # The mark remembers the head that was saved, though nothing else does.
    assert (2, True) == ((again := look("verify", "--format", "json", cwd=old)).code, again.lines()[0]["marked"])


def test_a_backup_older_than_a_saved_head_may_be_sound_or_cut(copy: Path, tmp_path: Path) -> None:
    """Its own checksum holds: what is said of it names both ways to come by it, with the numbers."""
    path = str(tmp_path / "head.json")
    assert 0 == look("backup", "--create", "--out", "old.db", cwd=copy).code
    sample_ledger.make_more(copy)
    assert 0 == look("verify", "--save-head", path, cwd=copy).code
    found = look("verify", "old.db", "--from-head", path, cwd=copy)
    got = f"got {EVENTS} events, made before that head was saved or cut at its end"
    line = f"truncated at seq {EVENTS}: {got}, want the {EVENTS + 4} that the saved head remembers"
    assert (2, f"{line}; events 0 to {EVENTS - 1} hold\n") == (found.code, found.out)
    first, second = found.err.splitlines()
    assert (True, "hint: take another one: main backup --list") == (first.startswith("critical: "), second)


def test_a_head_of_another_ledger_says_so(sample: Path, tmp_path: Path) -> None:
    """Not merely that a link differs."""
    other = tmp_path / "other"
    other.mkdir()
    path = str(tmp_path / "head.json")
    run_main("--no-network", "--ticker", "VALE3", cwd=other)
    assert 0 == look("verify", "--save-head", path, cwd=other).code
    found = look("verify", "--from-head", path, "--format", "json", cwd=sample)
    bad = found.lines()[0]["first_bad"]
    assert (2, 0, "ledger id") == (found.code, bad["seq"], bad["kind"])


def test_a_larger_head_of_another_ledger_marks_nothing(copy: Path, tmp_path: Path) -> None:
    """A wrong file used to be taken for a rollback, and to keep every writer out of a sound ledger."""
    other, path = tmp_path / "other", str(tmp_path / "head.json")
    other.mkdir()
    for ticker in ("VALE3", "ITUB4", "PETR4"):
        run_main("--no-network", "--ticker", ticker, cwd=other)
    sample_ledger.make_more(other)
    assert 0 == look("verify", "--save-head", path, cwd=other).code
    found = look("verify", "--from-head", path, "--format", "json", cwd=copy)
    row = found.lines()[0]
    assert (2, 0, "ledger id", None) == (found.code, row["first_bad"]["seq"], row["first_bad"]["kind"], row["marked"])
    assert not (copy / FOLDER / "verdict").exists()
    assert 0 == look("backup", "--create", "--out", "own.db", cwd=copy).code
    told = look("verify", "own.db", "--from-head", path, "--format", "json", cwd=copy)
    assert (2, "ledger id") == (told.code, told.lines()[0]["first_bad"]["kind"])
    # Neither the ledger nor the backup is to be replaced for it.
    for one in (found, told):
        assert "hint: main config, and compare DATA_DIR and the file with what was meant" in one.err


@pytest.mark.damages("an older database is put back")
def test_a_head_of_another_ledger_hides_no_witness_of_its_own(copy: Path, tmp_path: Path) -> None:
    """The anchor's rollback is named, and leaves its mark."""
    old = shutil.copytree(copy, tmp_path / "old")
    sample_ledger.make_more(copy)
    other, path = tmp_path / "other", str(tmp_path / "head.json")
    other.mkdir()
    run_main("--no-network", "--ticker", "VALE3", cwd=other)
    assert 0 == look("verify", "--save-head", path, cwd=other).code
    (old / FOLDER / "head").write_bytes((copy / FOLDER / "head").read_bytes())
    found = look("verify", "--from-head", path, "--format", "json", cwd=old)
    assert (2, "rolled_back", True) == (found.code, found.lines()[0]["verdict"], found.lines()[0]["marked"])


@pytest.mark.damages("one event is changed")
def test_the_head_of_a_bad_log_is_not_saved(copy: Path, tmp_path: Path) -> None:
    """Nothing would ever notice again."""
    path = tmp_path / "head.json"
    change(copy, 3)
    assert (2, False) == (look("verify", "--save-head", str(path), cwd=copy).code, path.exists())


@pytest.mark.parametrize("content", [None, "no head"])
def test_a_file_that_is_no_head_is_refused(content: str | None, sample: Path, tmp_path: Path) -> None:
    """Before anything is looked at."""
    path = tmp_path / "head.json"
    if content is not None:
        path.write_text(content)
    found = look("verify", "--from-head", str(path), cwd=sample)
    assert (3, "", True) == (found.code, found.out, found.err.startswith("error: got "))


@pytest.mark.damages("the pages of the database")
def test_damaged_pages_are_a_verdict_and_no_crash(copy: Path) -> None:
    """By the structure check, or by the child that read them."""
    data = copy / FOLDER / "data.mdb"
    raw = bytearray(data.read_bytes())
    raw[8192:] = bytes(len(raw) - 8192)
    data.write_bytes(raw)
    for args in ([], ["--structure"]):
        found = look("verify", *args, "--format", "json", cwd=copy)
        assert (2, "unreadable") == (found.code, found.lines()[0]["verdict"])


def test_damaged_projections_do_not_stand_in_the_way(copy: Path) -> None:
    """They are disposable; the anchor still vouches."""
    for data in (copy / FOLDER / "projections").glob("store-*/data.mdb"):
        raw = bytearray(data.read_bytes())
        raw[8192:] = bytes(len(raw) - 8192)
        data.write_bytes(raw)
    found = look("verify", "--format", "json", cwd=copy)
    assert (0, ["anchor"]) == (found.code, found.lines()[0]["witnesses"])


def test_without_a_ledger_there_is_nothing_to_verify(tmp_path: Path) -> None:
    """Exit 3."""
    assert 3 == look("verify", cwd=tmp_path).code


@pytest.mark.parametrize(
    ("row", "code", "line", "step"),
    [
        (
            ROW,
            0,
            "intact: 2 events, 10 bytes re-hashed in 0.5 s, held against anchor, projections; head 00",
            None,
        ),
        (
            BAD,
            2,
            "tampered at seq 1: got link bb, want aa; events 0 to 0 hold",
            "main backup --list",
        ),
        (
            msgspec.structs.replace(BAD, verdict="rolled_back"),
            2,
            "rolled_back at seq 1: got link bb, want aa; events 0 to 0 hold",
            "find out who replaced the database",
        ),
        (
            msgspec.structs.replace(
                BAD, verdict="unreadable", first_bad=Flaw(None, "anchor", "a", "b"), last_good_seq=None
            ),
            2,
            "unreadable: got anchor b, want a; no event holds",
            "find out who wrote to it",
        ),
        (
            msgspec.structs.replace(BAD, first_bad=Flaw(1, "missing event", "seq 1", "the end")),
            2,
            "tampered at seq 1: got the end, want seq 1; events 0 to 0 hold",
            "main backup --list",
        ),
        (
            msgspec.structs.replace(
                BAD, verdict="unreadable", first_bad=Flaw(None, "database", "a", "got b, want c"), last_good_seq=None
            ),
            2,
            "unreadable: got b, want c; no event holds",
            "main backup --list",
        ),
        (
            msgspec.structs.replace(
                BAD, verdict="unreadable", first_bad=Flaw(None, "header", "c", "an empty file"), last_good_seq=None
            ),
            2,
            "unreadable: got an empty file, want c; no event holds",
            "main backup --list",
        ),
    ],
)
def test_each_verdict_has_a_code_a_line_and_a_next_step(row: VerifyRow, code: int, line: str, step: str | None) -> None:
    """None when all is well."""
    found = verify_row.next_step(row)
    assert (code, line) == (verify_row.exit_code(row), verify_row.text(row))
    assert found is step or (found is not None and step is not None and found.startswith(step))


def test_verifying_opens_no_log_for_writing(sample: Path) -> None:
    """The files stay as they are, byte for byte."""
    before = sample_ledger.kept(sample)
    look("verify", "--structure", cwd=sample)
    assert before == sample_ledger.kept(sample)
    with EventLog(LedgerHome(sample / "dados" / "sample"), now=lambda: 0, readonly=True) as log:
        assert EVENTS == log.head().size
