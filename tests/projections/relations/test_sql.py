"""A query sees the relations of a ledger as of a position, and nothing else whatever it asks for."""

from collections.abc import Iterator

import msgspec
import polars as pl
import pyarrow as pa
import pytest

from ledger.memory_log import MemoryLog
from ledger.values import Action
from projections.api.columns import Columns
from projections.api.extras import SqlRefusedError
from projections.api.ledger import Ledger
from projections.relations.relations import RELATIONS, Relations, RelationsAsked, empty
from projections.relations.sql import answered, named, sql, table
from projections.store.runner import open_view
from tests.projections.relations.test_sessions import realistic
from tests.projections.story import Story, bar, day
from tests.support import mix
from tests.support.cotahist import line
from tests.support.listed import Listed

OTHERS_TABLE = pa.table({"n": [1]})


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    """A log of a year of use."""
    return realistic(150)


@pytest.fixture
def ledger(log: MemoryLog) -> Iterator[Ledger]:
    """What is read of it."""
    with open_view(log, None) as view:
        yield Ledger(log, view, order=(mix.PROVIDER,))


REFUSED = {
    "select * from read_csv('/etc/passwd')": "read_csv()",
    "select * from read_text('/etc/passwd')": "read_text()",
    "select * from read_blob('/etc/passwd')": "read_blob()",
    "select * from glob('/etc/*')": "glob()",
    "select * from prices where ticker in (select content from read_text('/etc/passwd'))": "read_text()",
    "with a as (from read_parquet('x.parquet')) select * from a": "read_parquet()",
    "select * from arrow_scan(1::pointer, 2::pointer, 3::pointer)": "arrow_scan()",
    "select * from query('from read_csv(''/etc/passwd'')')": "query()",
    "select * from duckdb_settings()": "duckdb_settings()",
    "select * from '/etc/passwd'": "table '/etc/passwd'",
    "select * from 'https://example.com/a.parquet'": "table 'https://example.com/a.parquet'",
    "select * from OTHERS_TABLE": "table 'OTHERS_TABLE'",
    "select * from information_schema.tables": "table 'tables'",
    "select * from sqlite_master": "table 'sqlite_master'",
    "copy prices to '/tmp/x.csv'": "another statement",
    "copy (select 1) to '/tmp/x.csv'": "another statement",
    "export database '/tmp/x'": "another statement",
    "attach '/tmp/x.db'": "another statement",
    "install httpfs": "another statement",
    "load httpfs": "another statement",
    "set memory_limit = '10GB'": "another statement",
    "set enable_external_access = true": "another statement",
    "reset memory_limit": "another statement",
    "pragma database_list": "another statement",
    "call pragma_version()": "another statement",
    "create table a as select 1": "another statement",
    "create macro m() as 1": "another statement",
    "insert into prices select * from prices": "another statement",
    "delete from prices": "another statement",
    "drop view prices": "another statement",
    "prepare a as select 1": "another statement",
    "explain analyze select 1": "another statement",
    "select 1; select 2": "2 statements",
    "select 1; drop view prices": "another statement",
    "": "0 statements",
    "-- nothing": "0 statements",
    "selec 1": 'syntax error at or near "selec"',
    "select getenv('HOME')": "getenv does not exist",
    "select close from prices where nothing = 1": "nothing",
    "select cast(ticker as int) from prices": "Conversion Error",
}


@pytest.mark.parametrize("query", REFUSED)
def test_a_query_cannot_leave_its_relations(query: str, ledger: Ledger) -> None:
    """No file, address, extension, setting, variable of Python's, and no second statement."""
    with pytest.raises(SqlRefusedError, match=r"^got .*, want ") as caught:
        sql(ledger, query)
    assert REFUSED[query] in caught.value.found


def test_what_runs_a_query_is_shut_though_a_query_got_past_the_reader(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine itself has no access, no replacement of names, and settings that are locked."""
    monkeypatch.setattr("projections.relations.sql.named", lambda connection, *_: named(connection, "select 1", ()))
    for query, said in (
        ("select * from read_csv('/etc/passwd')", "disabled by configuration"),
        ("select * from '/etc/passwd'", "does not exist"),
        ("select * from OTHERS_TABLE", "does not exist"),
        ("set memory_limit = '10GB'", "locked"),
        ("set python_enable_replacements = true", "locked"),
        ("copy (select 1) to '/tmp/x.csv'", "disabled by configuration"),
        ("attach '/tmp/x.db'", "disabled by configuration"),
        ("install httpfs", "disabled by configuration"),
        ("load httpfs", "disabled"),
    ):
        with pytest.raises(SqlRefusedError, match=said):
            sql(ledger, query)


def test_memory_is_limited(ledger: Ledger) -> None:
    """An answer that needs more is refused, and the process lives on."""
    log, view, order = ledger.reads
    relations = Relations(log, view, RelationsAsked(position=ledger.head.size, order=order))
    with pytest.raises(SqlRefusedError, match="got no answer in 16 MB"):
        answered("select list(a.n) from range(30_000_000) a(n)", relations, memory_mb=16)


def test_only_what_a_query_names_is_made(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """However deep; what only asks how relations look makes none of them."""
    made: list[str] = []
    monkeypatch.setattr(Relations, "table", lambda _, name, *__: made.append(name) or empty(name))
    for query, names in (
        ("select 1", []),
        ("from PRICES limit 1", ["prices"]),
        ("select (select count(*) from logs), * from (with p as (from adjusted) from p join actions using (ticker))",
         ["adjusted", "actions", "logs"]),
        ("with events as (select 1 as n) select * from events", ["events"]),
        ("show tables", []),
        ("describe revisions", ["revisions"]),
    ):  # fmt: skip
        made.clear()
        sql(ledger, query)
        assert names == made
    assert sorted(RELATIONS) == sql(ledger, "show tables")["name"].to_pylist()


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_has_the_columns_and_types_of_its_rows(name: str, ledger: Ledger) -> None:
    """Those of the Python API's tables; an empty one too, as of a position with nothing in it."""
    whole = table(ledger, name)
    want = Columns(RELATIONS[name].row_type, []).to_arrow().schema
    assert [want, want] == [whole.schema, table(ledger, name, as_of=0).schema]
    assert (name in {"instruments", "market"}) == (len(whole) == 0)  # of files of the exchange alone
    assert (1 if name == "events" else 0) == len(table(ledger, name, as_of=0))


def test_the_relations_are_the_rows_of_the_api(ledger: Ledger) -> None:
    """Of every ticker, as of any position."""
    for as_of in (ledger.head.size - 1, ledger.head.size // 2):
        for name, rows in (
            ("adjusted", lambda ticker: ledger.prices(ticker, as_of=as_of, adjusted=True)),  # noqa: B023 - used at once
            ("actions", lambda ticker: ledger.actions(ticker, as_of=as_of)),  # noqa: B023 - the same
            ("revisions", lambda ticker: ledger.revisions(ticker, as_of=as_of, everything=True)),  # noqa: B023 - the same
        ):
            want = [row for ticker in ledger.tickers() for row in rows(ticker).to_arrow().to_pylist()]
            assert want == table(ledger, name, as_of=as_of).to_pylist()
        assert ledger.logs(as_of=as_of).to_arrow().to_pylist() == table(ledger, "logs", as_of=as_of).to_pylist()
        assert list(range(as_of + 1)) == table(ledger, "events", as_of=as_of)["seq"].to_pylist()


def test_a_query_answers_as_of_a_position(ledger: Ledger) -> None:
    """What is counted then is what was held then."""
    then = ledger.head.size // 2
    query = "select ticker, count(*)::int as n, max(close) as high from prices group by ticker order by ticker"
    for as_of in (then, None):
        want = [
            {"ticker": ticker, "n": len(found), "high": float(max(found["close"]))}
            for ticker in ledger.tickers()
            if len(found := ledger.prices(ticker, as_of=as_of))
        ]
        assert want == sql(ledger, query, as_of=as_of).to_pylist()


def test_the_data_of_an_event_is_json_without_its_answer(ledger: Ledger) -> None:
    """So that a query reads its fields."""
    query = """
        select data->>'verdict' as verdict, count(*)::int as n from events
        where type like 'validation.completed/%' group by verdict
    """
    found = {row["verdict"]: row["n"] for row in sql(ledger, query).to_pylist()}
    log, _, _ = ledger.reads
    assert sum(b"validation.completed/" in record.body for record in log.read()) == sum(found.values())
    assert [] == sql(ledger, "select 1 from events where data like '%\"body\"%' or data like '%\"bars\"%'").to_pylist()


def test_polars_takes_a_relation_over_without_a_copy(ledger: Ledger) -> None:
    """Numbers lie where Arrow has them."""
    found = table(ledger, "prices").combine_chunks()
    frame = pl.from_arrow(found)
    assert isinstance(frame, pl.DataFrame)
    for name in ("close", "volume"):
        (_, data) = found[name].chunk(0).buffers()
        assert data.address == frame[name].to_numpy(allow_copy=False).__array_interface__["data"][0]


def test_the_market_has_the_tickers_that_another_provider_stands_for() -> None:
    """Their prices are by the order of belief; every field of a session is by who tells of them."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(1)])
    listed = Listed(story)
    listed.imported([line(day(1))])
    listed.imported([line(day(1), "VALE3")], "VALE3.SA")
    with open_view(story.log, None) as view:
        asked = RelationsAsked(position=view.head.size, order=("yfinance", "cotahist"))
        relations = Relations(story.log, view, asked)
        assert ["yfinance", "cotahist"] == relations.table("prices")["provider"].to_pylist()
        assert ["PETR4.SA", "VALE3.SA"] == relations.table("market")["ticker"].to_pylist()
        assert all(value > 0 for value in relations.table("market")["value"].to_pylist())
        other = Relations(story.log, view, msgspec.structs.replace(asked, source="yfinance"))
        assert [] == other.table("market").to_pylist()


def test_a_source_of_prices_leaves_the_actions_of_its_witnesses() -> None:
    """The exchange's files tell of none, and what others tell adjusts their prices all the same."""
    story = Story()
    paid = Action(day(1), "dividend", 500_000_000_000, None, None, "BRL", None, None, None, None, None)
    story.decided(story.fetched(), bars=[bar(1)], actions=(paid,))
    Listed(story).imported([line(day(1))])
    with open_view(story.log, None) as view:
        asked = RelationsAsked(position=view.head.size, order=(), source="cotahist")
        relations = Relations(story.log, view, asked)
        assert ["cotahist"] == relations.table("prices")["provider"].to_pylist()
        assert ["yfinance"] == relations.table("actions")["provider"].to_pylist()
