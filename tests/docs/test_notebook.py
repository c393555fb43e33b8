"""docs/examples/notebook.ipynb prints what stands in it."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_notebook.py"))


def printed(notebook: Any) -> list[tuple[str, list[str]]]:
    """Return each code cell with what it printed."""
    return [(cell.source, [_text(output) for output in cell.outputs]) for cell in notebook.cells if "outputs" in cell]


def _text(output: Any) -> str:
    return str(output.text if "text" in output else output.data[SCRIPT["TEXT"]])


# Jupyter's packages warn of each other's and of the kernel's plain connection on loopback: not ours to mend.
@pytest.mark.filterwarnings("ignore")
def test_cells_print_what_stands_in_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `python scripts/make_notebook.py` after changing a cell."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    SCRIPT["make_sample"](tmp_path)
    kept = SCRIPT["read"]()
    assert printed(kept) == printed(SCRIPT["executed"](SCRIPT["read"](), tmp_path))


def test_every_code_cell_was_run() -> None:
    """In order, and none of them failed."""
    cells = [cell for cell in SCRIPT["read"]().cells if cell.cell_type == "code"]
    assert list(range(1, len(cells) + 1)) == [cell.execution_count for cell in cells]
    assert [] == [output for cell in cells for output in cell.outputs if output.output_type == "error"]
