"""docs/tutorial.md is true: each of its commands prints what stands there, in a clone with nothing else in it."""

from pathlib import Path

from ledger.store.home import LedgerHome
from tests.support.cli import REPOSITORY
from tests.support.oracle import check_home
from tests.support.transcript import play, steps

PAGE = REPOSITORY / "docs" / "tutorial.md"


def test_every_command_prints_what_stands_there(tmp_path: Path) -> None:
    """From an empty folder to a picture; no setting comes from elsewhere."""
    for name in ("scripts", "docs"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    script = steps(PAGE.read_text("utf-8"))
    assert script == play(script, cwd=tmp_path)
    check_home(LedgerHome(tmp_path / "dados"))
