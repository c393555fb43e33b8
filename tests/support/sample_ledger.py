"""A folder with the sample's ledger in it, as the command line makes one."""

import hashlib
from pathlib import Path

from tests.support.cli import Result, run_main

NOW = {"B3_LEDGER_NOW": "2026-02-13T23:00:00Z"}
PETR4, ITUB4 = "PETR4.SA", "ITUB4.SA"
PETR4_CSV = "PETR4-20260213.csv"
EVENTS = 7  # its creation, then for each ticker: evidence, decision, snapshot
FOLDER = Path("dados") / "sample" / "ledger-1"


def make(folder: Path) -> Path:
    """Ingest PETR4 (clean) and ITUB4 (four rows rejected) into `folder`, one after the other; return it."""
    done = run_main("--no-network", "--ticker", PETR4, "--ticker", ITUB4, "--jobs", "1", cwd=folder, env=NOW)
    assert done.code == 1, done.err
    return folder


def make_more(folder: Path) -> None:
    """Ingest VALE3 as well: three more events."""
    done = run_main("--no-network", "--ticker", "VALE3.SA", cwd=folder, env=NOW)
    assert done.code == 0, done.err


def look(*args: str, cwd: Path) -> Result:
    """Run `main` on `args` at the instant at which the sample was ingested."""
    return run_main(*args, cwd=cwd, env=NOW)


def kept(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that reading commands must leave alone, by path: log, anchor, snapshots."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _disposable(path)]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _disposable(path: Path) -> bool:
    return path.name == "lock.mdb" or "projections" in path.parts
