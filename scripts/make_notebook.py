"""Run docs/examples/notebook.ipynb on the bundled sample and keep what it prints: `python scripts/make_notebook.py`.

Outputs are kept as text alone, so that the file is small and says what changed when it does.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOK = REPOSITORY / "docs" / "examples" / "notebook.ipynb"
TICKERS = ("PETR4", "VALE3", "BBAS3", "ITUB4")
NOW = "2026-02-13T23:00:00Z"  # so that the ledger learns everything at the same time whenever this runs
TIMEOUT_S = 60
TEXT = "text/plain"


def make_sample(folder: Path) -> None:
    """Make the sample's ledger in `folder`, as the notebook's first words say."""
    asked = [word for ticker in TICKERS for word in ("--ticker", ticker)]
    subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "cli", "--no-network", *asked, "--jobs", "1"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "B3_LEDGER_NOW": NOW},
        capture_output=True,
        check=False,  # 1: a ticker of the sample has rows rejected
    )


def executed(notebook: Any, folder: Path) -> Any:
    """Return `notebook` as it is once its cells ran in `folder`, one after the other, in a new kernel.

    Raises: CellExecutionError for a cell that fails.
    """
    found = nbformat.from_dict(notebook)
    settings = {"PYTHONPATH": str(REPOSITORY), "DATA_DIR": str(folder / "dados"), "IPYTHONDIR": str(folder / "ipython")}
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(found, timeout=TIMEOUT_S, resources=place, coalesce_streams=True)
    client.execute(env={**os.environ, **settings})
    return bared(found)


def bared(notebook: Any) -> Any:
    """Return `notebook` without what differs from run to run and from machine to machine."""
    notebook.metadata = nbformat.from_dict({"kernelspec": {"display_name": "Python 3", "name": "python3"}})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", ()):
            if "data" in output:
                output.data = nbformat.from_dict({TEXT: output.data[TEXT]})
                output.metadata = nbformat.from_dict({})
    return notebook


def read() -> Any:
    """Return the notebook as it is kept."""
    return nbformat.read(NOTEBOOK, as_version=4)


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        make_sample(Path(place))
        nbformat.write(executed(read(), Path(place)), NOTEBOOK)
