"""yfinance's cookies in memory."""

from http.cookiejar import Cookie

import pytest

from ledger.ingest.providers.yahoo.cookies import CookieMemory


def cookie(expires: int | None) -> Cookie:
    """Return a cookie of yahoo.com."""
    return Cookie(0, "A3", "v", None, False, ".yahoo.com", True, True, "/", True, True, expires, False, None, None, {})


def test_a_kept_cookie_is_looked_up_under_its_strategy_only() -> None:
    """It comes wrapped the way yfinance unwraps it."""
    memory, kept = CookieMemory(), {".yahoo.com": {"/": {"A3": cookie(1_900_000_000)}}}
    memory.store("curlCffi", kept)
    assert [{"cookie": kept}, None] == [memory.lookup("curlCffi"), memory.lookup("csrf")]


@pytest.mark.parametrize(
    "useless",
    [
        None,
        {},
        {".yahoo.com": {}},
        {".yahoo.com": {"/": {}}},
        {".yahoo.com": {"/": {"A1": cookie(1_900_000_000)}}},
        {".yahoo.com": {"/": {"A3": cookie(None)}}},
    ],
)
def test_what_yfinance_could_not_read_back_is_dropped(useless: dict[str, dict[str, dict[str, Cookie]]] | None) -> None:
    """And so is what was kept before it: a stale cookie must not come back."""
    memory = CookieMemory()
    memory.store("curlCffi", {".yahoo.com": {"/": {"A3": cookie(1_900_000_000)}}})
    memory.store("curlCffi", useless)
    assert memory.lookup("curlCffi") is None
