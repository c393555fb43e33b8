"""One POST, bounded in time whatever the other side does; no redirect is followed, and no answer is read."""

import threading
from collections.abc import Mapping
from hashlib import sha256

import msgspec

SECONDS_MAX = 86_400.0
TAKEN = range(200, 300)  # HTTP's successes


class PostReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a POST: the status, and how long the receiver wants to be left alone; or why nobody answered."""

    status: int | None = None
    retry_after_s: float | None = None
    error: str | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver took it."""
        return self.status in TAKEN

    def words(self) -> str:
        """Return what came of it, in words."""
        return f"status {self.status}" if self.error is None else self.error


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> PostReply:
    """Send `body` and return what came of it within `timeout_s` seconds.

    In a thread that is left behind when time is up: neither a name that does not resolve nor a receiver that sends
    its answer byte by byte heeds the timeout of a socket.
    """
    found: list[PostReply] = []
    sending = threading.Thread(target=lambda: found.append(_sent(url, body, headers, timeout_s)), daemon=True)
    sending.start()
    sending.join(timeout_s)
    return found[0] if found else PostReply(error=f"no answer within {timeout_s:g} s")


def _sent(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> PostReply:
    # Imported here: they cost more than everything else that a quick command needs.
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """A redirect is an answer like any other: the signature is for the receiver that was named."""

        def redirect_request(self, *_: object) -> None:
            """Follow none."""

    request = Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310 - http or https alone
    try:
        with build_opener(Stay()).open(request, timeout=timeout_s) as answer:
            return PostReply(status=answer.status)
    except HTTPError as error:
        with error:
            asked = error.headers.get("Retry-After") or ""
            # HTTP's other form, a date, says nothing here.
            seconds = min(float(asked), SECONDS_MAX) if asked.isascii() and asked.isdigit() else None
            return PostReply(status=error.code, retry_after_s=seconds)
    except TimeoutError:
        return PostReply(error=f"no answer within {timeout_s:g} s")
    except (URLError, HTTPException, OSError, ValueError) as error:
        # Its reason alone: the error itself may quote the address.
        reason = getattr(error, "reason", None)
        if isinstance(reason, TimeoutError):
            return PostReply(error=f"no answer within {timeout_s:g} s")
        words = getattr(reason, "strerror", None) or getattr(error, "strerror", None)
        return PostReply(error=words or type(reason or error).__name__)


def host_hash(url: str) -> bytes:
    """Return the SHA-256 of the URL's host name, in lower case: all that is recorded of where a message went."""
    from urllib.parse import urlsplit

    return sha256((urlsplit(url).hostname or "").encode()).digest()
