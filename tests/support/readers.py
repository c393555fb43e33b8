"""A reader of an LMDB database that was killed while it read, and what is left of it.

The first process to open a database clears its list of readers, so another one keeps it open meanwhile.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

OPENED = "import sys,time,lmdb\nenv=lmdb.open(sys.argv[1],create=False,readonly=True,max_dbs=2)\n"
KEEPER = OPENED + "print('open',flush=True)\nfor _ in sys.stdin: print(repr(env.readers()),flush=True)"
READER = OPENED + "txn=env.begin()\nprint('open',flush=True)\ntime.sleep(60)"


@contextmanager
def dead_reader(folder: Path) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether LMDB still lists a reader in `folder` that was killed."""
    with _started(KEEPER, folder) as keeper:
        with _started(READER, folder) as reader:
            reader.kill()

        def is_listed() -> bool:
            assert keeper.stdin is not None
            assert keeper.stdout is not None
            keeper.stdin.write("?\n")
            keeper.stdin.flush()
            return str(reader.pid) in keeper.stdout.readline()

        yield is_listed


@contextmanager
def _started(code: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "open\n" == process.stdout.readline()
        yield process
