"""docs/auditing.md is true: its commands are typed, and foreign tools come to the verdicts of the threat model.

What is not installed is skipped; with B3_LEDGER_FOREIGN=1, as scripts/foreign.sh sets it, that is a failure.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.docs.attacks import ATTACKS, sign_and_keep
from tests.support import sample_ledger, timestamp_authority
from tests.support.cli import REPOSITORY
from tests.support.sample_ledger import NOW, look
from tests.support.transcript import Step, play, steps
from tests.support.witness import Witness

PAGE = (REPOSITORY / "docs" / "auditing.md").read_text("utf-8")
PROGRAM = REPOSITORY / "docs" / "examples" / "verify_checkpoint.go"
GOPATH = Path("/usr/share/gocode")
NOTE_PACKAGE = GOPATH / "src" / "golang.org" / "x" / "mod" / "sumdb" / "note"
STRICT = "B3_LEDGER_FOREIGN"

_SECTION = re.compile(r"^## ([^\n]+)\n<!-- needs: (\S*) ?-->\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Section(msgspec.Struct, frozen=True):
    """A section of the page, the tool that it needs, and what it types."""

    title: str
    needs: str
    script: list[Step]


SECTIONS = [Section(title, needs, steps(text)) for title, needs, text in _SECTION.findall(PAGE)]
FIRST, *REST = SECTIONS


def require(tool: str) -> None:
    """Skip, or fail where that is asked for, when a tool is not installed."""
    missing = bool(tool) and (shutil.which(tool) is None or (tool == "go" and not NOTE_PACKAGE.is_dir()))
    if missing and os.environ.get(STRICT):
        pytest.fail(f"{tool} is not installed: scripts/foreign.sh installs it")
    if missing:
        pytest.skip(f"{tool} is not installed: scripts/foreign.sh installs it")


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder after the first section: what the operator does."""
    folder = tmp_path_factory.mktemp("operator")
    sample_ledger.make(folder)
    shutil.copy(PROGRAM, folder)
    assert FIRST.script == play(FIRST.script, cwd=folder, env=NOW)
    return folder


@pytest.mark.parametrize("section", REST, ids=[section.title for section in REST])
def test_a_section_happens_as_it_is_told(section: Section, handed_over: Path, tmp_path: Path) -> None:
    """Command by command, from what the operator handed over."""
    require(section.needs)
    folder = shutil.copytree(handed_over, tmp_path / "copy")
    env = NOW | {"GOCACHE": str(tmp_path / "cache")}
    witness = Witness()
    (folder / "witness.txt").write_text(witness.vkey())
    origin = (folder / "published" / "checkpoint").read_text().split("\n")[0]
    witness.known[origin] = (folder / "vkey.txt").read_text().strip()
    shutil.copy(timestamp_authority.make(tmp_path / "authority"), folder / "tsa.pem")
    with timestamp_authority.authority(tmp_path / "authority") as tsa, witness.serving() as url:
        assert section.script == play(section.script, cwd=folder, env=env | {"TSA": tsa, "WITNESS": url})


def test_every_console_block_is_played() -> None:
    """None is outside the sections."""
    assert steps(PAGE) == [step for section in SECTIONS for step in section.script]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built."""
    require("go")
    folder = tmp_path_factory.mktemp("go")
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(folder / "cache")}
    subprocess.run(["go", "build", "-o", folder / "verify", PROGRAM], env=env, check=True)
    return folder / "verify"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of the threat model."""
    folder = tmp_path_factory.mktemp("kept")
    sample_ledger.make(folder)
    sign_and_keep(folder)
    return folder


def judged(program: Path, folder: Path, checkpoint: str, what: str) -> tuple[int, str]:
    """Return what Go says of a backup or of tiles in `folder`, held against a checkpoint."""
    key = (folder / "vkey.txt").read_text().strip()
    done = subprocess.run([program, key, checkpoint, what], cwd=folder, capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("T1", "the end of the archive at seq 9"),
        ("T2", "another root over events below 12"),
        ("T3", "the end of the archive at seq 8"),
        ("T4", "another root over events below 12"),
        ("T5", "the end of the archive at seq 7"),
        ("T6", "another root over events below 12"),
        ("K1", "another root over events below 12"),
        ("K2", "another root over events below 12"),
    ],
)
def test_go_shows_every_attack_on_the_ledger(program: Path, kept: Path, tmp_path: Path, attack: str, said: str) -> None:
    """From a backup of the attacked ledger and the checkpoint that was kept elsewhere."""
    folder = shutil.copytree(kept, tmp_path / "copy")
    ATTACKS[attack](folder)
    assert 0 == look("backup", "--create", "--out", "now.db", cwd=folder).code
    code, out = judged(program, folder, "elsewhere/checkpoint", "now.db")
    assert (1, said) == (code, out.removeprefix("bad: ").strip())


def test_go_shows_the_other_attacks(program: Path, kept: Path, tmp_path: Path) -> None:
    """A forged backup, a checkpoint by another key, an edited tile; and holds what was not attacked."""
    folder = shutil.copytree(kept, tmp_path / "copy")
    assert 0 == look("backup", "--create", "--out", "now.db", cwd=folder).code
    assert 0 == judged(program, folder, "elsewhere/checkpoint", "now.db")[0]
    assert 0 == judged(program, folder, "elsewhere/checkpoint", "elsewhere")[0]
    for attack, checkpoint, what in (
        ("T7", "elsewhere/checkpoint", "forged.db"),
        ("K2", "other/checkpoint", "other"),
        ("M3", "elsewhere/checkpoint", "elsewhere"),
    ):
        attacked = shutil.copytree(kept, tmp_path / attack)
        ATTACKS[attack](attacked)
        assert 1 == judged(program, attacked, checkpoint, what)[0]


def test_go_reads_a_large_ledger(program: Path, tmp_path: Path) -> None:
    """Of 70,000 leaves, three levels of tiles: every one leads to the root that we signed."""
    from ledger.checkpoint.note import new_key
    from ledger.checkpoint.published import Published
    from ledger.checkpoint.statement import Statement
    from ledger.checkpoint.tiles import GrowingTree
    from tests.ledger.checkpoint import reference

    key, tree, size = new_key("b3-ledger/test"), GrowingTree(), 70_000
    out = Published(tmp_path / "out")
    with out.staged(0) as staging:
        staging.add(tree.add(reference.leaves(size)))
        staging.add(tree.partial())
        staging.publish()
    statement = Statement(f"b3-ledger/{'ab' * 16}", size, tree.root())
    out.put_checkpoint(statement, key.sign(statement.text()))
    (tmp_path / "vkey.txt").write_text(str(key.verifier()))
    code, said = judged(program, tmp_path, "out/checkpoint", "out")
    assert (0, f"good: {size} events of b3-ledger/{'ab' * 16}, signed by b3-ledger/test\n") == (code, said)
