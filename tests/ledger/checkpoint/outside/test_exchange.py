"""A question to somebody outside ends in time, in bytes, and where it was put."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ledger.checkpoint.errors import NoAnswerError
from ledger.checkpoint.outside.exchange import HttpAnswer, is_askable, post
from tests.support.timestamp_authority import serving


def ask(url: str, *, limit_bytes: int = 1000, timeout_s: float = 5) -> HttpAnswer:
    """Ask."""
    return post(url, b"question", media_type="text/plain", limit_bytes=limit_bytes, timeout_s=timeout_s)


def test_an_answer() -> None:
    """Status, media type and body, as they came."""
    with serving(lambda body: (418, {"Content-Type": "Text/Plain; charset=x"}, body[::-1])) as url:
        assert HttpAnswer(418, "text/plain", b"noitseuq") == ask(url)


def test_an_answer_without_end() -> None:
    """Is cut where it may not go on, announced or not."""
    with serving(lambda _: (200, {}, bytes(1001))) as url:
        assert 1001 == len(ask(url, limit_bytes=1001).body)
        with pytest.raises(NoAnswerError, match="got more than 1000 bytes from http"):
            ask(url)


def test_a_redirect_is_not_followed() -> None:
    """Nobody but who was asked is believed, and nobody else is told."""
    asked = list[bytes]()

    def other(body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(body)
        return 200, {}, b"from elsewhere"

    with serving(other) as elsewhere, serving(lambda _: (307, {"Location": elsewhere}, b"there")) as url:
        assert (307, b"there") == (ask(url).status, ask(url).body)
    assert [] == asked


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends a byte of its headers every now and then, and never ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        taken, _ = listening.accept()
        with taken:
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
                if done.wait(0.02):
                    return
                try:
                    taken.send(bytes([byte]))
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    done.set()
    thread.join()
    listening.close()


def test_a_deadline_over_all_of_it(dripping: str) -> None:
    """However busy the other side keeps the line."""
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match="got no whole answer from http://127"):
        ask(dripping, timeout_s=0.3)
    assert time.monotonic() - started < 3


def test_nobody_there_and_nothing_shown() -> None:
    """A user, a password and a query stay out of the message, and of what it came from."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswerError) as raised:
        ask(f"http://user:hunter2@127.0.0.1:{port}/tsr?token=hunter3")
    assert f"got curl error 7 from http://***@127.0.0.1:{port}/tsr?***, want an answer" == str(raised.value)
    assert "hunter" not in f"{raised.value.__cause__} {raised.value.asked}"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://a", True),
        ("https://u:p@a:8443/tsr?x=1", True),
        ("ftp://a", False),
        ("file:///etc/passwd", False),
        ("http://", False),
        ("http://a:x/", False),
        ("http://[a", False),
        ("a", False),
        ("", False),
    ],
)
def test_what_can_be_asked(url: str, *, good: bool) -> None:
    """Http and https, with a host."""
    assert good is is_askable(url)
