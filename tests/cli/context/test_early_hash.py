"""The file that a command line names is hashed from the start, where its command asks for that."""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.context import early_hash
from cli.root import COMMANDS
from ledger.errors import ProcessShortageError
from ledger.files.checksum import hash_file
from ledger.files.hash_beside import HashBeside
from tests.support.processes import children


@pytest.fixture(autouse=True)
def _nothing_under_way() -> Iterator[None]:
    """No test leaves a child behind."""
    yield
    early_hash.end()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is worth a process."""
    path = tmp_path / "a.db"
    path.write_bytes(bytes(early_hash.WORTH_A_PROCESS_BYTES))
    return path


def begun() -> set[Path]:
    """Return which files are hashed."""
    return set(early_hash._under_way)


def of(command: click.Command) -> Iterator[click.Command]:
    """Yield the command and those in it."""
    yield command
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from of(one)


def test_the_commands_are_those_that_use_what_is_kept() -> None:
    """They have a `--no-cache`."""
    using = {
        entry.name
        for entry in COMMANDS
        if any("--no-cache" in one.opts for command in of(entry.load()) for one in command.params)
    }
    assert using == early_hash.COMMANDS


@pytest.mark.parametrize("words", [("--ledger", "{}"), ("--ledger={}",), ("--ledger", "other", "--ledger", "{}")])
def test_it_begins_by_the_words_alone(words: tuple[str, ...], path: Path) -> None:
    """With the file named last, as the command line has it; and is given once it is asked for."""
    early_hash.begin(["prices", "--ticker", "PETR4", *(word.format(path) for word in words)])
    assert {path} == begun()
    hashing = early_hash.of(path)
    assert hashing is not None
    assert hashing.proves(hash_file(path))


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--ledger", "{}"),
        ("audit", "--ledger", "{}"),
        ("prices", "--ledger", "{}", "--no-cache"),
        ("metrics", "--ledger", "{}", "--format", "prometheus"),
        ("metrics", "--ledger", "{}", "--format=prometheus"),
        ("prices", "--ledger"),
        ("prices", "--ledger", "{}.gone"),
        ("prices", "--ledger", "{}/.."),
        ("prices", "--ledger", "{}.small"),
        ("prices", "--ledger", "file:///{}"),
        ("prices", "--ledger", "a\0b"),
        ("--ledger", "{}"),
    ],
)
def test_nothing_begins_that_nobody_will_ask_for(words: tuple[str, ...], path: Path) -> None:
    """Nor of what is no file, or is hashed in no time."""
    path.with_name("a.db.small").write_bytes(bytes(early_hash.WORTH_A_PROCESS_BYTES - 1))
    early_hash.begin([word.format(path) for word in words])
    assert set() == begun()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """It is no file."""
    os.mkfifo(tmp_path / "pipe")
    assert None is early_hash.of(tmp_path / "pipe")


def test_where_no_process_is_to_be_had_there_is_no_hash(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken when it is needed."""

    def lacking(_: Path) -> HashBeside:
        raise ProcessShortageError("none")

    monkeypatch.setattr(early_hash, "HashBeside", lacking)
    assert None is early_hash.of(path)


def test_what_is_under_way_ends(path: Path) -> None:
    """With its process, which is waited for."""
    before = children()
    early_hash.begin(["logs", "--ledger", str(path)])
    assert len(children() - before) == 1
    early_hash.end()
    assert set() == begun()
    assert set() == children() - before
