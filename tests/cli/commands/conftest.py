"""A store of objects that is not ours."""

from collections.abc import Iterator

import pytest

from tests.support.object_server import PYTHON, ObjectServer, object_server


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    """moto, where `MOTO_PYTHON` says that it is."""
    if PYTHON is None:
        pytest.skip("scripts/objects.sh installs moto and runs these")
    with object_server() as server:
        yield server
