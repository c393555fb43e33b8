"""Imports point one way, and the pure core stays pure."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("ledger", "projections", "cli")  # each may import itself and what stands before it
IMPURE = {
    "asyncio", "click", "concurrent", "fcntl", "http", "lmdb", "multiprocessing", "os", "random", "secrets",
    "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
PURE_ROOMS = ("ledger/market", "ledger/ingest/rules", "projections/fold", "projections/models")
PURE_MODULES = (
    "ledger/chain", "ledger/codec", "ledger/events", "ledger/appending", "ledger/ingest/providers/yahoo/chart",
    "projections/queries/bar_fields", "projections/queries/history", "projections/queries/revisions",
    "projections/queries/gaps", "projections/queries/adjusted", "projections/queries/snapshot_csv",
)  # fmt: skip
PURE = [
    *(f"{name}.py" for name in PURE_MODULES),
    *(str(path.relative_to(ROOT)) for room in PURE_ROOMS for path in sorted((ROOT / room).glob("*.py"))),
]
BARRED = {"lmdb", "click", "time", "random", "secrets", "socket", "subprocess", "threading"}
CLOCKS = re.compile(r"\b(datetime\.now|date\.today|datetime\.utcnow|\.read_text|\.write_text|open\()")


def modules() -> Iterator[Path]:
    """Yield every module of the three packages."""
    for layer in LAYERS:
        yield from sorted((ROOT / layer).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return every dotted name that the module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    """From cli to projections to ledger, never back."""
    layer = path.relative_to(ROOT).parts[0]
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    assert set() == {name.split(".")[0] for name in imported(path)} & above


@pytest.mark.parametrize("name", PURE)
def test_the_core_is_pure(name: str) -> None:
    """No clock, disk, environment, randomness, database or terminal, by import or by call."""
    path = ROOT / name
    assert set() == {module.split(".")[0] for module in imported(path)} & IMPURE
    assert None is CLOCKS.search(path.read_text("utf-8"))


@pytest.mark.parametrize("name", PURE)
def test_the_core_leans_on_nothing_impure(name: str) -> None:
    """What a pure module imports of this house is pure as well, all the way down."""
    reached, waiting = set(), {ROOT / name}
    while waiting:
        path = waiting.pop()
        reached.add(path)
        for module in imported(path):
            found = ROOT / f"{module.replace('.', '/')}.py"
            if found.is_file() and found not in reached:
                waiting.add(found)
    assert set() == {str(path.relative_to(ROOT)) for path in reached if imported(path) & BARRED}


def test_no_package_is_a_cupboard() -> None:
    """No utils, helpers, common or manager."""
    assert set() == {path.stem for path in modules()} & {"utils", "util", "helpers", "helper", "common", "manager"}
