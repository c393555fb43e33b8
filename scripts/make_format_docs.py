"""Write the type and range of every field of every event into docs/format.md: `python scripts/make_format_docs.py`."""

import sys
import types
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from ledger import values  # noqa: E402 - the repository is on the path only now
from ledger.events import EVENT_TYPES, Event  # noqa: E402 - the same
from ledger.limits import NAMES  # noqa: E402 - the same
from scripts.generated import renewed  # noqa: E402 - the same

PAGE = REPOSITORY / "docs" / "format.md"

# What a type of a field is called on the page; the page says what each of them is.
WORDS: dict[Any, str] = {
    str: "text",
    bytes: "bin",
    bool: "bool",
    int: "integer",
    float: "float64",
    date: "date",
    values.Time: "time",
    values.Count: "count",
    values.Shares: "shares",
    values.Id: "id",
    values.Hash: "hash",
}


def page(current: str) -> str:
    """Return the page `current` with its table made anew."""
    return renewed(current, "vocabulary", table())


def table() -> str:
    """Return the table: a row per event and per struct inside one, each field with its type."""
    rows: list[tuple[str, type[msgspec.Struct]]] = [(f"`{tag}`", event) for tag, event in EVENT_TYPES.items()]
    inside = {one.__name__: one for _, event in rows for one in structs(event)}
    rows += sorted(inside.items())
    lines = "".join(f"| {name} | {' · '.join(shown(struct))} |\n" for name, struct in rows)
    return f"| in | fields |\n|---|---|\n{lines}"


def structs(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Yield the structs inside of one."""
    for one in msgspec.structs.fields(struct):
        yield from _within(one.type)


def shown(struct: type[msgspec.Struct]) -> Iterator[str]:
    """Yield each field: its name, its type, `nil` where it may be that, and whether it may be absent."""
    for one in msgspec.structs.fields(struct):
        is_name = one.name in NAMES and issubclass(struct, Event)
        text = word(one.type).replace("text", "name") if is_name else word(one.type)
        yield f"`{one.name}` {text}" + ("" if one.required else ", or absent")


def word(kind: Any) -> str:
    """Return what a type is called on the page."""
    if kind in WORDS:
        return WORDS[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(f"`{one}`" for one in inner)
    if origin in (Union, types.UnionType):
        names = [word(one) for one in inner if one is not type(None)]
        return " or ".join([*names, "nil"] if type(None) in inner else names)
    if origin is tuple:
        return f"array of {word(inner[0])}"
    if origin is dict:
        return f"map of {word(inner[0])} to {word(inner[1])}"
    if origin is Annotated:
        raise TypeError(f"got {kind}, want a type that the page has a word for")
    return str(kind.__name__)


def _within(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        yield from structs(kind)
    for inner in get_args(kind):
        yield from _within(inner)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), encoding="utf-8")
