"""What a ledger returns and raises can be imported from `projections`, cheaply and with its types."""

import ast
import builtins
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import ledger
import projections
from ledger import errors
from projections.api import columns
from projections.api import ledger as api
from tests.support.cli import REPOSITORY

_RAISES = re.compile(r"[Rr]aises: (.*?)(?:\n\s*\n|\Z)", re.DOTALL)
_ERROR = re.compile(r"\b[A-Z]\w+Error\b")
_OURS = ("ledger", "projections")


def annotations(cls: ast.ClassDef) -> Iterator[ast.expr]:
    """Yield what the public methods and properties of a class say that they take and return."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = (*node.args.args, *node.args.kwonlyargs, node)
            taken = (one.returns if isinstance(one, ast.FunctionDef) else one.annotation for one in arguments)
            yield from (annotation for annotation in taken if annotation is not None)


def types_of(cls: type) -> set[str]:
    """Return the names of this software's own types in the public signatures of a class."""
    tree = ast.parse(Path(inspect.getfile(cls)).read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    ours = {
        name.asname or name.name
        for node in imports
        if (node.module or "").partition(".")[0] in _OURS
        for name in node.names
    }
    (written,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__]
    named = {node.id for one in annotations(written) for node in ast.walk(one) if isinstance(node, ast.Name)}
    return {cls.__name__} | (named & ours)


def raised_by(*documented: object) -> set[str]:
    """Return the errors of this software's own that the "Raises:" of docstrings name, methods' of a class too."""
    pages = [inspect.getdoc(one) or "" for one in documented]
    pages += [
        inspect.getdoc(member) or "" for one in documented if inspect.isclass(one) for member in vars(one).values()
    ]
    named = {name for page in pages for raises in _RAISES.findall(page) for name in _ERROR.findall(raises)}
    return {name for name in named if not hasattr(builtins, name)}


def test_projections_exports_what_a_ledger_returns_and_raises() -> None:
    """By the signatures and the docstrings of what opens and reads one, the ledger and its columns; nothing else."""
    asked = ("disputed_actions", "open_ledger", "sql", "table")
    returned = types_of(api.Ledger) | types_of(columns.Columns) | {"DisputedAction"}
    raised = raised_by(*(getattr(projections, name) for name in asked), api.Ledger, columns.Columns)
    assert {*asked} | returned | raised == set(projections.__all__)


def test_ledger_exports_the_whole_catalogue_of_errors() -> None:
    """A new class of errors can be caught by its public name from the first day."""
    catalogue = {name for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, Exception)}
    assert set() == catalogue - set(ledger.__all__)


@pytest.mark.parametrize("package", [ledger, projections], ids=lambda one: one.__name__)
def test_every_public_name_can_be_imported(package: ModuleType) -> None:
    """Each once, in order, and each of them is found."""
    public: list[str] = vars(package)["__all__"]
    assert sorted(set(public)) == public
    assert [] == [name for name in public if not hasattr(package, name)]
    assert set() == set(public) - set(dir(package))
    assert not hasattr(package, "Misspelled")


@pytest.mark.parametrize("package", [ledger, projections], ids=lambda one: one.__name__)
def test_a_type_checker_sees_what_is_imported(package: ModuleType) -> None:
    """The names that are imported for it are those that can be imported when the program runs, and are the same."""
    tree = ast.parse(Path(inspect.getfile(package)).read_text("utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    seen = {
        name.name: getattr(__import__(node.module, fromlist=[name.name]), name.name)
        for node in checked.body
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} - {"__dir__"}
    public: list[str] = vars(package)["__all__"]
    assert seen.keys() | defined == set(public)
    assert seen == {name: getattr(package, name) for name in seen}


def test_importing_the_packages_imports_no_room() -> None:
    """A command pays for the rooms that it uses."""
    program = (
        "import sys, ledger, projections\n"
        "print([name for name in sys.modules if name.startswith(('ledger.', 'projections.', 'msgspec', 'lmdb'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=True
    )
    assert "[]\n" == done.stdout


READER = """\
from datetime import date

from ledger import NoLedgerError, Series
from projections import AdjustedPrice, Columns, Ledger, LedgerError, Price, open_ledger


def closes(ticker: str) -> list[tuple[date, str]]:
    try:
        with open_ledger("dados") as book:
            opened: Ledger = book
            series: Series = opened.series(ticker)
            held: Columns[Price] = opened.prices(series.ticker)
            adjusted: Columns[AdjustedPrice] = opened.prices(ticker, adjusted=True)
            return [(row.date, str(row.close)) for row in (*held.rows(), *adjusted.rows())]
    except (NoLedgerError, LedgerError):
        return []
"""


@pytest.mark.parametrize(("program", "code"), [(READER, 0), (f"{READER}\nfrom projections import Misspelled\n", 1)])
def test_the_public_names_have_types(program: str, code: int, tmp_path: Path) -> None:
    """A reader's program passes `mypy --strict`, and one that misspells a name does not."""
    (tmp_path / "reader.py").write_text(program)
    # A cache for each: the project's own may be in use by another run at this moment.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "--cache-dir", "cache", "reader.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert code == done.returncode, done.stdout
