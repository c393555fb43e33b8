"""A query that names its tickers is answered from these, and gives what all of them would."""

from collections.abc import Iterator
from typing import Any

import duckdb
import msgspec
import pytest

from projections.api.ledger import Ledger
from projections.relations.asked_tickers import asked_tickers
from projections.relations.relations import Relations
from projections.relations.sql import sql
from projections.store.runner import open_view
from tests.projections.relations.test_sessions import realistic
from tests.support import mix

READ = {
    "select close from market where ticker = 'A'": {"market": {"A"}},
    "from prices where 'A' = TICKER": {"prices": {"A"}},
    "from PRICES where ticker = 'A' and close > 3 and date = '2025-01-02'": {"prices": {"A"}},
    "from prices p where p.ticker in ('A', 'B')": {"prices": {"A", "B"}},
    "from prices where prices.ticker in ('A', 'B') and ticker in ('B', 'C')": {"prices": {"B"}},
    "from prices where ticker = 'A' union all from prices where ticker = 'B'": {"prices": {"A", "B"}},
    "with p as (from prices where ticker = 'A') from p": {"prices": {"A"}},
    "from (from adjusted where ticker = 'A') join (from prices where ticker = 'B') using (date)": {
        "adjusted": {"A"},
        "prices": {"B"},
    },
    "from prices where close = (select max(close) from market where ticker = 'A')": {"market": {"A"}},
    "from prices where ticker = 'A' using sample 3": {"prices": {"A"}},
    # What restricts nothing.
    "from prices": {},
    "from prices where ticker = 'A' or close > 3": {},
    "from prices where not ticker = 'A'": {},
    "from prices where ticker <> 'A'": {},
    "from prices where ticker not in ('A')": {},
    "from prices where ticker > 'A'": {},
    "from prices where ticker = upper('a')": {},
    "from prices where ticker in ('A', upper('b'))": {},
    "from prices where lower(ticker) = 'a'": {},
    "from prices where ticker = 'a' collate nocase": {},
    "from prices where ticker = 1": {},
    "from prices where ticker is not distinct from 'A'": {},
    "from prices as p(ticker, date, day) where ticker = 'A'": {},
    "from prices tablesample 10% where ticker = 'A'": {},
    "from prices having ticker = 'A'": {},
    "from prices qualify ticker = 'A'": {},
    "from prices join market using (ticker) where ticker = 'A'": {},
    "from prices, actions where prices.ticker = 'A'": {},
    "from (from prices) where ticker = 'A'": {},
    "from prices where ticker = 'A' and close > (select avg(close) from prices)": {},
    "from prices a where exists (from market where a.ticker = 'A')": {},
    "from prices a where exists (from market b where market.ticker = 'A')": {},
}


def tree(query: str) -> Any:
    """Return the query as DuckDB's parser has it."""
    ((text,),) = duckdb.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()
    parsed = msgspec.json.decode(text)
    assert not parsed["error"], parsed
    return parsed


@pytest.mark.parametrize("query", READ)
def test_tickers_are_those_of_a_condition_that_every_row_meets(query: str) -> None:
    """However it is written; of a relation that is read elsewhere as well, of all."""
    assert READ[query] == asked_tickers(tree(query))


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """What is read of a year of use."""
    log = realistic(150)
    with open_view(log, None) as view:
        yield Ledger(log, view, order=(mix.PROVIDER,))


@pytest.mark.parametrize("relation", ["prices", "adjusted", "revisions"])
@pytest.mark.parametrize(
    "condition",
    [
        "ticker = '{0}'",
        "ticker in ('{0}', '{1}') and seq > 9",
        "ticker in ('{0}', 'NONE3.SA')",
        "ticker = 'NONE3.SA'",
        "ticker = lower('{0}') or ticker = '{1}'",
    ],
)
def test_the_rows_are_those_of_the_whole_relation(
    relation: str, condition: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of the newest position and an earlier one, with the tickers and without."""
    condition = condition.format(*ledger.tickers())
    query = f"select * from {relation} where {condition} order by all"  # noqa: S608 - ours
    for position in (None, 100):
        found = sql(ledger, query, as_of=position)
        with monkeypatch.context() as patch:
            whole = Relations.table
            patch.setattr(Relations, "table", lambda self, name, _, whole=whole: whole(self, name))
            assert sql(ledger, query, as_of=position).equals(found)
        assert bool(len(found)) == (condition != "ticker = 'NONE3.SA'")


def test_no_other_series_is_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a ticker, where one is asked for."""
    read: list[str] = []
    (_, view, _) = ledger.reads
    versions = type(view).versions

    def seen(self: Any, wanted: Any, position: Any) -> Any:
        names = list(wanted)
        read.extend(one.ticker for one in names)
        return versions(self, names, position)

    monkeypatch.setattr(type(view), "versions", seen)
    first = ledger.tickers()[0]
    assert len(sql(ledger, f"from prices where ticker = '{first}'"))
    assert [first] == read
