"""The shim of `shim.c` in this process: built by the C compiler that is there, loaded before everything else."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

SOURCE = Path(__file__).with_name("shim.c")
VARIABLE = "B3_LEDGER_FAULTS_SHIM"
SHORT_WRITE = -1  # in place of an errno: the write takes half of what it was given


class NoCompilerError(Exception):
    """There is no C compiler to build the shim with."""

    def __init__(self) -> None:
        super().__init__("got no C compiler (cc) on PATH, want one to build the shim that sees system calls")


def compiler() -> str | None:
    """Return the path of the C compiler, None where there is none."""
    return shutil.which("cc") or shutil.which("gcc")


def ensure(arguments: Sequence[str]) -> "Shim":
    """Return the shim when it is loaded; else start this interpreter again, as `arguments`, with it loaded.

    Raises: NoCompilerError.
    """
    path = os.environ.pop(VARIABLE, None)
    if path is None:
        _restart(arguments)
    shim = Shim(ctypes.CDLL(path))
    # Loaded for good: what is started from here need not have it, and nothing stays behind.
    del os.environ["LD_PRELOAD"]
    shutil.rmtree(Path(path).parent)
    return shim


def _restart(arguments: Sequence[str]) -> NoReturn:
    cc = compiler()
    if cc is None:
        raise NoCompilerError
    library = Path(tempfile.mkdtemp(prefix="faults-shim-")) / "shim.so"
    subprocess.run([cc, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"], check=True)
    environment = {**os.environ, "LD_PRELOAD": str(library), VARIABLE: str(library)}
    os.execve(sys.executable, [sys.executable, *arguments], environment)  # noqa: S606 - the interpreter that runs this


class Shim:
    """What the loaded shim can do in this process; each kind of it in a forked child, since there is no way back."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.faults_calls.restype = ctypes.c_long
        library.faults_hit.restype = ctypes.c_char_p

    def record(self, root: Path, journal: Path) -> None:
        """Write every change below `root` to the file `journal` from now on."""
        fd = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._library.faults_record(os.fsencode(root), fd)

    def arm(self, root: Path, nth: int, error: int) -> None:
        """Have the `nth` call (from 1; 0: none) that changes something below `root` fail with `error`, once."""
        self._library.faults_arm(os.fsencode(root), ctypes.c_long(nth), error)

    def calls(self) -> int:
        """Return how many calls there were since `arm`."""
        return int(self._library.faults_calls())

    def hit(self) -> str:
        """Return the name of the call that failed, empty when none did."""
        return bytes(self._library.faults_hit()).decode()
