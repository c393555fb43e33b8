"""Mutate a group of modules and count what its tests let live: `TMPDIR=/dev/shm python scripts/mutation.py archive`.

Needs mutmut 3 (`pip install mutmut`). Works in a copy, with the tests of the group alone: they must fail for every
change to what its modules do. docs/reliability.md, "Mutation check", keeps the last counts and says why survivors live.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SHOWN_CHARS = 2000  # of what mutmut printed before it failed
MEMORY_BYTES = 4 * 1024**3
COPIED = ("ledger", "projections", "cli", "tests", "scripts", "docs", "pyproject.toml")
LIVED = ("survived", "no tests")
UNCHECKED = "not checked"


@dataclass(frozen=True)
class Group:
    """Modules to mutate, and the test modules that must notice.

    `left_out` are tests that take seconds per mutant for what their neighbours find in milliseconds.
    The properties and the fault campaign are not among the tests for the same reason.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    left_out: tuple[str, ...]


GROUPS = {
    "core": Group(
        modules=(
            "ledger/chain.py",
            "ledger/appending.py",
            "ledger/log_source.py",
            "ledger/store/event_log.py",
            "ledger/store/engine.py",
            "ledger/audit/verify.py",
            "ledger/audit/rehash.py",
            "ledger/store/anchor.py",
            "projections/store/runner.py",
        ),
        tests=(
            "tests/ledger/store/test_anchor.py",
            "tests/ledger/test_append.py",
            "tests/ledger/test_log_source.py",
            "tests/ledger/store/test_engine.py",
            "tests/ledger/store/test_event_log.py",
            "tests/ledger/store/test_event_log_commit.py",
            "tests/ledger/test_vectors.py",
            "tests/ledger/audit/test_verify.py",
            "tests/ledger/audit/test_verify_report.py",
            "tests/ledger/audit/test_rehash.py",
            "tests/projections/store/test_check_witness.py",
            "tests/projections/store/test_runner.py",
        ),
        left_out=(
            "tests/ledger/store/test_event_log.py::test_a_map_grown_by_another_process_is_adopted",
            "tests/ledger/audit/test_verify.py::test_any_changed_byte_of_any_event_is_named",
            "tests/ledger/audit/test_verify.py::test_ruined_pages_never_kill_and_never_pass",
        ),
    ),
    "archive": Group(
        modules=(
            "ledger/audit/accept.py",
            "ledger/backup/frames.py",
            "ledger/backup/archive_log.py",
            "ledger/backup/scan.py",
            "ledger/backup/scan_behind.py",
            "ledger/backup/verify.py",
            "ledger/backup/create.py",
            "ledger/backup/check.py",
            "ledger/backup/listing.py",
            "ledger/backup/recorded.py",
            "ledger/audit/counts.py",
            "ledger/files/checksum.py",
            "ledger/files/atomic_file.py",
            "ledger/backup/restore.py",
            "ledger/backup/restore_build.py",
            "ledger/backup/restore_plan.py",
            "ledger/backup/restore_history.py",
            "ledger/backup/salvage.py",
            "ledger/audit/pages.py",
        ),
        tests=(
            "tests/ledger/audit/test_accept.py",
            "tests/ledger/backup/test_frames.py",
            "tests/ledger/backup/test_archive_log.py",
            "tests/ledger/backup/test_scan.py",
            "tests/ledger/backup/test_scan_behind.py",
            "tests/ledger/backup/test_verify.py",
            "tests/ledger/backup/test_create.py",
            "tests/ledger/backup/test_check.py",
            "tests/ledger/backup/test_failure.py",
            "tests/ledger/backup/test_listing.py",
            "tests/ledger/backup/test_recorded.py",
            "tests/ledger/audit/test_counts.py",
            "tests/ledger/files/test_checksum.py",
            "tests/ledger/files/test_checksum_file.py",
            "tests/ledger/files/test_atomic_file.py",
            "tests/ledger/backup/test_restore.py",
            "tests/ledger/backup/test_restore_build.py",
            "tests/ledger/backup/test_restore_plan.py",
            "tests/ledger/backup/test_restore_history.py",
            "tests/ledger/backup/test_salvage.py",
            "tests/ledger/audit/test_pages.py",
        ),
        left_out=(
            "tests/ledger/backup/test_scan.py::test_damage_is_found_alike_by_one_process_and_by_more",
            "tests/ledger/backup/test_create.py::test_a_backup_under_ingest_is_one_consistent_prefix",
            "tests/ledger/backup/test_create.py::test_a_kill_leaves_no_half_backup",
            "tests/ledger/backup/test_salvage.py::test_no_byte_of_the_meta_pages_costs_more_than_the_last_append",
            "tests/ledger/backup/test_salvage.py::test_every_cut_of_an_archive_keeps_its_whole_frames",
            "tests/ledger/backup/test_salvage.py::test_pages_that_kill_the_engine_are_survived",
        ),
    ),
}


def settings(group: Group) -> str:
    """Return what mutmut reads of the working copy."""
    lines = {
        "source_paths": ["ledger", "projections"],
        "only_mutate": list(group.modules),
        "also_copy": ["cli", "scripts", "docs"],
        "timeout_multiplier": 5.0,
        "pytest_add_cli_args_test_selection": list(group.tests),
        "pytest_add_cli_args": [
            *("-p", "no:cacheprovider", "-p", "scripts.mutation_hits"),
            *(f"--deselect={test}" for test in group.left_out),
        ],
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {value!r}\n" for name, value in lines.items())


def undecorated(source: str) -> str:
    """Return `source` with its top-level context managers decorated behind their backs.

    mutmut leaves whatever bears a decorator as it is.
    """
    return re.sub(
        r"^@contextmanager\ndef (\w+)(\(.*?)(?=^[^\s)]|\Z)",
        r"def plain_\1\2\1 = contextmanager(plain_\1)\n\n\n",
        source,
        flags=re.MULTILINE | re.DOTALL,
    )


def copy(target: Path, group: Group) -> None:
    """Make `target` a working copy that mutmut can run in."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    for module in group.modules:
        path = target / module
        path.write_text(undecorated(path.read_text("utf-8")), "utf-8")
    with (target / "pyproject.toml").open("a") as file:
        file.write(settings(group))


def run(target: Path, *args: str) -> str:
    """Return what mutmut prints on `args` in `target`."""
    # A mutant that reads for ever would take the whole machine's memory with it.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    env = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "mutmut", *args], cwd=target, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1}:
        sys.exit(done.stdout[-SHOWN_CHARS:] + done.stderr[-SHOWN_CHARS:])
    return done.stdout


def verdicts(target: Path) -> dict[str, str]:
    """Return what became of each mutant, by its name."""
    lines = run(target, "results", "--all", "True").splitlines()
    return {name.strip(): verdict for name, found, verdict in (line.partition(": ") for line in lines) if found}


def check(target: Path, *, jobs: int) -> None:
    """Run every mutant in `target` and report; where that comes to no end, leave with what mutmut said of it."""
    told = run(target, "run", "--max-children", str(jobs))
    found = verdicts(target)
    checked = sum(verdict != UNCHECKED for verdict in found.values())
    if checked < max(len(found), 1):
        sys.exit(f"{told[-SHOWN_CHARS:]}\ngot {checked} of {len(found)} mutants checked, want all, and at least one")
    print(told.splitlines()[-1])
    report(target, found)


def report(target: Path, found: dict[str, str]) -> None:
    """Print how many mutants met each end, then each that no test killed as a diff."""
    counts = Counter(found.values())
    lived = sum(counts[verdict] for verdict in LIVED)
    print(f"{len(found)} mutants:", ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common()))
    print(f"{100 * lived / max(len(found), 1):.1f} % lived")
    for name in sorted(name for name, verdict in found.items() if verdict in LIVED):
        print(run(target, "show", name))


def main() -> None:
    """Run every mutant of a group and report; the tree stays as it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        target = Path(folder) / "copy"
        target.mkdir()
        copy(target, GROUPS[given.group])
        check(target, jobs=given.jobs)


if __name__ == "__main__":
    main()
