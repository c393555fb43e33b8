"""Mutate the core and count what its tests let live: `TMPDIR=/dev/shm python scripts/mutation.py`.

Needs mutmut 3 (`pip install mutmut`). Works in a copy, with the tests of the core alone: they must fail for every
change to what it does. docs/reliability.md, "Mutation check", keeps the last count and says why survivors live.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MEMORY_BYTES = 4 * 1024**3
COPIED = ("ledger", "projections", "cli", "tests", "scripts", "docs", "pyproject.toml")
MUTATED = (
    "ledger/chain.py",
    "ledger/appending.py",
    "ledger/log.py",
    "ledger/engine.py",
    "ledger/verify.py",
    "ledger/walker.py",
    "ledger/anchor.py",
    "projections/runner.py",
)
TESTS = (
    "tests/ledger/test_anchor.py",
    "tests/ledger/test_append.py",
    "tests/ledger/test_engine.py",
    "tests/ledger/test_log.py",
    "tests/ledger/test_log_commit.py",
    "tests/ledger/test_vectors.py",
    "tests/ledger/test_verify.py",
    "tests/ledger/test_verify_report.py",
    "tests/ledger/test_walker.py",
    "tests/projections/test_check_witness.py",
    "tests/projections/test_runner.py",
)
# Seconds a mutant, for what their neighbours find in milliseconds. The properties are left out for the same reason.
LEFT_OUT = (
    "tests/ledger/test_log.py::test_a_map_grown_by_another_process_is_adopted",
    "tests/ledger/test_verify.py::test_any_changed_byte_of_any_event_is_named",
    "tests/ledger/test_verify.py::test_ruined_pages_never_kill_and_never_pass",
)


def settings(modules: list[str]) -> str:
    """Return what mutmut reads of the working copy."""
    lines = {
        "source_paths": ["ledger", "projections"],
        "only_mutate": modules,
        "also_copy": ["cli", "scripts", "docs"],
        "pytest_add_cli_args_test_selection": list(TESTS),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *(f"--deselect={test}" for test in LEFT_OUT)],
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {value!r}\n" for name, value in lines.items())


def copy(target: Path, modules: list[str]) -> None:
    """Make `target` a working copy that mutmut can run in."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    with (target / "pyproject.toml").open("a") as file:
        file.write(settings(modules))


def run(target: Path, *args: str) -> str:
    """Return what mutmut prints on `args` in `target`."""
    # A mutant that reads for ever would take the whole machine's memory with it.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    env = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "mutmut", *args], cwd=target, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1}:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout


def survivors(target: Path) -> list[str]:
    """Return the names of the mutants that no test killed: those that survived, and those that no test reached."""
    lines = run(target, "results").splitlines()
    return [line.split(":")[0].strip() for line in lines if line.rstrip().endswith(("survived", "no tests"))]


def main() -> None:
    """Run every mutant, print the last line of the tally, then each survivor as a diff."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(MUTATED), help="what to mutate (default: the core)")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        target = Path(folder) / "copy"
        target.mkdir()
        copy(target, given.modules)
        print(run(target, "run", "--max-children", str(given.jobs)).splitlines()[-1])
        for name in survivors(target):
            print(run(target, "show", name))


if __name__ == "__main__":
    main()
