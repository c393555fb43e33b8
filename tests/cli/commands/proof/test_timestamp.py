"""`main checkpoint --timestamp` has a checkpoint dated, and says what came of it; `main verify --tsa-root` holds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands.proof.refusals import refused_before_anything
from tests.support import timestamp_authority
from tests.support.forging import JOB_ID, Body, forge_ledger
from tests.support.sample_ledger import EVENTS, FOLDER, look, make_more

pytestmark = pytest.mark.skipif(timestamp_authority.MISSING is not None, reason=str(timestamp_authority.MISSING))

SIGN = ("checkpoint", "--key", "k.key", "--out", "out", "--tsa-root", "tsa.pem")


@pytest.fixture
def url(signed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an authority whose root is `tsa.pem` in the working folder."""
    folder = tmp_path_factory.mktemp("tsa")
    (signed / "tsa.pem").write_bytes(timestamp_authority.make(folder).read_bytes())
    with timestamp_authority.authority(folder) as served:
        yield served


def test_the_row(signed: Path, url: str) -> None:
    """When, by whom, at which seq, and in which file; again it is the same one."""
    (row,) = look(*SIGN, "--timestamp", f"{url}?key=secret", "--format", "json", cwd=signed).lines()
    stamp = row["timestamp"]
    assert ("stamped", f"{url}?***", EVENTS + 1, "out/checkpoint.tsr", None) == (
        stamp["status"],
        stamp["authority"],
        stamp["seq"],
        stamp["file"],
        row["not_stamped"],
    )
    (again,) = look(*SIGN, "--timestamp", f"{url}?key=secret", "--format", "json", cwd=signed).lines()
    assert stamp | {"status": "unchanged"} == again["timestamp"]
    assert ("unchanged", EVENTS) == (again["status"], again["size"])
    events = look("events", "--type", "checkpoint.timestamped", "--format", "json", cwd=signed)
    assert (1, False) == (len(events.lines()), "secret" in events.out)
    (plain,) = look("checkpoint", "--key", "k.key", "--out", "out", "--format", "json", cwd=signed).lines()
    assert (None, None) == (plain["timestamp"], plain["not_stamped"])


def test_verification(signed: Path, url: str) -> None:
    """Of the ledger and of a backup: one witness more; the sample's clock stands still, which is found out."""
    assert 0 == look(*SIGN, "--timestamp", url, cwd=signed).code
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=signed).code
    for args in (("verify",), ("verify", "a.db")):
        done = look(*args, "--tsa-root", "tsa.pem", "--format", "json", cwd=signed)
        (row,) = done.lines()
        assert (1, "intact", "timestamp", 1) == (done.code, row["verdict"], row["witnesses"][-1], row["remark_count"])
        assert ("recorded_at", EVENTS + 1) == (row["remarks"][0]["kind"], row["remarks"][0]["seq"])
        (row,) = look(*args, "--format", "json", cwd=signed).lines()
        assert ("intact", False, 1) == (row["verdict"], "timestamp" in row["witnesses"], row["remark_count"])


def test_nobody_answers(signed: Path, url: str) -> None:
    """It stands signed and printed, exit 1; no secret is shown."""
    make_more(signed)
    done = look(*SIGN, "--timestamp", "http://u:secret@127.0.0.1:1/?k=secret", cwd=signed)
    assert (1, (signed / "out" / "checkpoint").read_text()) == (done.code, done.out)
    assert "warning: signed, and not stamped: got curl error 7 from http://***@127.0.0.1:1/?***" in done.err
    assert "secret" not in done.err
    assert 0 == look(*SIGN, "--timestamp", url, cwd=signed).code


def test_an_answer_that_dates_nothing(signed: Path, url: str, tmp_path: Path) -> None:
    """Exit 2, and nothing of it is kept."""
    other = timestamp_authority.make(tmp_path / "other")
    done = look(*SIGN[:-1], str(other), "--timestamp", url, cwd=signed)
    assert 2 == done.code
    assert "not stamped: got one that does not hold" in done.err
    assert not (signed / "out" / "checkpoint.tsr").exists()
    assert [] == look("events", "--type", "checkpoint.timestamped", "--format", "json", cwd=signed).lines()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("checkpoint", "--key", "k.key", "--timestamp", "http://a"), "got --timestamp or --tsa-root alone, want both"),
        (SIGN, "got --timestamp or --tsa-root alone, want both"),
        ((*SIGN, "--timestamp", "ftp://u:secret@a"), "got 'ftp://***@a', want an http or https URL"),
        (
            (*SIGN[:-1], "vkey.txt", "--timestamp", "http://a"),
            "got no certificate in vkey.txt, want the authority's root",
        ),
        ((*SIGN[:-1], "none.pem", "--timestamp", "http://a"), "none.pem"),
        (("verify", "--tsa-root", "vkey.txt"), "got no certificate in vkey.txt"),
        (
            (
                "checkpoint",
                "--compare",
                "a",
                "b",
                "--key",
                "vkey.txt",
                "--timestamp",
                "http://a",
                "--tsa-root",
                "tsa.pem",
            ),
            "got --out, --timestamp or --witness with --compare",
        ),
    ],
)
@pytest.mark.usefixtures("url")
def test_what_is_refused(signed: Path, args: tuple[str, ...], said: str) -> None:
    """Before anything is signed."""
    refused_before_anything(signed, args, said)


def test_an_empty_log_of_timestamps(signed: Path, url: str) -> None:
    """Whoever asks for one is told that there is none."""
    assert url
    done = look("verify", "--tsa-root", "tsa.pem", cwd=signed)
    assert 1 == done.code
    assert "warning: remark: got timestamp none, want one of an authority under the root certificate" in done.err


@pytest.mark.damages("an event is rewritten, all else is chained to it", always=False)
def test_a_history_rewritten_under_a_timestamp_leaves_its_mark(signed: Path, url: str) -> None:
    """Whoever then verifies without the root certificate does not clear it, and nothing is appended."""
    assert 0 == look(*SIGN, "--timestamp", url, cwd=signed).code

    def changed(events: list[Body]) -> list[Body]:
        events[2][JOB_ID] = bytes(16)
        return events

    forge_ledger(signed / FOLDER, changed)
    done = look("verify", "--tsa-root", "tsa.pem", "--format", "json", cwd=signed)
    (row,) = done.lines()
    assert (2, "forked", "timestamp", True) == (done.code, row["verdict"], row["first_bad"]["kind"], row["marked"])
    (row,) = look("verify", "--format", "json", cwd=signed).lines()
    assert ("intact", True) == (row["verdict"], row["marked"])
    refused = look("checkpoint", "--key", "k.key", "--out", "other", cwd=signed)
    assert 2 == refused.code
    assert "got a ledger that main verify found forked against the checkpoint" in refused.err
