"""`main checkpoint --witness` has a checkpoint cosigned; `main verify --witness-key` asks for known witnesses."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ledger.checkpoint.note import split_note
from tests.cli.commands.proof.refusals import refused_before_anything
from tests.support.sample_ledger import EVENTS, look, make_more
from tests.support.witness import Witness

SIGN = ("checkpoint", "--key", "k.key", "--out", "out")
VERIFY = ("verify", "--checkpoint", "out/checkpoint", "--key", "vkey.txt")


class Network:
    """Three witnesses that know the ledger in a folder, and the options that ask them; `w0` to `w2` hold their keys."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.witnesses = [Witness(f"witness.example/w{at}") for at in range(3)]
        origin = (folder / "out" / "checkpoint").read_text().split("\n")[0]
        self.urls = []
        for at, one in enumerate(self.witnesses):
            one.known[origin] = (folder / "vkey.txt").read_text().strip()
            (folder / f"w{at}").write_text(f"{one.vkey()}\n")
            self.urls.append(stack.enter_context(one.serving()))

    def options(self, *which: int) -> list[str]:
        """Return the options that ask some of them, and name their keys."""
        return [word for at in which for word in ("--witness", self.urls[at], "--witness-key", f"w{at}")]


@pytest.fixture
def network(signed: Path) -> Iterator[Network]:
    """The same for all."""
    with ExitStack() as stack:
        yield Network(signed, stack)


def test_the_row_and_the_note(signed: Path, network: Network) -> None:
    """All that was signed is printed and published; again it is the same."""
    done = look(*SIGN, *network.options(0, 1), "--format", "json", cwd=signed)
    (row,) = done.lines()
    assert (0, [EVENTS + 1, EVENTS + 2], []) == (
        done.code,
        [one["seq"] for one in row["cosignatures"]],
        row["not_cosigned"],
    )
    assert ["witness.example/w0", "witness.example/w1"] == [one["witness"] for one in row["cosignatures"]]
    assert row["note"] == (signed / "out" / "checkpoint").read_text()
    assert 3 == len(split_note(row["note"].encode())[1])
    done = look(*SIGN, *network.options(0, 1), cwd=signed)
    assert (0, row["note"]) == (done.code, done.out)
    assert 2 == len(re.findall(r"^unchanged: by witness\.example/w\d at 2026-", done.err, re.MULTILINE))
    assert [1, 1, 0] == [len(one.asked) for one in network.witnesses]


def test_later_ones_are_cosigned_too(signed: Path, network: Network) -> None:
    """From what the witness saw last; a proof under the newest carries the cosignatures, and holds."""
    assert 0 == look(*SIGN, *network.options(0), cwd=signed).code
    make_more(signed)
    assert 0 == look("checkpoint", "--key", "k.key", *network.options(0), cwd=signed).code
    assert [b"old 0", b"old 7"] == [one.split(b"\n")[0] for one in network.witnesses[0].asked]
    done = look("prove", "2", "--out", "p", cwd=signed)
    assert (0, 1) == (done.code, (signed / "p").read_text().count("— witness.example/w0 "))
    assert 0 == look("prove", "--check", "p", "--key", "vkey.txt", cwd=signed).code
    assert 0 == look("verify", cwd=signed).code


@pytest.mark.parametrize(
    ("policy", "code", "said"),
    [
        (("--witness-key", "w0", "--witness-key", "w1"), 0, ""),
        (("--witness-key", "w0", "--witness-key", "w2", "--witnesses", "1"), 0, ""),
        (
            ("--witness-key", "w0", "--witness-key", "w2"),
            2,
            "got a checkpoint that 1 of 2 known witnesses cosigned, want 2",
        ),
        (("--witness-key", "w2"), 2, "got a checkpoint that 0 of 1 known witnesses cosigned, want 1"),
        (("--witness-key", "w0", "--witness-key", "w0", "--witnesses", "2"), 3, "got --witnesses 2 with 1 keys"),
        (("--witnesses", "1"), 3, "got --witnesses 1 with 0 keys"),
        (("--witness-key", "vkey.txt"), 3, "want a witness's Ed25519 key, of kind 04"),
    ],
)
def test_a_policy(signed: Path, network: Network, policy: tuple[str, ...], code: int, said: str) -> None:
    """N of the witnesses that are known, each counted once."""
    assert 0 == look(*SIGN, *network.options(0, 1), cwd=signed).code
    done = look(*VERIFY, *policy, cwd=signed)
    assert code == done.code, done.err
    assert said in done.err
    assert code == look(*VERIFY, *policy, "out", cwd=signed).code


def test_a_witness_that_is_not_there(signed: Path, network: Network) -> None:
    """It stands signed, and by the others cosigned; exit 1, and nothing secret is shown."""
    gone = ("--witness", "http://u:secret@127.0.0.1:1/", "--witness-key", "w1")
    done = look(*SIGN, *gone, *network.options(0), cwd=signed)
    assert (1, 2) == (done.code, done.out.count("—"))
    assert "warning: signed, and not cosigned: got curl error 7 from http://***@127.0.0.1:1/add-checkpoint" in done.err
    assert "secret" not in done.err


def test_a_witness_that_saw_another_history(signed: Path, network: Network) -> None:
    """Exit 2: it was signed for somebody."""
    network.witnesses[0].seen[next(iter(network.witnesses[0].known))] = 99, bytes(32)
    done = look(*SIGN, *network.options(0), cwd=signed)
    assert (2, 1) == (done.code, done.out.count("—"))
    assert (
        f"not cosigned: got a checkpoint of 99 events from {network.urls[0]}, want none larger than the 7" in done.err
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((*SIGN, "--witness", "http://a"), "got --witness or --witness-key alone, want both"),
        ((*SIGN, "--witness-key", "w0"), "got --witness or --witness-key alone, want both"),
        ((*SIGN, "--witness", "gopher://u:secret@a", "--witness-key", "w0"), "got 'gopher://***@a', want an http"),
        (
            ("verify", "--witness-key", "w0"),
            "got --checkpoint, --key or --witness-key alone, want --checkpoint and --key",
        ),
    ],
)
@pytest.mark.usefixtures("network")
def test_what_is_refused(signed: Path, args: tuple[str, ...], said: str) -> None:
    """Before anything is signed."""
    refused_before_anything(signed, args, said)
