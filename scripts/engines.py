"""Ten queries, as of two positions, by `main sql`, DuckDB, Polars and Spark: `python scripts/engines.py FOLDER`.

Run by `scripts/engines.sh` in a working folder with a ledger. DuckDB, Polars and Spark read the export by year of each
position and the Delta table of revisions, which holds both; `main sql` reads the ledger. Spark reads the table's data
files as its log lists them where the package of Delta is not there. Fails where any answer differs.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars as pl

Rows = list[tuple[Any, ...]]

# The same words to every engine. `prices` is the export's, `held` what the table says was held at the position.
HELD = """
    select * from (
        select *, row_number() over (partition by provider, ticker, date order by seq desc) as newest
        from revisions where seq < {position} and close is not null
    ) as versions where newest = 1
"""
QUERIES = {
    "sessions": "select count(*) as n from {table}",
    "tickers": "select ticker, count(*) as n from {table} group by ticker order by ticker",
    "shares": "select ticker, sum(volume) as n from {table} group by ticker order by ticker",
    "highs": "select ticker, max(high) as n from {table} group by ticker order by ticker",
    "closes": "select round(sum(close), 4) as n from {table}",
    "one ticker": "select cast(date as varchar(10)) as day, close from {table} where ticker = 'PETR4.SA' order by day",
    "one session": "select ticker, close from {table} where date = date '2026-02-12' order by ticker",
    "years": "select extract(year from date) as y, count(*) as n from {table} group by 1 order by 1",
    "learned": "select seq, count(*) as n from {table} group by seq order by seq",
    "moves": """
        select ticker, cast(date as varchar(10)) as day, round(close / before - 1, 6) as move from (
            select ticker, date, close, lag(close) over (partition by ticker order by date) as before from {table}
        ) as pairs where before is not null order by abs(close / before - 1) desc, ticker, day limit 10
    """,
}


def plain(rows: Any) -> Rows:
    """Return rows whose numbers compare: whole ones as ints, others to six places."""
    return [tuple(_plain(value) for value in row) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    return int(value) if value == int(value) else round(float(value), 6)


def by_main(query: str, position: int) -> Rows:
    """Return what `main sql` prints."""
    words = ("sql", query.format(table="prices"), "--as-of", str(position - 1), "--format", "json")
    done = subprocess.run([sys.executable, "-m", "cli", *words], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return plain(tuple(json.loads(line).values()) for line in done.stdout.splitlines())


def by_duckdb(query: str) -> Rows:
    """Return what DuckDB finds in the tables that are registered."""
    return plain(duckdb.sql(query).fetchall())


def by_polars(context: pl.SQLContext[Any]) -> Callable[[str], Rows]:
    """Return what asks Polars."""
    return lambda query: plain(context.execute(query, eager=True).rows())


def by_spark(session: Any) -> Callable[[str], Rows]:
    """Return what asks Spark."""
    return lambda query: plain(tuple(row) for row in session.sql(query).collect())


def main(folder: Path, positions: list[int]) -> int:
    """Ask everybody everything and return how many answers differ."""
    from pyspark.sql import SparkSession

    table = deltalake.DeltaTable(str(folder / "revisions"))
    files = [str(folder / "revisions" / uri.rpartition("/")[2]) for uri in table.file_uris()]
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    session.read.parquet(*files).createOrReplaceTempView("revisions")
    duckdb.register("revisions", table.to_pyarrow_dataset())
    context = pl.SQLContext(revisions=pl.scan_delta(str(folder / "revisions")))
    engines = {"DuckDB": by_duckdb, "Polars": by_polars(context), "Spark": by_spark(session)}
    versions = {"Polars": pl.__version__, "DuckDB": duckdb.__version__, "deltalake": deltalake.__version__}
    print(f"Spark {session.version}", *(f"{name} {version}" for name, version in versions.items()), sep=", ")
    differing = 0
    for position in positions:
        tree = str(folder / f"tree-{position}" / "prices")
        session.read.parquet(tree).createOrReplaceTempView("prices")
        duckdb.register("prices", duckdb.read_parquet(f"{tree}/**/*.parquet", hive_partitioning=True))
        context.register("prices", pl.scan_parquet(f"{tree}/**/*.parquet", hive_partitioning=True))
        held = HELD.format(position=position)
        for name, query in QUERIES.items():
            want = by_main(query, position)
            answers = {}
            for engine, ask in engines.items():
                answers[f"{engine}, by year"] = ask(query.format(table="prices"))
                answers[f"{engine}, Delta"] = ask(query.format(table=f"({held}) as held"))
            wrong = [who for who, found in answers.items() if found != want]
            differing += len(wrong)
            print(f"position {position:>4}  {name:<12} {len(want):>5} rows  {', '.join(wrong) or 'all six agree'}")
    session.stop()
    return differing


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1]), [int(one) for one in sys.argv[2:]]), 1))
