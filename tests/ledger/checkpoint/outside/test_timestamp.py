"""A timestamp is believed only from an authority under the root, over what was asked, in answer to that question."""

from hashlib import sha256
from pathlib import Path

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from ledger.checkpoint.errors import RootCertificateError, TimestampError
from ledger.checkpoint.outside.timestamp import opened, query, read_roots
from tests.support import timestamp_authority

TEXT = "b3-ledger/" + "ab" * 16 + "\n7\nqg==\n"
YEAR_US = 366 * 86_400_000_000

pytestmark = pytest.mark.skipif(timestamp_authority.MISSING is not None, reason=str(timestamp_authority.MISSING))


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an authority."""
    folder = tmp_path_factory.mktemp("tsa")
    timestamp_authority.make(folder)
    return folder


def test_a_good_one(tsa: Path, tmp_path: Path) -> None:
    """Says which digest was seen and when, and OpenSSL finds it good over the same bytes."""
    asked = query(TEXT)
    answer = timestamp_authority.reply(tsa, asked.content)
    dated = opened(answer, read_roots(tsa / "root.pem"), nonce=asked.nonce)
    dated.check(TEXT)
    assert sha256(TEXT.encode()).digest() == dated.digest
    assert 0 < dated.time % YEAR_US
    (tmp_path / "text").write_text(TEXT)
    (tmp_path / "answer").write_bytes(answer)
    assert timestamp_authority.verified(tmp_path / "text", tmp_path / "answer", tsa / "root.pem")
    (tmp_path / "text").write_text(TEXT.replace("7", "8"))
    assert not timestamp_authority.verified(tmp_path / "text", tmp_path / "answer", tsa / "root.pem")


def test_over_another_text(tsa: Path) -> None:
    """Is no timestamp of this one."""
    dated = opened(timestamp_authority.reply(tsa, query("another\n").content), read_roots(tsa / "root.pem"))
    with pytest.raises(TimestampError, match=r"got a timestamp over \w{64}, want one over"):
        dated.check(TEXT)


def test_the_answer_to_another_question(tsa: Path) -> None:
    """An answer of yesterday, played again."""
    answer = timestamp_authority.reply(tsa, query(TEXT).content)
    with pytest.raises(TimestampError, match="got an answer to another question"):
        opened(answer, read_roots(tsa / "root.pem"), nonce=query(TEXT).nonce)
    without = TimestampRequestBuilder().data(TEXT.encode()).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=False)
    with pytest.raises(TimestampError, match="got an answer to another question"):
        opened(timestamp_authority.reply(tsa, without.build().as_bytes()), read_roots(tsa / "root.pem"), nonce=1)


def test_an_authority_that_nobody_trusts(tsa: Path, tmp_path: Path) -> None:
    """One under another root, whatever its name."""
    other = timestamp_authority.make(tmp_path / "other")
    answer = timestamp_authority.reply(tsa, query(TEXT).content)
    with pytest.raises(TimestampError, match=r"one that does not hold .*under the root certificate"):
        opened(answer, read_roots(other))


def test_a_refusal(tsa: Path) -> None:
    """An authority that takes no SHA-512 says so."""
    asked = TimestampRequestBuilder().data(TEXT.encode()).hash_algorithm(HashAlgorithm.SHA512).build()
    with pytest.raises(TimestampError, match=r"got a refusal \(2: "):
        opened(timestamp_authority.reply(tsa, asked.as_bytes()), read_roots(tsa / "root.pem"))


def test_every_byte(tsa: Path) -> None:
    """Turned, it is refused, or says the very same: nothing else is raised and nothing else is read."""
    asked = query(TEXT)
    answer, roots = timestamp_authority.reply(tsa, asked.content), read_roots(tsa / "root.pem")
    good = opened(answer, roots, nonce=asked.nonce)
    harmless = 0
    for at in range(len(answer)):
        turned = bytearray(answer)
        turned[at] ^= 1
        try:
            assert good == opened(bytes(turned), roots, nonce=asked.nonce)
            harmless += 1
        except TimestampError:
            continue
    # Outside of what is signed: a version number, and names in the identifier of the signer.
    assert harmless < 20


@pytest.mark.parametrize("answer", [b"", b"\x30\x00", b"<html>", bytes(100), bytes.fromhex("30053003020100")])
def test_what_is_no_answer(tsa: Path, answer: bytes) -> None:
    """Is refused as such."""
    with pytest.raises(TimestampError, match="bytes that are no answer"):
        opened(answer, read_roots(tsa / "root.pem"))


def test_a_file_without_certificates(tmp_path: Path) -> None:
    """Is named."""
    (tmp_path / "none.pem").write_text("nothing\n")
    with pytest.raises(RootCertificateError, match=r"got no certificate in .*none\.pem"):
        read_roots(tmp_path / "none.pem")
