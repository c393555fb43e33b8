"""Read the fields of a b3-ledger event as the tables of docs/format.md have them: the standard library, nothing else.

The page is read for its tables, so it lies where it lies beside this file: in the folder above.
"""

import re
import struct
from datetime import date
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "format.md"
Field = tuple[str, str, bool]  # name, type in the words of the page, whether it may be absent
RANGES = {
    "integer": (-(2**63), 2**64 - 1),
    "count": (0, 2**63 - 1),
    "shares": (1, 2**63 - 1),
    "time": (-62_135_596_800_000_000, 253_402_300_799_999_999),
}
LENGTHS = {"id": 16, "hash": 32}
ENVELOPE = (
    "`seq` count · `recorded_at` time · `append_id` id · `job_id` id · `cause` count or nil · "
    "`stream` text · `type` text · `data` any"
)
# By MessagePack's first byte: the family, and the form of the number that follows: the value, a length or a count.
FORMS = {
    start + n: (family, form)
    for start, family, forms in (
        (0xC4, "bin", (">B", ">H", ">I")),
        (0xC7, "ext", (">B", ">H", ">I")),
        (0xCA, "float", (">f", ">d")),
        (0xCC, "int", (">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q")),
        (0xD9, "str", (">B", ">H", ">I")),
        (0xDC, "array", (">H", ">I")),
        (0xDE, "map", (">H", ">I")),
    )
    for n, form in enumerate(forms)
}
# The other first bytes, up to each: the family, and what to take off for the value, a length or a count.
SHORT = ((0x7F, "int", 0), (0x8F, "map", 0x80), (0x9F, "array", 0x90), (0xBF, "str", 0xA0), (0xFF, "int", 0x100))
ALONE = {0xC0: ("nil", None), 0xC2: ("bool", False), 0xC3: ("bool", True)}
EXTENSIONS = {0xD4 + n: 1 << n for n in range(5)}  # by first byte, how long they are


class Table:
    """The fields of every event and of every struct inside one."""

    def __init__(self, page: str) -> None:
        rows = re.findall(r"^\| `?([\w./]+)`? \| (`.*) \|$", page.split("vocabulary: begin")[1], re.MULTILINE)
        layouts = re.findall(r"^\| ([A-Z]\w+) \| .+ \| (map|array) \|", page, re.MULTILINE)
        self.fields: dict[str, list[Field]] = {name: split(row) for name, row in rows}
        self.arrays = {name for name, layout in layouts if layout == "array"} | {"envelope"}
        self.events = {name for name in self.fields if "/" in name}
        self.fields["envelope"] = split(ENVELOPE)
        self._retire()

    def _retire(self) -> None:
        """Know the versions that are retired, by the next ones: see "Events"."""
        decision, backup, action = (
            self.fields[name] for name in ("validation.completed/2", "backup.created/2", "Action")
        )
        upto = [name for name, _, _ in decision].index("before")
        lifted = {"actions": "array of RetiredAction"}
        self.fields |= {
            "validation.completed/1": [(name, lifted.get(name, of), absent) for name, of, absent in decision[:upto]],
            "backup.created/1": [*backup[:-3], ("tickers", "array of EventCount", False)],
            "RetiredAction": [*action[:2], *((name, "integer", False) for name, _, _ in action[2:5])],
        }
        self.arrays.add("RetiredAction")
        self.events |= {"validation.completed/1", "backup.created/1"}

    def check(self, kind: str, data: bytes, at: int = 0) -> tuple[Any, int]:
        """Return the value at `at`, once it is of that kind, and where the next one begins.

        Of an array that is None, of what is of any kind where it begins.

        Raises: ValueError, IndexError, struct.error or RecursionError where it is not.
        """
        *others, last = kind.split(" or ")
        for alternative in others:
            try:
                return self._check(alternative, data, at)
            except ValueError:
                continue  # it may be of the next kind
        return self._check(last, data, at)

    def _check(self, kind: str, data: bytes, at: int) -> tuple[Any, int]:
        if kind == "any":
            return at, passed_over(data, at)
        found, value, end = item(data, at)
        if kind in self.fields:
            return self._struct(kind, data, found, value, end)
        if kind.startswith("array of "):
            return None, self._items(kind.removeprefix("array of "), data, wanted("array", found, value), end)
        if kind.startswith("map of "):
            return None, self._items("text", data, 2 * wanted("map", found, value), end)
        return plain(kind, found, value), end

    def _items(self, kind: str, data: bytes, count: int, at: int) -> int:
        for _ in range(count):
            _, at = self.check(kind, data, at)
        return at

    def _struct(self, kind: str, data: bytes, found: str, count: int, at: int) -> tuple[dict[str, Any], int]:
        """Return the fields that are there; a struct inside an event may have more than are known, an event not."""
        values: dict[str, Any] = {}
        known = {name: of for name, of, _ in self.fields[kind]}
        positions = list(known)
        for n in range(wanted("array" if kind in self.arrays else "map", found, count)):
            if kind in self.arrays:
                name = positions[n] if n < len(positions) else None
            else:
                key, value, at = item(data, at)
                name = wanted("str", key, value).decode("utf-8", "replace")
            if name in known:
                values[name], at = self.check(known[name], data, at)
            elif kind in self.events:
                raise ValueError(name)
            else:
                at = passed_over(data, at)
        if missing := [name for name, _, absent in self.fields[kind] if not absent and name not in values]:
            raise ValueError(missing)
        if kind == "RetiredAction" and values["kind"] != "split":
            plain("integer", "int", values["amount"] * 1_000_000)  # as it is lifted
        return values, at


def split(row: str) -> list[Field]:
    """Return the fields of a row of the page."""
    parts = (re.fullmatch(r"`(\w+)` (.+?)(, or absent)?", one) for one in row.split(" · "))
    return [(match[1], match[2], match[3] is not None) for match in parts if match]


def plain(kind: str, found: str, value: Any) -> Any:
    """Return a value that holds no others, once it is of that kind.

    Raises: ValueError.
    """
    if kind in RANGES:
        low, high = RANGES[kind]
        if not low <= wanted("int", found, value) <= high:
            raise ValueError(value)
    elif kind in LENGTHS or kind == "bin":
        if len(wanted("bin", found, value)) != LENGTHS.get(kind, len(value)):
            raise ValueError(value)
    elif kind == "float64":
        wanted("float" if found == "float" else "int", found, value)
    elif kind in {"nil", "bool"}:
        wanted(kind, found, value)
    else:  # text, name, date, one of several
        value = wanted("str", found, value).decode("utf-8")
        if kind == "date" and not (re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) and date.fromisoformat(value)):
            raise ValueError(value)
        if kind.startswith("one of ") and f"`{value}`" not in kind.removeprefix("one of ").split(", "):
            raise ValueError(value)
    return value


def wanted(family: str, found: str, value: Any) -> Any:
    """Return `value` where it is of MessagePack's `family`.

    Raises: ValueError.
    """
    if family != found:
        raise ValueError(found)
    return value


def item(data: bytes, at: int) -> tuple[str, Any, int]:
    """Return the family of the item at `at`, its value (of an array or map: how many follow), and where it ends.

    Raises: ValueError, IndexError, struct.error.
    """
    first, at = data[at], at + 1
    if first in ALONE:
        return *ALONE[first], at
    if first in FORMS:
        family, form = FORMS[first]
        (value,) = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
    elif first in EXTENSIONS:
        family, value = "ext", EXTENSIONS[first]
    elif first == 0xC1:
        raise ValueError(first)
    else:
        family, value = next((family, first - off) for last, family, off in SHORT if first <= last)
    if family not in {"bin", "str", "ext"}:
        return family, value, at
    end = at + value + (family == "ext")  # an extension's type is a byte before its value
    if end > len(data):
        raise IndexError(end)
    return family, data[at:end], end


def passed_over(data: bytes, at: int) -> int:
    """Return where the item at `at` ends, with all that is inside it."""
    left = 1
    while left:
        family, value, at = item(data, at)
        left += {"array": 1, "map": 2}.get(family, 0) * (value if family in {"array", "map"} else 0) - 1
    return at
