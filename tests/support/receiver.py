"""A receiver of webhooks and pings on loopback that answers as it is told, and remembers what came."""

import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import msgspec

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


class Receiver:
    """Answers with each of `says` in turn, the last one for ever."""

    def __init__(self, *says: int | Says) -> None:
        self.says: Sequence[Says] = [one if isinstance(one, Says) else Says(one) for one in says]
        self.came: list[Came] = []
        self._over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each POST to the receiver."""

            def do_POST(self) -> None:
                """Remember it, and answer."""
                receiver.answer(self)

            def do_GET(self) -> None:
                """Remember what follows a redirect, too."""
                receiver.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Remember a request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        says = self.says[min(len(self.came), len(self.says) - 1)]
        self.came.append(Came(handler.path, {key.lower(): value for key, value in handler.headers.items()}, body))
        if says.drips:
            while not self._over.wait(DRIP_S):
                handler.wfile.write(b"H")
        elif says.status is None:
            self._over.wait()
        else:
            handler.send_response(says.status)
            for name, value in says.headers.items():
                handler.send_header(name, value)
            handler.send_header("content-length", "0")
            handler.end_headers()
