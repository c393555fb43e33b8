"""yfinance's cookies, remembered for as long as the process lives."""

from http.cookiejar import Cookie

Cookies = dict[str, dict[str, dict[str, Cookie]]]  # domain -> path -> name


class CookieMemory:
    """Replaces yfinance's cookie cache, a SQLite file that locks and breaks between processes.

    Without any cache yfinance asks for a cookie again before every chart, one thread at a time.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Cookies] = {}

    def lookup(self, strategy: str) -> dict[str, Cookies] | None:
        """Return the cookies kept for `strategy` the way yfinance's cache wraps them."""
        kept = self._kept.get(strategy)
        return None if kept is None else {"cookie": kept}

    def store(self, strategy: str, cookie: Cookies | None) -> None:
        """Keep `cookie` for `strategy`; drop what was kept when it is None or yfinance could not read it back."""
        self._kept.pop(strategy, None)
        if cookie is None:
            return
        # yfinance takes the first domain's A3 and its expiry for granted, and fails for good where either is missing.
        session = next(iter(cookie.values()), {}).get("/", {}).get("A3")
        if session is not None and session.expires is not None:
            self._kept[strategy] = cookie
