"""The worked example of docs/format.md is the vector, byte for byte."""

import json
import re
from pathlib import Path

from blake3 import blake3

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "format.md").read_text("utf-8")
EVENT = json.loads((ROOT / "tests" / "vectors" / "chain.json").read_text("utf-8"))["events"][0]


def worked_body() -> bytes:
    """Return the bytes of the example: the hex in front of each line's comment."""
    block = PAGE.split("### Worked example")[1].split("```")[1]
    return b"".join(bytes.fromhex(re.split(r" {2,}", line)[0].replace(" ", "")) for line in block.strip().splitlines())


def test_the_example_is_the_vector() -> None:
    """The body shown is the body of event 0."""
    assert EVENT["body"] == worked_body().hex()


def test_the_links_shown_are_right() -> None:
    """Genesis, and the link after the example, computed here from the words of the page."""
    genesis = blake3(b"b3-ledger chain v1").digest()
    shown = dict(re.findall(r"^link\[(-?\d)\] +=\s([0-9a-f]{64})$", PAGE, re.MULTILINE))
    assert {"-1": genesis.hex(), "0": blake3(genesis + worked_body()).hexdigest()} == shown
