"""Imports point one way, and the pure core stays pure."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import ledger
import projections
from ledger.ingest.providers import registry
from ledger.values import LedgerKind

ROOT = Path(__file__).parent.parent
LAYERS = ("ledger", "projections", "cli")  # each may import itself and what stands before it
IMPURE = {
    "asyncio", "click", "concurrent", "fcntl", "http", "lmdb", "multiprocessing", "os", "random", "secrets",
    "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
PURE_ROOMS = (
    "ledger/market",
    "ledger/ingest/rules",
    "ledger/ingest/rules/v1",
    "ledger/ingest/providers/cotahist/fields",
    "projections/fold",
    "projections/models",
    "projections/actions",
    "cli/render/report",
)
PURE_MODULES = (
    "ledger/chain", "ledger/codec", "ledger/events", "ledger/appending", "ledger/ingest/providers/port",
    "ledger/ingest/providers/evidence", "ledger/ingest/providers/registry", "ledger/ingest/providers/yahoo/chart",
    "ledger/ingest/providers/cotahist/layout", "ledger/ingest/judging", "ledger/ingest/providers/manual/sheet",
    "ledger/ingest/providers/b3/feed", "ledger/ingest/providers/b3/joined",
    "ledger/checkpoint/tree", "ledger/checkpoint/merkle_proof", "ledger/checkpoint/tiles",
    "ledger/checkpoint/statement", "ledger/checkpoint/tlog_proof",
    "projections/audit/departures", "projections/audit/rejudging", "projections/audit/report",
    "projections/queries/bar_fields", "projections/queries/history", "projections/queries/revisions",
    "projections/queries/gaps", "projections/queries/adjusted", "projections/queries/snapshot_csv",
)  # fmt: skip
PURE = [
    *(f"{name}.py" for name in PURE_MODULES),
    *(str(path.relative_to(ROOT)) for room in PURE_ROOMS for path in sorted((ROOT / room).glob("*.py"))),
]
BARRED = {"lmdb", "click", "time", "random", "secrets", "socket", "subprocess", "threading"}
FRONT_DOORS = [ROOT / layer / "__init__.py" for layer in LAYERS]
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


PROVIDERS = "ledger/ingest/providers"
# The commands of providers whose files a person brings.
BRINGS_FILES = ("cli/commands/ingest/import_cotahist", "cli/commands/ingest/import_actions")
KINDS = set(get_args(LedgerKind))  # the sample is a kind of ledger too


def outside_the_port() -> list[Path]:
    """Return the modules that know no provider by name."""
    within = ("ledger/ingest", "projections", "cli")
    paths = {path: str(path.relative_to(ROOT)) for path in modules()}
    return [path for path, name in paths.items() if name.startswith(within) and not name.startswith(PROVIDERS)]


def texts(path: Path) -> Iterator[str]:
    """Yield every string that the module holds and does something with: not its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.value


@pytest.mark.parametrize("path", outside_the_port(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_provider_is_known_by_name(path: Path) -> None:
    """Neither in quotes, alone or in a list, nor by import from its room: the registry is the only list of them."""
    words = {word.strip() for text in texts(path) for word in text.split(",")}
    rooms_of_providers = {entry.partition(":")[0] for entry in registry.ENTRIES}
    found = {name for name in names_imported(path) if any(name.startswith(f"{room}.") for room in rooms_of_providers)}
    assert set() == words & (set(registry.names()) - KINDS)
    assert str(path.relative_to(ROOT)).startswith(BRINGS_FILES) or set() == found


def test_no_package_is_a_cupboard() -> None:
    """No utils, helpers, common or manager."""
    assert set() == {path.stem for path in modules()} & {"utils", "util", "helpers", "helper", "common", "manager"}


def test_a_class_name_has_one_meaning() -> None:
    """No two classes of the product share a name, whatever their rooms; a leading underscore makes no difference."""
    found: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name.removeprefix("_"), []).append(str(path.relative_to(ROOT)))
    assert {} == {name: paths for name, paths in found.items() if len(paths) > 1}


def rooms() -> dict[str, list[Path]]:
    """Return the modules of every room: a folder, or, of the commands, a group of folders.

    The front door of a package is in none: it imports from every room, and no room imports from it.
    """
    found: dict[str, list[Path]] = {}
    for path in modules():
        if path not in FRONT_DOORS:
            found.setdefault(room_of(path), []).append(path)
    return found


def room_of(path: Path) -> str:
    """Return the room that a module lies in."""
    parts = path.relative_to(ROOT).parent.parts
    return "/".join(parts[:3] if parts[:2] == ("cli", "commands") else parts)


def module_of(name: str) -> Path | None:
    """Return the module that a dotted name leads to, None for a name of another package."""
    for candidate in (f"{name.replace('.', '/')}.py", f"{name.rpartition('.')[0].replace('.', '/')}.py"):
        if (ROOT / candidate).is_file():
            return ROOT / candidate
    return None


def names_imported(path: Path) -> Iterator[str]:
    """Yield what the module imports as `package.module.name`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_circle_between_rooms() -> None:
    """A room that another one leans on never leans on it in turn, by whichever way round."""
    leans = {
        room: {room_of(found) for path in paths for name in names_imported(path) if (found := module_of(name))} - {room}
        for room, paths in rooms().items()
    }

    def reached(room: str, seen: frozenset[str] = frozenset()) -> set[str]:
        ahead = leans[room] - seen
        return ahead.union(*(reached(one, seen | ahead) for one in ahead))

    assert [] == [room for room in leans if room in reached(room)]


def test_no_room_imports_from_a_front_door() -> None:
    """The names that a package exports are for its users; a room names the room that it leans on."""
    exported = {f"{package.__name__}.{name}" for package in (ledger, projections) for name in package.__all__}
    asked = {path: exported & set(names_imported(path)) for path in modules() if path not in FRONT_DOORS}
    assert {} == {path: names for path, names in asked.items() if names}


@pytest.mark.parametrize("folder", sorted({path.parent for path in modules()}), ids=lambda path: path.name)
def test_a_room_has_one_thing_to_say(folder: Path) -> None:
    """About fifteen modules a folder, and its `__init__` says in a line what it is for."""
    assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) <= 16
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))


def body_lines(function: ast.FunctionDef) -> int:
    """Return how many lines the body of a function has, its docstring aside."""
    first = 1 if ast.get_docstring(function) and len(function.body) > 1 else 0
    return (function.body[-1].end_lineno or 0) - function.body[first].lineno + 1


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_functions_can_be_read_at_once(path: Path) -> None:
    """At most 400 lines, and 30 in a body."""
    text = path.read_text("utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert len(text.splitlines()) <= 400
    assert [] == [function.name for function in functions if body_lines(function) > 30]
