"""docs/threat-model.md promises what happens: every attack is done, every command typed."""

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.attacks import ATTACKS, DATED, sign_and_keep
from tests.support import sample_ledger, timestamp_authority
from tests.support.cli import REPOSITORY
from tests.support.forging import JOB_ID, Body, forge_ledger
from tests.support.sample_ledger import FOLDER, NOW, look
from tests.support.teardown import damaged
from tests.support.transcript import Step, play

PAGE = (REPOSITORY / "docs" / "threat-model.md").read_text("utf-8")
ROWS: list[tuple[str, str, str, str]] = re.findall(
    r"^\| ([A-Z]\d) \| [^|]*\| `([^|]*)` \| ([^|]+) \| (\d) \|$", PAGE, re.MULTILINE
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder whose operator signs, and keeps what was signed elsewhere."""
    folder = tmp_path_factory.mktemp("kept")
    sample_ledger.make(folder)
    sign_and_keep(folder)
    return folder


@pytest.fixture(scope="module")
def attacked(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same, once under each attack."""
    found = {}
    for name, attack in ATTACKS.items():
        if name in DATED and timestamp_authority.MISSING:
            continue
        copy = shutil.copytree(kept, tmp_path_factory.mktemp(name) / "copy")
        found[name] = damaged(copy, f"what attack {name} damages", always=False)
        attack(found[name])
    return found


@pytest.mark.damages("what the attack of the row damages", always=False)
@pytest.mark.parametrize(("attack", "command", "verdict", "code"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_a_row(attack: str, command: str, verdict: str, code: str, attacked: dict[str, Path], tmp_path: Path) -> None:
    """Verdict and exit code are what the command says of the attack."""
    if attack not in attacked:
        pytest.skip(str(timestamp_authority.MISSING))
    folder = shutil.copytree(attacked[attack], tmp_path / "copy")
    (step,) = play([Step(command, ())], cwd=folder, env=NOW)
    assert int(code) == step.code, step.shown
    assert verdict in "\n".join(step.shown)


@pytest.mark.parametrize(
    "command",
    [
        "main verify",
        "main verify --from-head elsewhere/head.json",
        "main verify --checkpoint elsewhere/checkpoint --key vkey.txt",
        "main verify --checkpoint elsewhere/first --key vkey.txt",
        "main verify --checkpoint elsewhere/checkpoint --key vkey.txt elsewhere",
        "main verify --checkpoint elsewhere/checkpoint --key vkey.txt copy.db",
        "main checkpoint --compare elsewhere/first elsewhere/checkpoint --key vkey.txt",
        "main checkpoint --key k.key --out elsewhere",
        "main rebuild --check",
        "main snapshot --check",
    ],
)
def test_without_an_attack_all_is_well(command: str, kept: Path, tmp_path: Path) -> None:
    """Or a row would prove nothing."""
    folder = shutil.copytree(kept, tmp_path / "copy")
    (step,) = play([Step(command, ())], cwd=folder, env=NOW)
    if "copy.db" in command:
        # The backup ends before the checkpoint's last event.
        assert (2, True) == (step.code, step.shown[0].startswith("rolled_back at seq 11"))
        return
    assert 0 == step.code, step.shown


@pytest.mark.damages("an event is rewritten, all else is chained to it", always=False)
@pytest.mark.parametrize("seq", range(12))
def test_every_event_that_a_checkpoint_covers(seq: int, kept: Path, tmp_path: Path) -> None:
    """Changed, with all that hangs on it mended: intact by itself, and forked at that very event by the checkpoint."""
    folder = shutil.copytree(kept, tmp_path / "copy")

    def changed(events: list[Body]) -> list[Body]:
        events[seq][JOB_ID] = bytes(16)
        return events

    forge_ledger(folder / FOLDER, changed)
    args = ("--checkpoint", "elsewhere/checkpoint", "--key", "vkey.txt", "--format", "json")
    assert 0 == look("verify", cwd=folder).code
    (row,) = look("verify", *args, cwd=folder).lines()
    assert ("forked", seq, seq - 1 if seq else None) == (row["verdict"], row["first_bad"]["seq"], row["last_good_seq"])


def test_every_attack_is_on_the_page() -> None:
    """And every row is one that is done."""
    assert set(ATTACKS) == {row[0] for row in ROWS}
    lines = [line for line in PAGE.splitlines() if re.match(r"\| [A-Z]\d ", line)]
    assert len(ROWS) == len(lines)
