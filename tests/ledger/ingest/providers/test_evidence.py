"""Answers as they are kept."""

import hashlib
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.errors import DamagedError
from ledger.ingest.providers import evidence
from ledger.values import Answer


@given(st.binary())
def test_evidence_gives_the_body_back_byte_for_byte(body: bytes) -> None:
    """With its length and the SHA-256 of the plain bytes beside it."""
    kept = evidence.answer(body)
    assert body == evidence.proven_body(7, kept)
    assert (body, len(body), hashlib.sha256(body).digest()) == (evidence.body(kept), kept.body_bytes, kept.sha256)


@given(st.binary(max_size=5_000), st.integers(0, 9))
def test_any_zlib_reads_what_is_kept_and_what_any_zlib_made_is_read(body: bytes, level: int) -> None:
    """The stream is RFC 1950's, whichever library wrote it: ledgers from before hold the standard library's."""
    kept = evidence.answer(body)
    assert body == zlib.decompress(kept.body)
    assert body == evidence.body(replace(kept, body=zlib.compress(body, level)))


KEPT = evidence.answer(b"answer" * 9)


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        (replace(KEPT, body_bytes=53), "other bytes"),
        (replace(KEPT, body_bytes=55), "other bytes"),
        (replace(KEPT, sha256=bytes(32)), "other bytes"),
        (replace(KEPT, body=KEPT.body[:-9]), "other bytes"),
        (replace(KEPT, body=b"no stream"), "incorrect header check"),
    ],
)
def test_an_answer_that_is_not_what_it_says_is_damage(kept: Answer, found: str) -> None:
    """A byte more, a byte less, another hash, a stream cut short, or none at all."""
    with pytest.raises(DamagedError, match=f"got answer at seq 7: .*{found}, want {kept.body_bytes} bytes with sha256"):
        evidence.proven_body(7, kept)


@pytest.mark.parametrize("said_bytes", [100, evidence.UNPACKED_MAX_BYTES + 1, 2**62])
def test_a_body_that_unpacks_without_end_is_refused_in_the_memory_of_what_it_says(said_bytes: int) -> None:
    """Whatever length was recorded of it: 16 MiB of zeros are never unpacked."""
    packer = zlib.compressobj(9)
    packed = b"".join([*(packer.compress(bytes(2**20)) for _ in range(16)), packer.flush()])
    tracemalloc.start()
    with pytest.raises(evidence.OtherBodyError):
        evidence.body(Answer(body=packed, body_bytes=said_bytes, sha256=bytes(32)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2**20
