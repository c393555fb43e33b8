"""Many bodies are decoded as one is."""

import pytest

from ledger.codec import decode_envelope, decode_envelopes
from ledger.errors import DamagedError
from tests.support.archives import small_log

BODIES = [record.body for record in small_log(5).read()]


def test_many_bodies_are_decoded_as_each_alone() -> None:
    """From any seq on; none gives none."""
    for start in range(5):
        want = [decode_envelope(seq, body) for seq, body in enumerate(BODIES[start:], start)]
        assert want == decode_envelopes(BODIES[start:], start=start)
    assert [] == decode_envelopes([], start=3)


@pytest.mark.parametrize("bad", [b"", b"\x98\x02nonsense", b"\x90", BODIES[3], BODIES[2] + b"\0"])
def test_the_first_body_that_is_no_envelope_of_its_place_is_named(bad: bytes) -> None:
    """In the words that it would be refused with alone."""
    with pytest.raises(DamagedError) as alone:
        decode_envelope(2, bad)
    with pytest.raises(DamagedError) as damage:
        decode_envelopes([*BODIES[:2], bad, b"worse"], start=0)
    assert (2, str(alone.value)) == (damage.value.seq, str(damage.value))
