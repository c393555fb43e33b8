"""Workplaces with and without a provider; the oracle looks at every ledger made in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.workplace import Workplace
from tests.support.yahoo_server import YahooServer


@pytest.fixture
def server() -> Iterator[YahooServer]:
    """A Yahoo on loopback that knows no ticker yet."""
    with YahooServer() as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, server: YahooServer) -> Iterator[Workplace]:
    """An empty folder whose runs talk to the server at a fixed time."""
    place = Workplace(tmp_path, server)
    yield place
    place.close()


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Workplace]:
    """An empty folder whose runs have no settings at all."""
    place = Workplace(tmp_path)
    yield place
    place.close()
