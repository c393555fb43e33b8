"""Of which tickers alone a query reads each relation, by its tree as DuckDB serializes it. Pure.

A relation that stands alone behind FROM, under a WHERE of which one condition is `ticker = 'X'` or `ticker in (…)`, is
read of these tickers alone. What is not understood restricts nothing: the query itself is answered by DuckDB, whole.
"""

from collections.abc import Iterator
from typing import Any

TICKER = "ticker"
Tree = dict[str, Any]


def asked_tickers(tree: Any) -> dict[str, frozenset[str]]:
    """Return the tickers of which the query reads, by relation; of one that is not in it, of all."""
    alone = {
        id(node["from_table"]): _of(node["from_table"], node["where_clause"])
        for node in nodes(tree)
        if node.get("type") == "SELECT_NODE" and node["from_table"].get("type") == "BASE_TABLE"
    }
    found: dict[str, list[frozenset[str] | None]] = {}
    for node in nodes(tree):
        if node.get("type") == "BASE_TABLE":
            found.setdefault(node["table_name"].lower(), []).append(alone.get(id(node)))
    return {
        name: frozenset().union(*(one for one in readings if one is not None))
        for name, readings in found.items()
        if None not in readings
    }


def nodes(tree: Any) -> Iterator[Tree]:
    """Yield every object of the tree."""
    if isinstance(tree, dict):
        yield tree
    for below in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(below)


def _of(table: Tree, condition: Tree | None) -> frozenset[str] | None:
    """Return the tickers that rows of `table` have which meet the condition, None where it may be any."""
    # A sample is drawn before rows are chosen; other names may hide the column's.
    if condition is None or table.get("sample") or table.get("column_name_alias"):
        return None
    kind = condition.get("type")
    if kind == "CONJUNCTION_AND":
        known = [found for one in condition["children"] if (found := _of(table, one)) is not None]
        return frozenset.intersection(*known) if known else None
    if kind == "COMPARE_EQUAL":
        column, *values = sorted((condition["left"], condition["right"]), key=lambda one: not _is_ticker(table, one))
    elif kind == "COMPARE_IN":
        column, *values = condition["children"]
    else:
        return None
    texts = [text for value in values if (text := _text(value)) is not None]
    return frozenset(texts) if _is_ticker(table, column) and len(texts) == len(values) else None


def _is_ticker(table: Tree, node: Tree) -> bool:
    """Return whether the node is the column of that table; one of a query around it would bear its table's name."""
    if node.get("type") != "COLUMN_REF":
        return False
    *owner, column = (name.lower() for name in node["column_names"])
    return column == TICKER and owner in ([], [(table["alias"] or table["table_name"]).lower()])


def _text(node: Tree) -> str | None:
    """Return the text that stands there, None for anything else."""
    literal = node.get("literal") if node.get("type") == "VALUE_CONSTANT" else None
    return literal["text"] if isinstance(literal, dict) and literal.get("kind") == "STRING" else None
