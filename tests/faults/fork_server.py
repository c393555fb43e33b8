"""A process that checks one thing after the other: what kills it is an answer, and the next one takes its place."""

import os
import signal
import struct
import traceback
from collections.abc import Callable
from typing import NoReturn

LENGTH = struct.Struct("<I")


class ForkServer:
    """Runs `check` on each request in a forked process that lives on from one to the next."""

    def __init__(self, check: Callable[[bytes], object]) -> None:
        self._check = check
        self._pid = 0
        self._requests = self._answers = -1

    def ask(self, request: bytes) -> str:
        """Return what was wrong: nothing, a traceback, or the signal that the check died of."""
        if not self._pid:
            self._start()
        _send(self._requests, request)
        answer = _receive(self._answers)
        if answer is None:
            _, status = os.waitpid(self._pid, 0)
            self._closed()
            code = os.waitstatus_to_exitcode(status)
            return f"death by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return answer.decode()

    def close(self) -> None:
        """End the process."""
        if self._pid:
            os.close(self._requests)
            os.waitpid(self._pid, 0)
            self._requests = os.dup(self._answers)
            self._closed()

    def _start(self) -> None:
        theirs, self._requests = os.pipe()
        self._answers, ours = os.pipe()
        self._pid = os.fork()
        if self._pid:
            os.close(theirs)
            os.close(ours)
            return
        os.close(self._requests)
        os.close(self._answers)
        self._serve(theirs, ours)

    def _serve(self, requests: int, answers: int) -> NoReturn:
        try:
            while (request := _receive(requests)) is not None:
                _send(answers, _wrong(self._check, request).encode())
        finally:
            os._exit(0)

    def _closed(self) -> None:
        self._pid = 0
        os.close(self._requests)
        os.close(self._answers)


def _wrong(check: Callable[[bytes], object], request: bytes) -> str:
    try:
        check(request)
    except Exception:  # noqa: BLE001 - whatever comes out is the answer
        return traceback.format_exc()
    return ""


def _send(fd: int, content: bytes) -> None:
    content = LENGTH.pack(len(content)) + content
    while content:
        content = content[os.write(fd, content) :]


def _receive(fd: int) -> bytes | None:
    head = _exactly(fd, LENGTH.size)
    return None if head is None else _exactly(fd, LENGTH.unpack(head)[0])


def _exactly(fd: int, count: int) -> bytes | None:
    content = b""
    while len(content) < count:
        part = os.read(fd, count - len(content))
        if not part:
            return None
        content += part
    return content
