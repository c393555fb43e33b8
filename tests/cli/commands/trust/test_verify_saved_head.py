"""A saved head comes back as it was, and nothing else passes for one."""

from pathlib import Path

import pytest

from cli.commands.trust.verify import saved_head
from cli.commands.trust.verify.saved_head import SavedHead
from ledger.chain import Head, Link
from ledger.log_source import Witness

HEAD = Head(7, Link(bytes(range(32))))
GOOD = (
    b'{"ledger_id":"00000000-0000-0000-0000-000000000000","size":7,'
    b'"head":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","saved_at":"1970-01-01T00:00:01Z"}\n'
)


def test_a_head_is_saved_and_read(tmp_path: Path) -> None:
    """Byte for byte, and as a witness."""
    path = tmp_path / "head.json"
    saved_head.save(path, HEAD, ledger_id=bytes(16), now_us=1_000_000)
    assert (GOOD, Witness("x", HEAD)) == (path.read_bytes(), saved_head.parse(path.read_bytes()).witness("x"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        GOOD.replace(b'"size":7', b'"size":0'),
        GOOD.replace(b'"size":7', b'"size":"7"'),
        GOOD.replace(b"1e1f", b"1e"),
        GOOD.replace(b"1e1f", b"1eXX"),
        GOOD.replace(b"00000000-", b"-"),
        GOOD.replace(b'"size"', b'"events"'),
        GOOD[:-3],
    ],
)
def test_anything_else_is_no_head(content: bytes) -> None:
    """Cut, empty, of other fields or other lengths."""
    with pytest.raises(ValueError, match=r"."):
        saved_head.parse(content)


def test_the_fields_are_those_that_are_documented() -> None:
    """Scripts read them."""
    assert ("ledger_id", "size", "head", "saved_at", "earlier") == SavedHead.__struct_fields__
