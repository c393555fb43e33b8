"""Keys sort as what they stand for."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.fold.keys import day_key, last_seq, past_prefix, seq_key, text_key, two_texts

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


@settings(derandomize=True)
@given(WORDS, WORDS, WORDS, WORDS)
def test_texts_never_run_into_each_other(one: str, two: str, three: str, four: str) -> None:
    """Two keys are equal, or one begins the other, only when their texts are equal."""
    first, second = text_key(one, two), text_key(three, four)
    assert first.startswith(second) == ((one, two) == (three, four))
    assert (one, two) == two_texts(first + b"more\0")


def test_a_text_with_a_zero_byte_is_refused() -> None:
    """It would end early."""
    with pytest.raises(ValueError, match="want texts without a zero byte"):
        text_key("a\0b")


@settings(derandomize=True)
@given(st.dates(), st.dates(), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_days_and_seqs_sort_as_numbers(one: date, two: date, seq: int, other: int) -> None:
    """By day, then by seq."""
    first, second = day_key(one) + seq_key(seq), day_key(two) + seq_key(other)
    assert (first < second) == ((one, seq) < (two, other))
    assert last_seq(first) == seq


@pytest.mark.parametrize(
    ("prefix", "expected"), [(b"", None), (b"\xff", None), (b"a", b"b"), (b"a\xff", b"b"), (b"a\x00", b"a\x01")]
)
def test_past_prefix_is_the_least_key_above_all_that_begin_with_it(prefix: bytes, expected: bytes | None) -> None:
    """None where nothing is above."""
    assert expected == past_prefix(prefix)
