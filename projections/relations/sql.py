"""One SELECT over the relations of a ledger, by DuckDB, which sees nothing but them.

A query is read before it runs: one statement, of tables that are relations, of table functions that make numbers.
What runs it has no access to files, network, extensions or the variables of Python, and its settings are locked.
"""

from typing import Any, Final

import msgspec

from projections.api import extras
from projections.api.extras import SqlRefusedError
from projections.api.ledger import Ledger
from projections.queries.position import AsOf
from projections.relations.asked_tickers import asked_tickers, nodes
from projections.relations.relations import RELATIONS, Relations, RelationsAsked, empty

EXTRA = "sql"
MEMORY_MB = 1024
# They make rows of their arguments, and read nothing.
TABLE_FUNCTIONS: Final = frozenset({"generate_series", "range", "repeat", "unnest"})
SETTINGS: Final = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "temp_directory": "",
}


class Named(msgspec.Struct, frozen=True):
    """What a query names: relations that it reads, and whether it asks what a relation looks like.

    Those of which it reads some tickers alone are in `tickers`.
    """

    relations: tuple[str, ...]
    shows: bool
    tickers: dict[str, frozenset[str]] = {}


def table(
    ledger: Ledger, name: str, *, as_of: AsOf | None = None, source: str | None = None, retired: bool = False
) -> Any:
    """Return a relation that `sql` reads whole, as a `pyarrow.Table`: the rows of all tickers, made as columns.

    Polars takes it over without a copy: `polars.from_arrow(table(ledger, "adjusted"))`.

    Raises: KeyError for a name that is none; MissingExtraError without pyarrow.
    """
    return _relations(ledger, as_of, source, retired=retired).table(name)


def sql(
    ledger: Ledger, query: str, *, as_of: AsOf | None = None, source: str | None = None, retired: bool = False
) -> Any:
    """Return what one SELECT finds in the ledger, as a `pyarrow.Table`; `main sql --help` lists what it may read.

    One series stands for a ticker; of those that a person retired none, unless `retired`.

    Raises: SqlRefusedError; MissingExtraError without DuckDB or pyarrow.
    """
    return answered(query, _relations(ledger, as_of, source, retired=retired))


def _relations(ledger: Ledger, as_of: AsOf | None, source: str | None, *, retired: bool) -> Relations:
    log, view, order = ledger.reads
    position, action_order = ledger.position(as_of), ledger.action_order
    asked = RelationsAsked(position=position, order=order, action_order=action_order, source=source, retired=retired)
    return Relations(log, view, asked)


def answered(query: str, relations: Relations, *, memory_mb: int = MEMORY_MB) -> Any:
    """Return the rows that `query` selects as a `pyarrow.Table`; of `relations` those that it names are made.

    DuckDB may take `memory_mb` beside them and the answer.

    Raises: SqlRefusedError; MissingExtraError without DuckDB or pyarrow.
    """
    duckdb: Any = extras.load("duckdb", extra=EXTRA)
    extras.load("pyarrow", extra=EXTRA)
    connection = duckdb.connect(":memory:", config=SETTINGS | {"memory_limit": f"{memory_mb}MB"})
    try:
        connection.execute("set TimeZone = 'UTC'; set lock_configuration = true").fetchall()
        found = named(connection, query, tuple(RELATIONS))
        for name in found.relations:
            connection.register(name, relations.table(name, found.tickers.get(name)))
        for name in RELATIONS if found.shows else ():
            if name not in found.relations:
                connection.register(name, empty(name))
        return connection.sql(query).to_arrow_table()
    except duckdb.OutOfMemoryException as error:
        raise SqlRefusedError(f"no answer in {memory_mb} MB", wanted="more memory, or fewer rows") from error
    except duckdb.Error as error:
        raise SqlRefusedError(_line(str(error)), wanted="a SELECT that DuckDB can answer") from error
    finally:
        connection.close()


def named(connection: Any, query: str, names: tuple[str, ...]) -> Named:
    """Return what `query` names of `names`, in their order.

    Raises: SqlRefusedError for anything but one SELECT over them.
    """
    ((tree,),) = connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()
    parsed = msgspec.json.decode(tree)
    if parsed["error"]:
        syntax = parsed["error_type"] == "parser"
        raise SqlRefusedError(_line(parsed["error_message"]) if syntax else "another statement", wanted="one SELECT")
    if len(parsed["statements"]) != 1:
        raise SqlRefusedError(f"{len(parsed['statements'])} statements", wanted="one SELECT")
    found = list(nodes(parsed))
    local = {entry["key"].lower() for node in found if "cte_map" in node for entry in node["cte_map"]["map"]}
    read = set()
    for node in found:
        kind = node.get("type")
        if kind == "BASE_TABLE":
            name = node["table_name"].lower()
            if (name not in names and name not in local) or node["schema_name"] or node["catalog_name"]:
                raise SqlRefusedError(f"table {node['table_name']!r}", wanted=f"one of {', '.join(names)}")
            read.add(name)
        elif kind == "TABLE_FUNCTION" and node["function"]["function_name"].lower() not in TABLE_FUNCTIONS:
            raise SqlRefusedError(f"{node['function']['function_name']}()", wanted=f"one of {', '.join(names)}")
    shows = any(node.get("type") == "SHOW_REF" for node in found)
    return Named(tuple(name for name in names if name in read), shows, asked_tickers(parsed))


def _line(message: str) -> str:
    """Return the first line of what DuckDB says: what follows points into the query."""
    return repr(message.partition("\n")[0])
