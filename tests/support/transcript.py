"""Pages of the documentation as transcripts: every ```console block is typed into a shell and its output compared.

In a block, a line `$ command` is typed; lines `> ...` right after it go on with it; what follows, up to the next `$`
or the end of the block, is what a terminal shows: stdout and stderr. A last line `[exit 2]` is the exit code, 0
where there is none. Output stands word for word, but for what no two runs share:

`<time>` a UTC time, as printed or as in a file's name · `<duration>` a number, its unit with it · `<id>` a job's id ·
`<pid>` a process's · `<bytes>` a size: events name the versions of libraries, and are packed by them ·
`<hash>` 16 to 64 hex digits · `<path>` an absolute path.

All blocks of a page share one shell, as one sitting does: `cd` and `export` hold.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.support.cli import environment

TIMEOUT_S = 100.0
SEPARATOR = "\x1e"  # around each exit code in what the shell prints; nothing else prints one
WILDCARDS = {
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z|\d{8}T\d{6}Z",
    "<duration>": r"\d+(?:\.\d+)?(?:e-\d+)?(?: ?(?:µs|ms|s)\b)?",
    "<id>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<pid>": r"\d+",
    "<bytes>": r"\d+",
    "<hash>": r"[0-9a-f]{16,64}",
    "<path>": r"""/[^\s"',:]+""",
}

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\[exit (\d+)\]")
_END = re.compile(f"(.*?){SEPARATOR}(\\d+){SEPARATOR}", re.DOTALL)
_WILDCARD = re.compile("|".join(WILDCARDS))


class Step(msgspec.Struct, frozen=True):
    """One command of a page, what the terminal shows of it, line by line, and how it ends."""

    command: str
    shown: tuple[str, ...]
    code: int = 0


def steps(page: str) -> list[Step]:
    """Return the commands of all console blocks of `page`, in order.

    Raises: ValueError for output before the first command of a block.
    """
    return [step for block in _BLOCK.finditer(page) for step in _of_block(block[1].splitlines())]


def play(
    script: Sequence[Step], *, cwd: Path, env: Mapping[str, str] | None = None, under: Sequence[str] = ()
) -> list[Step]:
    """Return `script` as it went when typed in `cwd` with only the settings in `env`.

    The shell runs under the command `under`: in a namespace of its own, say.

    Where a line that was shown fits the one that was expected, it is given as expected: what is left to tell
    apart is what differs.
    """
    with TemporaryDirectory() as folder:
        _install(Path(folder))
        path = os.pathsep.join((folder, os.path.dirname(sys.executable), os.environ["PATH"]))
        done = subprocess.run(
            [*under, "bash", "-c", "".join(f"{step.command}\nprintf '\\036%d\\036' $?\n" for step in script)],
            cwd=cwd,
            env=environment({**(env or {}), "PATH": path}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    told = done.stdout.decode()
    ends = [(output, int(code)) for output, code in _END.findall(told)]
    if len(ends) < len(script):
        # The shell itself ended: what it said since belongs to the command that ended it.
        ends.append((told.rpartition(SEPARATOR)[2], done.returncode))
    return [_went(step, output, code) for step, (output, code) in zip(script, ends, strict=False)]


def fits(expected: str, line: str) -> bool:
    """Whether `line` is what `expected` says, its wildcards standing for what they name."""
    pattern, end = "", 0
    for wildcard in _WILDCARD.finditer(expected):
        pattern += f"{re.escape(expected[end : wildcard.start()])}(?:{WILDCARDS[wildcard[0]]})"
        end = wildcard.end()
    return re.fullmatch(pattern + re.escape(expected[end:]), line) is not None


def _of_block(lines: Sequence[str]) -> Iterator[Step]:
    command, shown = "", list[str]()
    for line in lines:
        if line.startswith("$ "):
            if command:
                yield _step(command, shown)
            command, shown = line[2:], []
        elif (line == ">" or line.startswith("> ")) and command and not shown:
            command += f"\n{line[2:]}"
        elif command:
            shown.append(line)
        else:
            message = f"got {line!r} at the start of a console block, want a line that begins with '$ '"
            raise ValueError(message)
    if command:
        yield _step(command, shown)


def _step(command: str, shown: Sequence[str]) -> Step:
    if shown and (code := _EXIT.fullmatch(shown[-1])):
        return Step(command, tuple(shown[:-1]), int(code[1]))
    return Step(command, tuple(shown))


def _went(step: Step, output: str, code: int) -> Step:
    lines = output.splitlines()
    if len(lines) != len(step.shown):
        return Step(step.command, tuple(lines), code)
    pairs = zip(step.shown, lines, strict=True)
    return Step(step.command, tuple(expected if fits(expected, line) else line for expected, line in pairs), code)


def _install(folder: Path) -> None:
    """Put the code under test on the shell's path as `main`, whatever else is installed."""
    script = folder / "main"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    script.chmod(0o755)
