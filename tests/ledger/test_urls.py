"""A URL in a text keeps its host and loses what it hides."""

import pytest

from ledger.urls import masked


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
