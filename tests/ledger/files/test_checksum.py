"""A checksum file is what `sha256sum` prints, and is read however people write it."""

import pytest

from ledger.files.checksum import parse_checksum, render_checksum

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [HEX, f"{HEX}\n", f"{HEX.upper()}\r\n", f"{HEX}  a.csv\n", f"{HEX} *a.csv\n", f"{HEX}  some/where/a b.csv\n"],
)
def test_a_checksum_is_read_bare_or_before_any_path(text: str) -> None:
    """Either case of digits, either mark of mode."""
    assert bytes.fromhex(HEX) == parse_checksum(text.encode())


def test_a_name_may_be_of_any_bytes() -> None:
    """Also of some that are no UTF-8; a name with a newline is marked with a backslash."""
    assert bytes.fromhex(HEX) == parse_checksum(HEX.encode() + b"  \xff\xfe.csv\n")
    assert bytes.fromhex(HEX) == parse_checksum(b"\\" + HEX.encode() + b"  a\\nb.csv\n")


@pytest.mark.parametrize("text", ["", HEX[:-1], f"{HEX}0", f"x{HEX}", f"{HEX}  a\n{HEX}  b\n", "<html>"])
def test_anything_else_is_no_checksum(text: str) -> None:
    """One digit less or more, two lines, another file."""
    with pytest.raises(ValueError, match="want") as refusal:
        parse_checksum(text.encode())
    want = f"got a checksum file that begins {text.encode()[:20]!r}, want 64 hex digits and a file name"
    assert want == str(refusal.value)


def test_what_is_written_is_read() -> None:
    """Two blanks, the name, LF: `sha256sum -c` takes it."""
    assert f"{HEX}  a.db\n".encode() == render_checksum(bytes.fromhex(HEX), "a.db")
    assert bytes.fromhex(HEX) == parse_checksum(render_checksum(bytes.fromhex(HEX), "a.db"))
