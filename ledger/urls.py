"""URLs without what they may hide: a user, a password, a token, a query. Pure."""

import re

MASK = "***"

_USER = re.compile(r"://[^\s'\"<>]*@")
_BARE = re.compile(r"[^\s'\"<>/@:]+:[^\s'\"<>/@]*@(?=[^\s'\"<>])")  # as in a URL that lacks its `//`
_QUERY = re.compile(r"(://[^\s'\"<>?#]*)[?#][^\s'\"<>]*")


def masked(text: str) -> str:
    """Return `text` with whatever a URL in it has before its host, and after its path, replaced by `***`."""
    if "@" in text:
        text = _BARE.sub(f"{MASK}@", _USER.sub(f"://{MASK}@", text))
    return _QUERY.sub(rf"\1?{MASK}", text) if "://" in text else text
