"""`main prove` makes a proof that a stranger checks with a key alone."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample_ledger import EVENTS, kept, look

PRICE = ("--ticker", "PETR4", "--date", "2026-02-13")


def check(folder: Path, proof: str, *args: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the row of a check."""
    done = look("prove", "--check", proof, "--key", "vkey.txt", "--format", "json", *args, cwd=folder)
    return done.code, done.lines()[0]


def test_an_event(signed: Path) -> None:
    """Printed, or written to a file: the same proof, by the leaf alone."""
    before = kept(signed)
    printed = look("prove", "3", cwd=signed)
    assert (0, before) == (printed.code, kept(signed))
    written = look("prove", "3", "--out", "3.tlog-proof", cwd=signed)
    assert (0, printed.out) == (written.code, (signed / "3.tlog-proof").read_text())
    code, row = check(signed, "3.tlog-proof")
    assert (0, "proven", 3, EVENTS, None, False) == (
        code,
        row["verdict"],
        row["seq"],
        row["size"],
        row["event"],
        row["ledger"],
    )


def test_a_price_needs_neither_ledger_nor_tiles(signed: Path, tmp_path: Path) -> None:
    """Only the proof and the key: somebody else's machine."""
    made = look("prove", *PRICE, "--out", "p.tlog-proof", cwd=signed)
    assert (0, "hint: main prove 1 proves the answer that it was decided on\n") == (made.code, made.err)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("p.tlog-proof", "vkey.txt"):
        shutil.copy(signed / name, elsewhere / name)
    code, row = check(elsewhere, "p.tlog-proof", *PRICE)
    (held,) = look("prices", "--ticker", "PETR4", "--start", "2026-02-13", "--format", "json", cwd=signed).lines()
    assert 0 == code
    assert {"ticker": "PETR4.SA", "date": "2026-02-13"} == {k: row["price"][k] for k in ("ticker", "date")}
    assert held["close"] == row["price"]["bar"]["close"]
    assert "validation.completed/2" == row["event"]["type"]


def test_what_the_proof_does_not_show(signed: Path) -> None:
    """Another day, another ticker, or a leaf without its event: exit 2."""
    look("prove", *PRICE, "--out", "p.tlog-proof", cwd=signed)
    look("prove", "2", "--out", "2.tlog-proof", cwd=signed)
    look("prove", "1", "--body", "--out", "1.tlog-proof", cwd=signed)
    for proof, *session in (
        ("p.tlog-proof", "--ticker", "PETR4", "--date", "2026-02-14"),
        ("p.tlog-proof", "--ticker", "VALE3", "--date", "2026-02-13"),
        ("2.tlog-proof", *PRICE),
        ("1.tlog-proof", *PRICE),
    ):
        code, row = check(signed, proof, *session)
        assert 2 == code
        assert "want one that shows a bar of" in str(row["error_message"])


def test_held_against_a_backup(signed: Path) -> None:
    """Where one is named."""
    look("prove", "2", "--out", "2.tlog-proof", cwd=signed)
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=signed).code
    code, row = check(signed, "2.tlog-proof", "--ledger", "a.db")
    assert (0, True) == (code, row["ledger"])


def test_from_a_backup_and_under_a_checkpoint_elsewhere(signed: Path) -> None:
    """The same proof by the tiles, by the ledger, and by the backup: none of them is needed by all."""
    assert 0 == look("backup", "--create", "--out", "a.db", cwd=signed).code
    shutil.copy(signed / "out" / "checkpoint", signed / "note")
    proofs = {
        look("prove", "4", *args, cwd=signed).out
        for args in ((), ("--checkpoint", "out/checkpoint"), ("--checkpoint", "note"), ("--ledger", "a.db"))
    }
    assert 1 == len(proofs)


def test_a_key_that_did_not_sign(signed: Path) -> None:
    """Exit 2: whoever made the proof, it was not signed by that key."""
    look("prove", "2", "--out", "2.tlog-proof", cwd=signed)
    other = look("key", "new", "--out", "other.key", cwd=signed).out.strip()
    done = look("prove", "--check", "2.tlog-proof", "--key", other, cwd=signed)
    assert 2 == done.code
    assert "got a note signed by b3-ledger/" in done.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("prove",), "got not one thing to prove"),
        (("prove", "2", *PRICE), "got not one thing to prove"),
        (("prove", "--ticker", "PETR4"), "got --ticker or --date alone, want both"),
        (("prove", "--check", "vkey.txt"), "got --check without a key"),
        (("prove", "--check", "vkey.txt", "--key", "vkey.txt", "--body"), "got more than a proof to check"),
        (("prove", "2", "--key", "vkey.txt"), "got --key without --check"),
        (("prove", "99"), "got seq 99, want one below 8\nhint: main events --limit 1\n"),
        (("prove", "7"), "got a checkpoint of 7 events, want one that covers seq 7"),
        (("prove", "--ticker", "PETR4", "--date", "2026-02-14"), "got no bar of PETR4.SA on 2026-02-14"),
        (("prove", "2", "--checkpoint", "none"), "on reading none"),
    ],
)
def test_refusals(signed: Path, args: tuple[str, ...], said: str) -> None:
    """Exit 3: nothing was proven and nothing disproven."""
    done = look(*args, cwd=signed)
    assert 3 == done.code
    assert said in done.err


def test_no_checkpoint_yet(copy: Path) -> None:
    """Says how to make one."""
    done = look("prove", "2", cwd=copy)
    assert (3, "error: got no checkpoint of this log, want one\nhint: main checkpoint --key FILE\n") == (
        done.code,
        done.err,
    )
