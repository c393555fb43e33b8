"""A ledger of two months of a small synthetic exchange, imported once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.home import LedgerHome
from tests.support.cli import run_main
from tests.support.cotahist import whole, write
from tests.support.exchange import MONTHS, lines_of
from tests.support.oracle import check_home


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with the ledger, and the files that it was made of."""
    folder = tmp_path_factory.mktemp("exchange")
    for first in MONTHS:
        name = f"COTAHIST_M{first:%m%Y}.TXT"
        write(folder / name, whole(lines_of(first), year=first.year), member=name)
        done = run_main("import-cotahist", name, "--market", "all", cwd=folder)
        assert done.code in {0, 1}, done.err
    yield folder
    check_home(LedgerHome(folder / "dados"))
