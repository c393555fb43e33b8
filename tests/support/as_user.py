"""The command line as another user of this machine, for tests that root runs.

The interpreter may lie where that user cannot read it, so a forked process becomes that user with everything imported:
`warmed` has run the same commands before.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cli.entry import run
from tests.support.cli import Result, environment

ROOT, NOBODY = 0, 65534


def main_as(user: int, folder: Path, *args: str, umask: int = 0o022) -> Result:
    """Run the command line on `args` in `folder` as `user`, who is in no group but that of the same number."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            code = 99
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115 - for the process's whole life
                _become(user, folder, umask)
                code = run(list(args))
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        return Result(os.waitstatus_to_exitcode(status), out.read().decode(), err.read().decode())


def warmed(folder: Path, commands: Sequence[Sequence[str]]) -> None:
    """Run `commands` in this process, in `folder`, so that everything they import is there."""
    before = os.getcwd(), dict(os.environ), sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:
        try:
            os.chdir(folder)
            sys.stdout = sys.stderr = nowhere
            for args in commands:
                run(list(args))
        finally:
            os.chdir(before[0])
            sys.stdout, sys.stderr = before[2:]


def _become(user: int, folder: Path, umask: int) -> None:
    os.chdir(folder)
    clean = environment({"HOME": str(folder)})
    os.environ.clear()
    os.environ.update(clean)
    os.umask(umask)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
