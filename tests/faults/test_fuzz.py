"""The corpus, what hypothesis makes of it, and the reader beside a second one written from the format's page."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain import Head
from tests.faults import fuzz, make_corpus
from tests.faults.tally import Tally
from tests.support.archives import archive, small_log

LOG = list(small_log(6).read())
WHOLE = archive(LOG)


@pytest.mark.parametrize(
    ("target", "content"), [(target, content) for target in fuzz.TARGETS for content in fuzz.corpus(target)]
)
def test_what_is_kept_in_the_corpus_raises_nothing_but_errors_of_ours(target: str, content: bytes) -> None:
    """Text that is no UTF-8 and nesting without end among it, which the decoder once let through."""
    fuzz.TARGETS[target](content)


def test_the_seeds_of_the_corpus_are_what_their_script_makes() -> None:
    """So a type of event that is added is a seed, or this fails."""
    made = make_corpus.made()
    assert made == {path: (fuzz.CORPUS / path).read_bytes() for path in made}


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_errors_of_ours(content: bytes) -> None:
    """As an archive, behind its header, and as a body."""
    fuzz.check_archive(content)
    fuzz.check_archive(WHOLE[:20] + content)
    fuzz.decode(content)


@given(st.integers(0, len(WHOLE)), st.binary(max_size=8), st.integers(0, 8))
def test_a_splice_is_read_as_the_second_reader_reads_it(at: int, put: bytes, taken: int) -> None:
    """Whatever is put in place of whatever: the same head, or refused by both."""
    content = WHOLE[:at] + put + WHOLE[at + taken :]
    assert fuzz.parsed_archive(content) == fuzz.read_archive(content)


def test_both_readers_take_the_whole_archive() -> None:
    """The comparison above is not between two readers that refuse everything."""
    assert fuzz.parsed_archive(WHOLE) == fuzz.read_archive(WHOLE) == Head(6, LOG[-1].link)


def test_mutated_inputs_raise_nothing_but_errors_of_ours(tmp_path: Path) -> None:
    """A few thousand of them."""
    tally = Tally(part="fuzz", seed=1, rounds=20)
    fuzz.campaign(1, 20, tmp_path, tally)
    assert ([], 2_000) == (tally.violations, tally.counts["inputs to the event reader"])
