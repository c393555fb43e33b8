"""A receiver of webhooks and pings on loopback that answers as it is told, and remembers what came."""

from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler

import msgspec

from tests.support.loopback import LoopbackServer

DRIP_S = 0.05


class Came(msgspec.Struct, frozen=True):
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Says(msgspec.Struct, frozen=True):
    """An answer: a status with headers; None: none at all, or byte by byte if it `drips`."""

    status: int | None
    headers: Mapping[str, str] = {}
    drips: bool = False


class Receiver(LoopbackServer):
    """Answers with each of `says` in turn, the last one for ever; it remembers what follows a redirect, too."""

    def __init__(self, *says: int | Says) -> None:
        super().__init__()
        self.says: Sequence[Says] = [one if isinstance(one, Says) else Says(one) for one in says]
        self.came: list[Came] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Remember a request and answer it."""
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        says = self.says[min(len(self.came), len(self.says) - 1)]
        self.came.append(Came(request.path, {key.lower(): value for key, value in request.headers.items()}, body))
        if says.drips:
            while not self.over.wait(DRIP_S):
                request.wfile.write(b"H")
        elif says.status is None:
            self.over.wait()
        else:
            request.send_response(says.status)
            for name, value in says.headers.items():
                request.send_header(name, value)
            request.send_header("content-length", "0")
            request.end_headers()
