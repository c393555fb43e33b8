"""Write docs/schemas/ from the structs that commands print: `python scripts/make_schemas.py`."""

import sys
from pathlib import Path
from typing import Any

import msgspec

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from cli.event_row import EventRow  # noqa: E402 - the repository is on the path only now
from cli.exits import Failure  # noqa: E402 - the same
from cli.rules import RuleRow  # noqa: E402 - the same
from cli.settings import InForce  # noqa: E402 - the same

FOLDER = REPOSITORY / "docs" / "schemas"

# What one line of `--format json` is, by the name of its schema.
OUTPUTS: dict[str, type[msgspec.Struct]] = {
    "config": InForce,
    "error": Failure,
    "event": EventRow,
    "rules": RuleRow,
}


def schema(output: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of one object: every field is there, and no other."""
    (root,), components = msgspec.json.schema_components([output], ref_template="#/$defs/{name}")
    for component in components.values():
        component["required"] = list(component["properties"])
        component["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": components}


def text(output: type[msgspec.Struct]) -> str:
    """Return the file of one schema."""
    return msgspec.json.format(msgspec.json.encode(schema(output)), indent=2).decode() + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, output in OUTPUTS.items():
        (FOLDER / f"{name}.schema.json").write_text(text(output), encoding="utf-8")
