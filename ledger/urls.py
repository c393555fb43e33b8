"""URLs without what they may hide: a user, a password, a token, a query. Pure."""

import re

MASK = "***"

_USER = re.compile(r"://[^\s'\"<>]*@")
_BARE = re.compile(r"[^\s'\"<>/@:]+:[^\s'\"<>/@]*@(?=[^\s'\"<>])")  # as in a URL that lacks its `//`
_HOST = re.compile(r"(https?://)(?:[^\s/?#@]*@)?([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?(?:[/?#].*)?")
_QUERY = re.compile(r"(://[^\s'\"<>?#]*)[?#][^\s'\"<>]*")


def masked(text: str) -> str:
    """Return `text` with whatever a URL in it has before its host, and after its path, replaced by `***`."""
    if "@" in text:
        text = _BARE.sub(f"{MASK}@", _USER.sub(f"://{MASK}@", text))
    return _QUERY.sub(rf"\1?{MASK}", text) if "://" in text else text


def masked_line(text: str, chars_max: int) -> str:
    """Return the words of `text` on one line, masked, and of that so many characters."""
    # Masked before it is cut, which could leave a password without the sign that it is one.
    return masked(" ".join(text.split()))[:chars_max]


def host_of(text: str) -> str | None:
    """Return the URL `text` with nothing but its scheme, host and port, None where it is no such URL."""
    found = _HOST.fullmatch(text)
    return None if found is None else f"{found[1]}{found[2]}{found[3] or ''}/{MASK}"
