"""The code writes and reads the bytes of docs/format.md: the vectors, which were put together without it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.chain import GENESIS, Head, Link, links
from ledger.codec import decode_envelope, decode_event, encode_body, encode_data
from ledger.market.series import Series
from ledger.market.series_state import leaf, leaves_of, state
from ledger.store.anchor import newest, pack_slot, unpack_slot
from ledger.values import Action, Bar
from scripts import make_vectors

FOLDER = Path(__file__).parent.parent / "vectors"


def vector(name: str) -> Any:
    """Return the committed vector `name`."""
    return json.loads((FOLDER / name).read_text("utf-8"))


def test_the_chain_vector_is_what_links_computes() -> None:
    """Genesis and every link."""
    chain = vector("chain.json")
    assert chain["genesis"] == GENESIS.hex()
    computed = links(GENESIS, [bytes.fromhex(event["body"]) for event in chain["events"]])
    assert [event["link"] for event in chain["events"]] == [link.hex() for link in computed]


def test_the_bodies_decode_and_encode_to_themselves() -> None:
    """Envelope and event come out, and the same bytes go back in."""
    for event in vector("chain.json")["events"]:
        body = bytes.fromhex(event["body"])
        envelope = decode_envelope(event["seq"], body)
        assert body == encode_body(envelope)
        data = msgspec.Raw(encode_data(decode_event(envelope)))
        assert body == encode_body(msgspec.structs.replace(envelope, data=data))


def test_the_anchor_vector_is_what_the_anchor_writes() -> None:
    """Two slots, and the newest of them."""
    anchor = vector("anchor.json")
    heads = [Head(slot["size"], Link(bytes.fromhex(slot["link"]))) for slot in anchor["slots"]]
    file = bytes.fromhex(anchor["file"])
    assert file == b"".join(map(pack_slot, heads))
    assert heads == [unpack_slot(file[:64]), unpack_slot(file[64:])]
    assert anchor["newest"]["size"] == newest(list(heads), FOLDER).size


@pytest.mark.parametrize("case", vector("series_state.json"), ids=lambda case: case["case"])
def test_the_states_are_what_the_code_computes(case: dict[str, Any]) -> None:
    """Each leaf from the bytes of its bars, and the state from leaves and actions."""
    bars = {year: [bytes.fromhex(bar) for bar in of_year] for year, of_year in case["bars"].items()}
    leaves = {int(year): leaf(of_year) for year, of_year in bars.items()}
    assert case["leaves"] == {str(year): found.hex() for year, found in leaves.items()}
    decoded = [msgspec.msgpack.decode(bar, type=Bar) for of_year in bars.values() for bar in of_year]
    assert leaves == leaves_of(decoded)
    actions = [msgspec.msgpack.decode(bytes.fromhex(action), type=Action) for action in case["actions"]]
    found = state(Series(case["ticker"], case["provider"]), case["basis"], leaves, actions)
    assert case["state"] == found.hex()


@pytest.mark.parametrize("name", make_vectors.VECTORS)
def test_the_script_writes_the_committed_vectors(name: str, tmp_path: Path) -> None:
    """Whoever doubts a vector can make it again."""
    make_vectors.main(tmp_path)
    assert (FOLDER / name).read_bytes() == (tmp_path / name).read_bytes()
