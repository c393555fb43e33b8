"""One question to somebody outside, by HTTP: bounded in time and in bytes, and followed nowhere else.

curl enforces the deadline over all of it, name look-up and headers too; importing this imports nothing of that.
"""

from urllib.parse import urlsplit

import msgspec

from ledger.checkpoint.errors import NoAnswerError
from ledger.urls import masked

SCHEMES = ("http", "https")


class HttpAnswer(msgspec.Struct, frozen=True):
    """What came back: the status, the media type without its parameters, and the body."""

    status: int
    media_type: str
    body: bytes


def is_askable(url: str) -> bool:
    """Return whether `url` is one that can be asked: http or https, with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def post(url: str, body: bytes, *, media_type: str, limit_bytes: int, timeout_s: float) -> HttpAnswer:
    """Return the answer to `body`, whatever its status: at most `limit_bytes` of it, unpacked, within `timeout_s`.

    Raises: NoAnswerError, which shows no user, password or query of `url`.
    """
    from curl_cffi import requests
    from curl_cffi.curl import CURL_WRITEFUNC_ERROR
    from curl_cffi.requests.exceptions import RequestException, Timeout

    came, count = list[bytes](), 0

    def take(chunk: bytes) -> int:
        nonlocal count
        count += len(chunk)
        came.append(chunk)
        return CURL_WRITEFUNC_ERROR if count > limit_bytes else len(chunk)

    try:
        response = requests.post(
            url,
            data=body,
            headers={"Content-Type": media_type},
            timeout=timeout_s,
            allow_redirects=False,
            content_callback=take,
        )
    except Timeout as error:
        raise NoAnswerError(masked(url), "no whole answer", wanted=f"one within {timeout_s:g} s") from error
    except RequestException as error:
        if count > limit_bytes:
            wanted = f"an answer of at most {limit_bytes}"
            raise NoAnswerError(masked(url), f"more than {limit_bytes} bytes", wanted=wanted) from error
        raise NoAnswerError(masked(url), f"curl error {error.code:d}", wanted="an answer") from error
    found_type = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    return HttpAnswer(response.status_code, found_type, b"".join(came))
