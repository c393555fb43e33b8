"""A server on loopback that hands every request to its subclass, in threads that end with it."""

import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class LoopbackServer(ABC):
    """Listens from the start, and answers within `with`; `over` is set once no answer is to wait any longer."""

    def __init__(self) -> None:
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each GET and POST to the server."""

            def do_POST(self) -> None:
                """Answer."""
                server.answer(self)

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
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    @abstractmethod
    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
