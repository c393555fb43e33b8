"""A server of files on loopback that answers as it is told, with ranges, and remembers what was asked."""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

import msgspec

from tests.support.loopback import LoopbackServer


class Serves(msgspec.Struct, kw_only=True):
    """How the next requests are answered; of `body` no more than `cut_at` bytes come, then the connection ends."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    etag: str | None = '"one"'
    cut_at: int | None = None
    says_length: bool = True
    stalls: bool = False


class FileServer(LoopbackServer):
    """Serves one file under every name."""

    def __init__(self, serves: Serves) -> None:
        super().__init__()
        self.serves = serves
        self.asked: list[tuple[str, dict[str, str]]] = []

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
            self.over.wait(10)
        request.close_connection = True
