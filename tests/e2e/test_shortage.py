"""Too few file handles or too little memory: every command names it as what it is, and calls nothing damaged."""

import resource
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import command, environment, run_main

MIB = 1024 * 1024
COMMANDS = (
    ("verify",),
    ("verify", "--structure"),
    ("salvage", "--out", "saved.db"),
    ("health",),
    ("metrics",),
    ("prices", "--ticker", "PETR4.SA"),
    ("rebuild",),
    ("backup", "--create", "--out", "made.db"),
    ("backup", "--verify", "--from", "b.db"),
    ("backup", "--restore", "--from", "b.db", "--dry-run"),
    ("--no-network", "--ticker", "PETR4.SA"),
)
DAMAGE = ("unreadable", "tampered", "truncated", "rolled_back", "no event holds", "--from FILE", "Traceback")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's ledger and a backup of it."""
    folder = tmp_path_factory.mktemp("short")
    assert 0 == run_main("--no-network", "--ticker", "PETR4.SA", cwd=folder).code
    assert 0 == run_main("backup", "--create", "--out", "b.db", cwd=folder).code
    return folder


def limited(place: Path, limit: int, value: int, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run `main` with `value` as the most that it may have of one resource."""
    for left in place.glob("*.db*"):
        if not left.name.startswith("b."):
            left.unlink()
    return subprocess.run(
        command(*args),
        cwd=place,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(limit, (value, value)),
        capture_output=True,
        text=True,
        check=False,
    )


def check(done: "subprocess.CompletedProcess[str]", words: str) -> bool:
    """Check that the command did well, or names the shortage and exits 3; return whether it did well."""
    said = done.stdout + done.stderr
    assert not [word for word in DAMAGE if word in said], said
    if done.returncode in (0, 1):
        return True
    assert (3, True) == (done.returncode, f"got no {words} left" in said), said
    return False


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_too_few_file_handles_are_named(place: Path, args: tuple[str, ...]) -> None:
    """From as few as the interpreter starts with, up to enough."""
    went_well = [check(limited(place, resource.RLIMIT_NOFILE, count, *args), "file handles") for count in (5, 7, 9, 20)]
    assert went_well[-1]
    assert not went_well[0]


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_too_little_memory_is_named(place: Path, args: tuple[str, ...]) -> None:
    """From too little to map the ledger, up to enough: the read models need no more than the ledger itself."""
    went_well = [check(limited(place, resource.RLIMIT_AS, size * MIB, *args), "memory") for size in (60, 90, 400)]
    assert went_well[-1]
    assert not went_well[0]


def test_read_models_that_cannot_be_mapped_are_folded_in_memory(place: Path) -> None:
    """The same metrics, and what is stored is left as it is."""
    whole = run_main("metrics", "last-date", "PETR4.SA", cwd=place)
    store = next((place / "dados" / "sample" / "ledger-1" / "projections").glob("store-*"))
    found = {
        done.stdout
        for size in range(60, 200, 10)
        if (done := limited(place, resource.RLIMIT_AS, size * MIB, "metrics", "last-date", "PETR4.SA")).returncode == 0
    }
    assert ({whole.out}, True) == (found, store.exists())
