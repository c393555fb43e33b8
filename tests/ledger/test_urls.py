"""A URL in a text keeps its host and loses what it hides."""

import pytest

from ledger.urls import host_of, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no URL @ all?", "no URL @ all?"),
        ("http://h:8/p", "http://h:8/p"),
        ("http://user:pass@h:8/p", "http://***@h:8/p"),
        ("http://token@h/p, want", "http://***@h/p, want"),
        ("got 'https://u:p@ss@h/?crumb=x&y' twice", "got 'https://***@h/?***' twice"),
        ("http://h/p?token=1#2 http://v@g/", "http://h/p?*** http://***@g/"),
        ("ftp://u:p@h", "ftp://***@h"),
        ("got 'https:u:p@h', want", "got '***@h', want"),
        ("u:p@h", "***@h"),
        ("PETR4@2026-01-16.SA: at 12:00 @ noon", "PETR4@2026-01-16.SA: at 12:00 @ noon"),
    ],
)
def test_user_and_query_are_masked(text: str, shown: str) -> None:
    """Wherever in the text it is, whatever its scheme; once masked it stays as it is."""
    assert (shown, shown) == (masked(text), masked(masked(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://hooks.example.com/T0/secret?key=1#x", "https://hooks.example.com/***"),
        ("http://user:word@10.0.0.1:8080", "http://10.0.0.1:8080/***"),
        ("https://[::1]:8443/a", "https://[::1]:8443/***"),
        ("whsec_c2VjcmV0", None),
        ("ftp://example.com/secret", None),
        ("https://", None),
        ("https://a b/c", None),
    ],
)
def test_of_an_address_the_host_is_left(text: str, expected: str | None) -> None:
    """Its path may be the secret."""
    assert expected == host_of(text)
