"""A `.checksum` file: what `sha256sum` prints of the file beside it. Pure."""

import re

CHECKSUM_SUFFIX = ".checksum"

_CHECKSUM = re.compile(r"\\?([0-9a-fA-F]{64})(?:[ \t]+\*?[^\r\n]*)?\s*")


def render_checksum(sha256: bytes, name: str) -> bytes:
    """Return what `sha256sum` prints of the file called `name`, run in its folder."""
    return f"{sha256.hex()}  {name}\n".encode()


def parse_checksum(content: bytes) -> bytes:
    """Return the SHA-256 that a `.checksum` file holds: bare, or before a name with any path in front.

    Raises: ValueError when it holds anything else.
    """
    found = _CHECKSUM.fullmatch(content.decode(errors="replace"))
    if found is None:
        message = f"got a checksum file that begins {content[:20]!r}, want 64 hex digits and a file name"
        raise ValueError(message)
    return bytes.fromhex(found[1])
