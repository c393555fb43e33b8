"""The recording session: where it goes, what it notes, and when it gives up."""

import pytest

from ledger.ingest.providers.headers import http_date_us, retry_after_s
from ledger.ingest.providers.yahoo import http
from ledger.ingest.providers.yahoo.http import ForeignHostError, wire_params, wire_url

CHART = "https://query2.finance.yahoo.com/v8/finance/chart/PETR4.SA"
BASE = "http://127.0.0.1:8080"
NOON_US = 1_770_984_000_000_000  # 2026-02-13T12:00Z


@pytest.mark.parametrize(
    ("url", "base_url", "expected"),
    [
        (CHART, None, CHART),
        (CHART, BASE, f"{BASE}/query2.finance.yahoo.com/v8/finance/chart/PETR4.SA"),
        (CHART, f"{BASE}/", f"{BASE}/query2.finance.yahoo.com/v8/finance/chart/PETR4.SA"),
        (
            f"{CHART}?a=1&b=2",
            f"{BASE}/mirror",
            f"{BASE}/mirror/query2.finance.yahoo.com/v8/finance/chart/PETR4.SA?a=1&b=2",
        ),
        ("https://fc.yahoo.com", BASE, f"{BASE}/fc.yahoo.com"),
        ("https://yahoo.com/", BASE, f"{BASE}/yahoo.com/"),
    ],
)
def test_a_yahoo_url_goes_to_its_place_under_the_base(url: str, base_url: str | None, expected: str) -> None:
    """https://H/P?Q becomes BASE/H/P?Q, and stays what it is without a base."""
    assert expected == wire_url(url, base_url)


@pytest.mark.parametrize("base_url", [None, BASE])
@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://example.com/v8/finance/chart/X", "https://example.com"),
        ("https://notyahoo.com/", "https://notyahoo.com"),
        ("https://yahoo.com.example.com/", "https://yahoo.com.example.com"),
        ("https://yahoo.com@example.com/", "https://example.com"),
        ("http://query2.finance.yahoo.com/", "http://query2.finance.yahoo.com"),
        ("file:///etc/passwd", "file://"),
    ],
)
def test_any_other_host_is_refused(url: str, place: str, base_url: str | None) -> None:
    """With a base or without; a Yahoo host in the clear is refused too."""
    with pytest.raises(ForeignHostError) as caught:
        wire_url(url, base_url)
    assert f"got sent to {place}, want https://*.yahoo.com" == str(caught.value)


def test_parameters_are_noted_as_they_go_out() -> None:
    """A bool is lower-case on the wire."""
    asked = {"period1": 1, "includePrePost": False, "events": "div,splits"}
    assert {"period1": "1", "includePrePost": "false", "events": "div,splits"} == wire_params(asked)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Fri, 13 Feb 2026 12:00:30 GMT", 30),
        ("Fri, 13 Feb 2026 12:00:00 GMT", 0),
        ("Fri, 13 Feb 2026 11:00:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str | None, expected: int | None) -> None:
    """Seconds, or a date counted from now; nonsense is None, a past date 0."""
    assert expected == retry_after_s(text, now_us=NOON_US)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("Fri, 13 Feb 2026 12:00:00 GMT", NOON_US),
        ("Fri, 13 Feb 2026 12:00:00 -0000", NOON_US),
        ("Fri, 13 Feb 2026 09:00:00 -0300", NOON_US),
        ("yesterday", None),
        ("Fri, 32 Feb 2026 12:00:00 GMT", None),
    ],
)
def test_an_http_date_becomes_microseconds(text: str | None, expected: int | None) -> None:
    """One that cannot be read is None, never an error."""
    assert expected == http_date_us(text)


def test_no_request_leaves_outside_a_recording() -> None:
    """A call that no exchange bounds is a mistake in the program."""
    with pytest.raises(LookupError):
        http.session().get(CHART)
