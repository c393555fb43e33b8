"""A server of files on loopback that answers as it is told, with ranges, and remembers what was asked."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import msgspec


class Serves(msgspec.Struct, kw_only=True):
    """How the next requests are answered; of `body` no more than `cut_at` bytes come, then the connection ends."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    etag: str | None = '"one"'
    cut_at: int | None = None
    says_length: bool = True
    stalls: bool = False


class FileServer:
    """Serves one file under every name."""

    def __init__(self, serves: Serves) -> None:
        self.serves = serves
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each GET to the server."""

            def do_GET(self) -> None:
                """Answer."""
                server.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()

    def hang_up(self) -> None:
        """End every answer that stalls."""
        self._over.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send what is served: the rest of it, where that is asked for and the file is still the same."""
        self.asked.append((request.path, dict(request.headers)))
        serves, start, status = self.serves, 0, self.serves.status
        asked = request.headers.get("Range")
        if status == 200 and asked and request.headers.get("If-Range") == serves.etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            status = 206 if start < len(serves.body) else 416
        body = serves.body[start:] if status != 416 else b""
        request.send_response(status)
        if status == 206:
            total = len(serves.body)
            request.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if serves.etag:
            request.send_header("ETag", serves.etag)
        for name, value in serves.headers.items():
            request.send_header(name, value)
        if serves.says_length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: serves.cut_at])
        request.wfile.flush()
        if serves.stalls:
            self._over.wait(10)
        request.close_connection = True
