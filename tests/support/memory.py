"""How much memory of its own a command takes, its children's included; mapped files do not count."""

import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tests.support.processes import children

POLL_S = 0.002


def peak_anonymous_bytes(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], codes: Collection[int] = (0,)
) -> int:
    """Run `command` to its end and return the most RssAnon that one process of it was seen to hold.

    Looked at every 2 ms. Raises: CalledProcessError when it ends with none of `codes`.
    """
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, *(_anonymous_bytes(pid) for pid in _family(process.pid)))
        time.sleep(POLL_S)
    if process.returncode not in codes:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak


def _family(pid: int) -> list[int]:
    try:
        started = children(pid)
    except OSError:
        return [pid]
    return [pid, *(one for child in started for one in _family(child))]


def _anonymous_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)
