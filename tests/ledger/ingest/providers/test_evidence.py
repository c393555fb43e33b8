"""Answers as they are kept."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ledger.ingest.providers import evidence


@given(st.binary())
def test_evidence_gives_the_body_back_byte_for_byte(body: bytes) -> None:
    """With its length and the SHA-256 of the plain bytes beside it."""
    kept = evidence.answer(body)
    assert (body, len(body), hashlib.sha256(body).digest()) == (evidence.body(kept), kept.body_bytes, kept.sha256)
