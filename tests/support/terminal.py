"""A terminal in which `main` runs, and what is to be seen there."""

import codecs
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.cli import command, environment

PATIENCE_S = 60.0


class Terminal:
    """`main` at work in a terminal of its own, `columns` wide; `seen` is all that it wrote there."""

    def __init__(self, *args: str, cwd: Path, columns: int = 80, env: Mapping[str, str] | None = None) -> None:
        """Start it; the terminal is its stdin, stdout and stderr."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        given = environment({"TERM": "xterm", "PAGER": "cat", **(env or {})})
        self._process = subprocess.Popen(
            command(*args), cwd=cwd, env=given, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.seen = ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode  # a character may come in two pieces

    def until(self, words: str) -> None:
        """Read on until `words` were seen."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self.seen += self._decode(os.read(self._master, 65_536))

    def interrupt(self) -> None:
        """Do what Ctrl-C does: `^C` on the screen, and SIGINT to the whole group."""
        os.write(self._master, b"\x03")  # it is not the group's own terminal, so that it shows this and sends nothing
        self.until("^C")
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while True:
            try:
                some = os.read(self._master, 65_536)
            except OSError:  # EIO: nobody has the terminal open any more
                some = b""
            if not some:
                os.close(self._master)
                return self._process.wait(PATIENCE_S)
            self.seen += self._decode(some)

    def screen(self) -> list[str]:
        """Return the lines as they stay on the screen, without colours: what was erased is gone."""
        plain = re.sub(r"\x1b\[[\d;]*m", "", self.seen.replace("\r\n", "\n"))
        return [line.rsplit("\r\x1b[K", 1)[-1] for line in plain.split("\n")]
