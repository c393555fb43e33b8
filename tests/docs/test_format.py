"""docs/format.md is true: its worked example is the vector, its tables are the vocabulary."""

import json
import re
import runpy
from pathlib import Path
from typing import get_args

import msgspec
from blake3 import blake3

from ledger import events, values
from ledger.events import EVENT_TYPES, Event

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "format.md").read_text("utf-8")
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "make_format_docs.py"))
YEARS = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # 1 and 9999
EVENT = json.loads((ROOT / "tests" / "vectors" / "chain.json").read_text("utf-8"))["events"][0]


def worked_body() -> bytes:
    """Return the bytes of the example: the hex in front of each line's comment."""
    block = PAGE.split("### Worked example")[1].split("```")[1]
    return b"".join(bytes.fromhex(re.split(r" {2,}", line)[0].replace(" ", "")) for line in block.strip().splitlines())


def fields(struct: type[msgspec.Struct]) -> str:
    """Return a struct's fields, in their order, as the page writes them."""
    return ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(struct))


def structs(kind: object) -> set[type[msgspec.Struct]]:
    """Return the structs that an annotation speaks of, and those inside of them."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {kind}.union(*(structs(field.type) for field in msgspec.structs.fields(kind)))
    return set().union(*(structs(inner) for inner in get_args(kind)))


def test_every_type_and_field_of_the_vocabulary_is_in_the_table() -> None:
    """In the order in which they are stored; an event type that is added gets its row."""
    shown = re.findall(r"^\| `(\w+\.\w+/\d+)` \| .+ \| (.*) \|$", PAGE, re.MULTILINE)
    assert [(tag, fields(event)) for tag, event in EVENT_TYPES.items()] == shown


def test_every_event_of_the_module_is_in_the_vocabulary() -> None:
    """A class that no decoder knows could be written and never be read."""
    classes = {one for one in vars(events).values() if isinstance(one, type) and issubclass(one, Event)} - {Event}
    assert classes == set(EVENT_TYPES.values())


def test_every_struct_inside_an_event_is_in_the_table() -> None:
    """With its fields in their order, and whether MessagePack holds a map or an array."""
    shown = re.findall(r"^\| ([A-Z]\w+) \| .+ \| (map|array) \| (.*) \|$", PAGE, re.MULTILINE)
    inside = set().union(*(structs(event) for event in EVENT_TYPES.values())) - set(EVENT_TYPES.values())
    expected = {(one.__name__, "array" if one.__struct_config__.array_like else "map", fields(one)) for one in inside}
    assert sorted(expected) == sorted(shown)


def test_the_types_and_ranges_are_current() -> None:
    """Run `python scripts/make_format_docs.py` after changing an event; a type that is added needs its word."""
    assert SCRIPT["page"](PAGE) == PAGE
    words = set(SCRIPT["WORDS"].values()) - {"bin", "bool"}
    legend = PAGE.split("### Fields")[1].split("<!--")[0]
    assert set() == {word for word in words if f"**{word}**" not in legend}


def test_the_ranges_are_those_of_the_types() -> None:
    """As the decoder has them."""
    for kind, low, high in ((values.Count, 0, 2**63 - 1), (values.Shares, 1, 2**63 - 1), (values.Time, *YEARS)):
        (meta,) = (one for one in get_args(kind) if isinstance(one, msgspec.Meta))
        assert (low, high) == (meta.ge, meta.le)
    assert all(f"{bound}" in PAGE for bound in YEARS)


def test_the_example_is_the_vector() -> None:
    """The body shown is the body of event 0."""
    assert EVENT["body"] == worked_body().hex()


def test_the_links_shown_are_right() -> None:
    """Genesis, and the link after the example, computed here from the words of the page."""
    genesis = blake3(b"b3-ledger chain v1").digest()
    shown = dict(re.findall(r"^link\[(-?\d)\] +=\s([0-9a-f]{64})$", PAGE, re.MULTILINE))
    assert {"-1": genesis.hex(), "0": blake3(genesis + worked_body()).hexdigest()} == shown


def hex_of(block: str) -> bytes:
    """Return the bytes in front of the comments of a block."""
    return b"".join(bytes.fromhex(re.split(r" {2,}", line)[0].replace(" ", "")) for line in block.strip().splitlines())


def test_the_worked_state_is_the_vector() -> None:
    """Leaf, what the state hashes, and the state, computed here from the words of the page."""
    case = json.loads((ROOT / "tests" / "vectors" / "series_state.json").read_text("utf-8"))[1]
    _, bars, _, fields, _, shown, *_ = PAGE.split("### Worked state")[1].split("```")
    leaf = blake3(hex_of(bars)).hexdigest()
    assert case["leaves"] == {"2026": leaf}
    assert leaf in fields
    hashed = b"b3-ledger series v1" + hex_of(fields)
    assert case["hashed"] == hashed.hex()
    assert f"state = {blake3(hashed).hexdigest()}" == shown.strip()
