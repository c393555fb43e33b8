"""`main key` makes what signs, and prints what checks."""

from pathlib import Path

import pytest

from ledger.checkpoint.note import parse_signing, parse_verifier
from tests.support.cli import run_main
from tests.support.sample_ledger import kept, look


def test_a_new_key(copy: Path) -> None:
    """Is named after the ledger, is its owner's alone, and is not printed."""
    before = kept(copy)
    done = look("key", "new", "--out", "k.key", "--format", "json", cwd=copy)
    (row,) = done.lines()
    secret = (copy / "k.key").read_text()
    key = parse_signing(secret)
    assert (0, 0o600) == (done.code, (copy / "k.key").stat().st_mode & 0o777)
    assert {"name": key.name, "key_id": key.verifier().key_id.hex(), "key": str(key.verifier()), "file": "k.key"} == row
    assert key.name.startswith("b3-ledger/")
    assert secret.strip()[-30:] not in done.out + done.err
    assert before | {"k.key": kept(copy)["k.key"]} == kept(copy)


def test_show(copy: Path) -> None:
    """Prints the verifier key alone, on one line."""
    made = look("key", "new", "--out", "k.key", "--name", "example.com/prices", cwd=copy)
    shown = look("key", "show", "k.key", cwd=copy)
    assert (0, made.out, "") == (shown.code, shown.out, shown.err)
    assert "example.com/prices" == parse_verifier(shown.out).name


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["key", "new", "--out", "k.key"], "got no ledger to name the key after, want --name NAME"),
        (["key", "new", "--out", "k.key", "--name", "a b"], "got key name 'a b', want one without blanks"),
        (["key", "new", "--out", "taken", "--name", "a"], "got a file at taken already, want a free name"),
        (["key", "show", "none"], "on reading none, want a readable file"),
        (["key", "show", "taken"], "got mode 0644 at taken, want a key that its owner alone can read"),
        (["key"], "got no subcommand, want new or show"),
    ],
)
def test_refusals(tmp_path: Path, args: list[str], said: str) -> None:
    """Exit 3, a hint, and nothing written."""
    (tmp_path / "taken").write_text("mine\n")
    (tmp_path / "taken").chmod(0o644)
    done = run_main(*args, cwd=tmp_path)
    assert 3 == done.code
    assert said in done.err
    assert "hint: " in done.err
    assert ["taken"] == [one.name for one in tmp_path.iterdir()]
    assert "mine\n" == (tmp_path / "taken").read_text()
