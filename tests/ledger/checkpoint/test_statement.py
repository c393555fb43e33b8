"""A checkpoint states three lines, spelled one way each."""

from base64 import b64encode

import pytest

from ledger.checkpoint.errors import NoteError
from ledger.checkpoint.statement import Statement, origin_of, parse_statement

ID = bytes(range(16))
ORIGIN = "b3-ledger/000102030405060708090a0b0c0d0e0f"
ROOT = b64encode(bytes(range(32))).decode()


def test_there_and_back() -> None:
    """With an epoch and without."""
    for epoch, expected in ((None, ORIGIN), (bytes([0xAB]) * 32, f"{ORIGIN}/abababababababab")):
        stated = Statement(origin_of(ID, epoch), 12, bytes(range(32)))
        assert (expected, ID) == (stated.origin, stated.ledger_id)
        assert f"{expected}\n12\n{ROOT}\n" == stated.text()
        assert stated == parse_statement(stated.text())


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        f"{ORIGIN}\n12\n{ROOT}",
        f"{ORIGIN}\n12\n{ROOT}\nextension\n",
        f"{ORIGIN}\n12\n",
        f"{ORIGIN}\n012\n{ROOT}\n",
        f"{ORIGIN}\n0\n{ROOT}\n",
        f"{ORIGIN}\n+12\n{ROOT}\n",
        f"{ORIGIN}\n1²\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 20}\n{ROOT}\n",
        f"{ORIGIN}\n12\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n12\n{ROOT[:-2]}9=\n",
        f"{ORIGIN}\n12\n{b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN.upper()}\n12\n{ROOT}\n",
        f"{ORIGIN}/\n12\n{ROOT}\n",
        f"{ORIGIN}/abab\n12\n{ROOT}\n",
        f"another/log\n12\n{ROOT}\n",
        f"{ORIGIN}\r\n12\n{ROOT}\n",
    ],
)
def test_any_other_text_is_refused(wrong: str) -> None:
    """Leading zeros, other digits, other base64, other origins, lines more and fewer."""
    with pytest.raises(NoteError):
        parse_statement(wrong)
